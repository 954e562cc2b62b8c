"""A picture whose measurement is known as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...data.from_picture import FromPicture
from ...data.measurement import Measurement
from ..loaded_sampler import LoadedSampler
from .grey import luma
from .subject import Frame, to_pixels
from .windows import Window

MOST_TURNS, NEAR = 20, 0.1 / 255  # so near to [0, 1], clipping is left to rounding


class MeasuredPicture:
    """A ``Subject``: y, facts and maps of all of it, held as floats; its memory grows with the picture.

    Restorations are grey where the frame is and the sampler knows colour: of what comes the luma is taken, which
    explains a y of three equal colours as well as they do.

    Args:
        measurement: of one image, with the channels that the sampler knows.
        frame: of what is written.
        sampler: whose degradation is a ``FromPicture``.
        facts: what is known of the file.
        warnings: what speaks against it.
    """

    def __init__(
        self,
        measurement: Measurement,
        frame: Frame,
        sampler: LoadedSampler,
        facts: dict[str, Any],
        warnings: list[str],
    ) -> None:
        assert isinstance(sampler.degradation, FromPicture)
        self.measurement, self.frame, self.seen = measurement, frame, sampler.degradation
        self.known = measurement.degraded.shape[1]
        self.facts, self.warnings = facts | {"held_whole": True}, warnings

    @property
    def unit(self) -> int | None:
        """See ``Subject``."""
        return self.seen.unit

    def shown(self, window: Window) -> Tensor:
        """See ``Subject``."""
        return self.measurement.degraded[(0, slice(self.frame.channels), *window.area)]

    def condition(self, window: Window) -> Tensor:
        """See ``Subject``."""
        return self._part(window).condition

    def project(self, drawn: Tensor, window: Window) -> Tensor:
        """See ``Subject``."""
        image = self.seen.project(drawn, self._part(window).to(drawn.device))
        return luma(image) if self.known > self.frame.channels else image

    @torch.inference_mode()
    def finish(self, image: Tensor, window: Window) -> tuple[np.ndarray, None]:
        """See ``Subject``: clipped and projected by turns, as clipping alone may leave what explains y."""
        for _ in range(MOST_TURNS):
            clipped = image.clamp(0, 1)
            if (image - clipped).abs().max() <= NEAR:
                break
            image = self.project(clipped.expand(-1, self.known, -1, -1), window)
        return to_pixels(image, self.frame.dtype), None

    @torch.inference_mode()
    def residual(self, pixels: np.ndarray) -> dict[str, Any]:
        """See ``Subject``."""
        if self.seen.residual_unit is None:
            return {}
        image = torch.from_numpy(pixels / np.float32(np.iinfo(pixels.dtype).max)).movedim(-1, 0)[None]
        (residual,) = self.seen.residual(image.expand(-1, self.known, -1, -1), self.measurement)
        return {"residual": float(residual), "residual_unit": self.seen.residual_unit}

    def _part(self, window: Window) -> Measurement:
        return self.measurement.window(*window.place, self.unit or 1)
