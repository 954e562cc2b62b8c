"""One picture before a sampler: y by windows, and the way from samples to pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ...data.degradation import Degradation, Verifiable, Verification
from ...data.from_image import FromImage
from ...data.image_io.write_png import encode_png
from ...data.luma import luma
from ...data.measurement import Measurement
from ..inference.windows import Window

MAX_PROJECTIONS, NEAR = 20, 0.1 / 255  # so near to [0, 1], clipping is left to rounding


class UnsupportedImageError(ValueError):
    """A file of which this model cannot draw samples."""


@dataclass(frozen=True)
class ImageInfo:
    """What a restored picture has from its file.

    Attributes:
        height: in pixels.
        width: in pixels.
        channels: 3 for colour, 1 for grey.
        file_channels: those of the file; 3 also where its grey is three equal colours.
        dtype: of the pixels, uint8 or uint16.
        alpha: (H, W) of the same dtype; None where there is none.
        hidden: (H, W, ``file_channels``) of the same dtype, colours of the file where alpha is 0; None where it is not.
        exif: as Pillow takes it; empty if there is none.
        icc_profile: what the pixels mean; None for sRGB.
        colour_chunks: likewise, see ``DecodedImage``.
    """

    height: int
    width: int
    channels: int
    file_channels: int
    dtype: type[np.uint8] | type[np.uint16] = np.uint8
    alpha: np.ndarray | None = None
    hidden: np.ndarray | None = None
    exif: bytes = b""
    icc_profile: bytes | None = None
    colour_chunks: bytes = b""

    def with_channels(self, channels: int) -> ImageInfo:
        """Restored and written with so many channels, without the colour profile where it would no longer fit."""
        profile = self.icc_profile if channels == self.file_channels else None
        return replace(self, channels=channels, file_channels=channels, icc_profile=profile)

    def enlarged(self, scale: int) -> ImageInfo:
        """That of a picture ``scale`` times as large, alpha and what it hides repeated."""
        alpha, hidden = (
            old if old is None else old.repeat(scale, axis=0).repeat(scale, axis=1) for old in (self.alpha, self.hidden)
        )
        return replace(self, height=scale * self.height, width=scale * self.width, alpha=alpha, hidden=hidden)

    def png(self, pixels: np.ndarray) -> bytes:
        """A file of restored pixels (H, W, ``channels``), and of the colours that alpha hides as they were."""
        colours = pixels if self.channels == self.file_channels else pixels.repeat(self.file_channels, axis=2)
        if self.alpha is not None and self.hidden is not None:
            colours = np.where(self.alpha[..., None] > 0, colours, self.hidden)
        image = torch.from_numpy(colours).movedim(-1, 0)
        return encode_png(image, self.exif, self.icc_profile, self.alpha, self.colour_chunks)


class ImageModel(Protocol):
    """What restores pictures, as far as they are concerned: a trained sampler, or a method by a denoiser."""

    @property
    def image_channels(self) -> int:
        """3 for colour, 1 for grey."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def degradation(self) -> Degradation:
        """Of what it restores."""


Pixels = Callable[[Window], Tensor]
"""A window of an image, (c, h, w) float, 1 for white."""
Measured = Callable[[Window, int], Measurement]
"""The measurement of a window with so many channels, which begins and ends at multiples of ``unit``."""


class RestorationInput:
    """A picture that is y, or of which y was made.

    A grey picture is shown to a sampler that knows colour as three equal colours; of a sample, the luma is taken.

    Args:
        sampler: that restores.
        degradation: of the picture; that of the sampler, or one with another tolerance.
        info: of what is written.
        measured: y by windows.
        unit: pixels to whose multiples windows are cut; None where samples are projected as a whole.
        held: the measurement of all of it in the channels of ``info``, where that is held; memory grows with it.

    Attributes:
        facts: what is known of the picture, as plain values.
        warnings: sentences, of what the sampler was not trained on.
        clean: the truth of a window, where y was made here; else None.
    """

    def __init__(
        self,
        sampler: ImageModel,
        degradation: FromImage,
        info: ImageInfo,
        measured: Measured,
        unit: int | None,
        held: Measurement | None = None,
    ) -> None:
        self.sampler, self.degradation, self.info, self.unit, self.held = sampler, degradation, info, unit, held
        self.facts: dict[str, Any] = {}
        self.warnings: list[str] = []
        self.clean: Pixels | None = None
        self._measured = lru_cache(maxsize=2)(lambda *part: measured(*part).to(sampler.device))

    @property
    def record(self) -> dict[str, Any]:
        """What a report says of the picture, as plain values."""
        return {"width": self.info.width, "height": self.info.height, **self.facts, "warnings": self.warnings}

    def degraded(self, window: Window) -> Tensor:
        """y of a window as an image in the channels of ``info``, (c, h, w)."""
        return self._measured(window, self.info.channels).degraded[0]

    def references(self, window: Window) -> dict[str, Tensor]:
        """What pixels of a window are compared with, by name: the input and, where it is known, the clean picture."""
        clean = {} if self.clean is None else {"clean": self.clean(window)}
        return {"input": self.degraded(window), **clean}

    def measurement(self, window: Window) -> Measurement:
        """Of a window, in the channels of the sampler."""
        return self._measured(window, self.sampler.image_channels)

    def project(self, sample: Tensor, window: Window) -> Tensor:
        """The nearest image to a sample (1, C, h, w) that explains y, in the channels of ``info``."""
        image = luma(sample) if sample.shape[1] > self.info.channels else sample
        return self.degradation.project(image, self._measured(window, self.info.channels))

    @torch.inference_mode()
    def to_pixels(self, image: Tensor, window: Window) -> tuple[np.ndarray, Verification | None]:
        """Pixels (h, w, c) of (1, c, h, w), and what libjpeg makes of them where y is a file; else None.

        Where y is no file the image is clipped and projected by turns, as clipping alone may leave what explains y.
        """
        measurement = self._measured(window, self.info.channels)
        if isinstance(self.degradation, Verifiable):
            exact = self.degradation.to_exact_uint8(image.float().to(self.sampler.device), measurement)
            channels = self.info.file_channels
            proof = self.degradation.verify(exact.expand(-1, channels, -1, -1), self._measured(window, channels))
            return exact[0].movedim(0, -1).cpu().numpy(), proof
        for _ in range(MAX_PROJECTIONS):
            clipped = image.clamp(0, 1)
            if (image - clipped).abs().max() <= NEAR:
                break
            image = self.degradation.project(clipped, measurement)
        return rounded(image, self.info.dtype), None

    @torch.inference_mode()
    def residual(self, pixels: np.ndarray) -> dict[str, Any]:
        """How far all pixels (H, W, c), as they are written, are from explaining y, and the unit of that.

        Empty where the measurement is not held as a whole: under white noise, and of a .jpg file, which is verified.
        """
        if self.held is None or self.degradation.residual_unit is None:
            return {}
        image = torch.from_numpy(pixels / np.float32(np.iinfo(pixels.dtype).max)).movedim(-1, 0)[None]
        (residual,) = self.degradation.residual(image, self.held)
        return {"residual": float(residual), "residual_unit": self.degradation.residual_unit}


def rounded(image: Tensor, dtype: type[np.uint8] | type[np.uint16]) -> np.ndarray:
    """(1, c, h, w) about [0, 1], clipped and rounded, as (h, w, c)."""
    largest = np.iinfo(dtype).max
    scaled = (largest * image[0].movedim(0, -1)).round().clamp(0, largest)
    return scaled.cpu().numpy().astype(dtype)
