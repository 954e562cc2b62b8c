"""A real .jpg file before a sampler: every sample is moved to where libjpeg writes the very file of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...data.degradations.jpeg import Jpeg
from ...data.jpeg.certificate import Certificate
from ...data.jpeg.coded import SAMPLINGS, Coded
from ...data.jpeg.crop import crop, unit
from ...data.jpeg.file import JpegFile
from ...data.jpeg.grey_as_colour import grey_as_colour
from ...data.jpeg.rough_quality import RoughQuality, rough_quality
from ...data.measurement import Measurement
from ..loaded_sampler import LoadedSampler
from .grey import luma
from .subject import Frame
from .unsuitable import UnsuitablePicture
from .windows import Window

NAMES = {sampling: name for name, sampling in SAMPLINGS.items()}


class JpegPicture:
    """A ``Subject``: levels and pixels of a file, as they are stored, not rotated.

    A grey file is told to a sampler that knows colour as colour without chroma; of what comes, the luma is taken.

    Args:
        file: as it was read.
        sampler: trained on JPEG.
        slack: by how many quantisation steps levels may miss the file's, for files of encoders that do not round to the
            nearest; certificates count whatever differs.

    Raises:
        UnsuitablePicture: if it has colour and the sampler knows only grey.
    """

    def __init__(self, file: JpegFile, sampler: LoadedSampler, slack: float = 0.0) -> None:
        assert isinstance(sampler.degradation, Jpeg)
        self.file, self.seen, self.device = file, sampler.degradation, sampler.device
        self.frame, channels = frame_of_levels(file), len(file.decoded)
        self.known = int(sampler.about["image_channels"])
        if channels > self.known:
            raise UnsuitablePicture("it has colour; allowed for this model, trained on grey, is grey")
        self.projection = self.seen.with_slack(slack)
        self.told = grey_as_colour(file.coded, self.seen.samplings[0]) if channels < self.known else file.coded
        self.unit = max(unit(file.coded), unit(self.told))
        quality = rough_quality(file.coded)
        self.facts: dict[str, Any] = {
            "sampling": NAMES[file.coded.sampling] if channels > 1 else "grey",
            "tables": described(quality),
        }
        self.warnings = self._warnings(quality)
        self._held: tuple[Window, Measurement] | None = None

    def shown(self, window: Window) -> Tensor:
        """See ``Subject``: the plain decode."""
        return self._pixels(window) / 255

    def condition(self, window: Window) -> Tensor:
        """See ``Subject``."""
        told = self._pixels(window).expand(self.known, -1, -1)
        return self.seen.measure(_part(self.told, window), told[None]).condition

    def project(self, drawn: Tensor, window: Window) -> Tensor:
        """See ``Subject``."""
        image = luma(drawn) if drawn.shape[1] > self.frame.channels else drawn
        return self.projection.project(image, self._measurement(window))

    @torch.inference_mode()
    def finish(self, image: Tensor, window: Window) -> tuple[np.ndarray, Certificate]:
        """See ``Subject``: the 8-bit picture near it, and what libjpeg makes of it."""
        measurement = self._measurement(window)
        pixels = self.projection.finish(image.float().to(self.device), measurement)
        return pixels[0].movedim(0, -1).cpu().numpy(), self.projection.certify(pixels, measurement)

    def residual(self, pixels: np.ndarray) -> dict[str, Any]:
        """See ``Subject``."""
        return {}

    def _measurement(self, window: Window) -> Measurement:
        """Kept for the samples of one window, each of which is projected and finished."""
        if self._held is None or self._held[0] != window:
            measurement = self.projection.measure(_part(self.file.coded, window), self._pixels(window)[None])
            self._held = window, measurement.to(self.device)
        return self._held[1]

    def _pixels(self, window: Window) -> Tensor:
        return self.file.decoded[(slice(None), *window.area)]

    def _warnings(self, found: RoughQuality) -> list[str]:
        """What of the file's tables and sampling the sampler has not seen, and what it has."""
        low, high, samplings = self.seen.low, self.seen.high, self.seen.samplings
        chroma, grey = self.file.coded.sampling, self.frame.channels == 1
        if found.exact and low <= found.quality <= high and (grey or chroma in samplings):
            return []
        colour = " in grey" if grey else f" at {NAMES[chroma]}"
        seen = f"{low}" if low == high else f"{low} to {high}"
        at = f" at {', '.join(NAMES[sampling] for sampling in samplings)}" if self.known > 1 else ""
        return [f"its tables are {described(found)}{colour}; the run was trained on quality {seen}{at}"]


def frame_of_levels(file: JpegFile) -> Frame:
    """As it is stored."""
    channels, height, width = file.decoded.shape
    return Frame(height, width, channels, exif=file.exif, icc_profile=file.icc_profile)


def described(quality: RoughQuality) -> str:
    """In words."""
    return (
        f"those of quality {quality.quality}"
        if quality.exact
        else f"not libjpeg's, nearest to quality {quality.quality}"
    )


def _part(coded: Coded, window: Window) -> Coded:
    return crop(coded, *window.place)
