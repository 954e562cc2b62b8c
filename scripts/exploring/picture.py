"""One picture while it is looked at: encoded once, of which samples are drawn and finished whole."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from ...models.spatial_latent import LatentField
from ...train.restore.open_image import OpenedImage
from ...train.restore.report import ReencodingReport
from ...train.restore.restoration_input import rounded
from ...train.restore.tiling import Tiling


class Finished(NamedTuple):
    """A picture as ``pscgan restore`` would write it.

    Attributes:
        pixels: (H, W, C) uint8 or uint16.
        proof: distances and, where y is a file, what libjpeg makes of the picture, as in ``restore.json``.
    """

    pixels: np.ndarray
    proof: dict[str, Any]


class Picture:
    """Tiles of a picture with their features.

    Args:
        tiling: of which sampler, and how.
        opened: the picture.
    """

    def __init__(self, tiling: Tiling, opened: OpenedImage) -> None:
        self.y, self.clean = opened
        self.tiles = [tiling.tile(self.y, window) for window in tiling.windows(self.y)]

    def draw(self, field: LatentField, sigma_z: float) -> list[Tensor]:
        """The sample of one z, of each tile (1, c, h, w)."""
        return [next(tile.draw([field], sigma_z)) for tile in self.tiles]

    def finish(self, images: list[Tensor]) -> Finished:
        """Pixels of an image that is given by tiles, and the proof of them."""
        pixels, proof = self._blank(), ReencodingReport()
        for tile, image in zip(self.tiles, images, strict=True):
            part, certificate = self.y.to_pixels(image, tile.window)
            pixels[tile.window.area] = part
            known = {} if self.clean is None else {"clean": self.clean(tile.window)}
            proof.add(part, certificate, input=self.y.degraded(tile.window), **known)
        return Finished(pixels, proof.entry())

    def degraded(self) -> np.ndarray:
        """The pixels of y."""
        return self._pixels([self.y.degraded(tile.window) for tile in self.tiles])

    def truth(self) -> np.ndarray | None:
        """The pixels of x, where y was made of it."""
        clean = self.clean
        return None if clean is None else self._pixels([clean(tile.window) for tile in self.tiles])

    def _pixels(self, parts: list[Tensor]) -> np.ndarray:
        pixels = self._blank()
        for tile, part in zip(self.tiles, parts, strict=True):
            pixels[tile.window.area] = rounded(part[None], self.y.info.dtype)
        return pixels

    def _blank(self) -> np.ndarray:
        info = self.y.info
        return np.zeros((info.height, info.width, info.channels), info.dtype)
