"""A picture in full depth, and windows of it as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Samples = NDArray[np.uint8 | np.uint16]
"""All of one type."""


@dataclass(frozen=True)
class Photograph:
    """One picture, as a viewer shows it.

    Attributes:
        pixels: (H, W, C) uint8 or uint16; C is 1 for grey, 3 for RGB.
        alpha: (H, W) of the same type, not multiplied into the pixels; None if the file has none.
        exif: as Pillow takes it, without orientation; empty if there is none.
        icc_profile: what the pixels mean; None for sRGB.
        format: of the file: PNG, JPEG, WEBP or TIFF.
        notes: what was changed or left out on reading, a sentence each, to be read behind the file's name.
    """

    pixels: Samples
    alpha: Samples | None
    exif: bytes
    icc_profile: bytes | None
    format: str
    notes: tuple[str, ...] = ()

    @property
    def largest(self) -> int:
        """The value of white: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)

    def window(self, top: int, left: int, height: int, width: int) -> Tensor:
        """A part as (C, height, width) float32 in [0, 1], the only part that is turned into floats.

        Raises:
            ValueError: if the window is empty or leaves the picture.
        """
        H, W, _ = self.pixels.shape
        if not (0 <= top < top + height <= H and 0 <= left < left + width <= W):
            raise ValueError(f"window is {height}x{width} at {top}, {left}; allowed is a part of the {H}x{W} pixels")
        part = self.pixels[top : top + height, left : left + width].transpose(2, 0, 1).astype(np.float32, order="C")
        return torch.from_numpy(part / np.float32(self.largest))
