"""The seam between picture files and restoration: y by windows, and the way from samples to pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from ...data.jpeg.verify import Verification
from .windows import Window


@dataclass(frozen=True)
class ImageInfo:
    """What a restored picture has from its file.

    Attributes:
        height: in pixels.
        width: likewise.
        channels: 3 for colour, 1 for grey.
        dtype: of the pixels, uint8 or uint16.
        alpha: (H, W) of the same dtype; None where there is none.
        exif: as Pillow takes it; empty if there is none.
        icc_profile: what the pixels mean; None for sRGB.
    """

    height: int
    width: int
    channels: int
    dtype: type[np.uint8] | type[np.uint16] = np.uint8
    alpha: np.ndarray | None = None
    exif: bytes = b""
    icc_profile: bytes | None = None


def recoloured(frame: ImageInfo, channels: int) -> ImageInfo:
    """With other channels; a colour profile would no longer fit then, and is left out."""
    return frame if channels == frame.channels else replace(frame, channels=channels, icc_profile=None)


class RestorationInput(Protocol):
    """One picture before a sampler.

    Attributes:
        frame: of what is written.
        unit: pixels to whose multiples windows are cut; None where samples are projected as a whole.
        facts: what a report says of the file, as plain values.
        warnings: sentences, of what the sampler was not trained on.
    """

    frame: ImageInfo
    facts: dict[str, Any]
    warnings: list[str]

    @property
    def unit(self) -> int | None:
        """See above."""
        ...

    def shown(self, window: Window) -> Tensor:
        """y of a window as an image in the channels of the frame, (c, h, w)."""
        ...

    def condition(self, window: Window) -> Tensor:
        """What the network is told of a window, (1, C + M, h, w)."""
        ...

    def project(self, drawn: Tensor, window: Window) -> Tensor:
        """A sample (1, C, h, w) of the network as the nearest image that explains y, in the channels of the frame."""
        ...

    def finish(self, image: Tensor, window: Window) -> tuple[np.ndarray, Verification | None]:
        """Pixels (h, w, c) of (1, c, h, w), and the proof where y is a file; else None."""
        ...

    def residual(self, pixels: np.ndarray) -> dict[str, Any]:
        """Of all pixels (H, W, c) as they are written, how far they are from explaining y, and its unit.

        Empty where that is not found: under white noise alone, and of a .jpg file, which has its proof.
        """
        ...


def to_pixels(image: Tensor, dtype: type[np.uint8] | type[np.uint16]) -> np.ndarray:
    """(1, c, h, w) about [0, 1], clipped and rounded, as (h, w, c)."""
    largest = np.iinfo(dtype).max
    scaled = (largest * image[0].movedim(0, -1)).round().clamp(0, largest)
    return scaled.cpu().numpy().astype(dtype)


class UnsupportedImageError(ValueError):
    """A file of which this model cannot draw samples."""
