"""One picture while it is looked at: encoded once; its samples, their mean and their spread."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from ...models.spatial_latent import LatentField, SpatialLatent
from ...train.inference.sampler import RunningMoments
from ...train.metrics.decibels import psnr
from ...train.restore.open_image import OpenedImage
from ...train.restore.report import ReencodingReport
from ...train.restore.restoration_input import rounded
from ...train.restore.tiling import Tiling


class Pixels(NamedTuple):
    """A picture as ``pscgan restore`` writes it.

    Attributes:
        values: (H, W, C) uint8 or uint16.
        report: PSNR and, where y is a file, what libjpeg makes of the picture, as in ``restore.json``.
    """

    values: np.ndarray
    report: dict[str, Any]


class Picture:
    """Tiles of a picture with their features.

    Args:
        tiling: of which sampler, and how.
        opened: the picture.
    """

    def __init__(self, tiling: Tiling, opened: OpenedImage) -> None:
        self.y, self.clean = opened
        self.generator = tiling.sampler.generator
        self.tiles = [tiling.tile(self.y, window) for window in tiling.windows(self.y)]

    def draw(self, field: LatentField, sigma_z: float) -> list[Tensor]:
        """The sample of one z, of each tile (1, c, h, w)."""
        return [next(tile.draw([field], sigma_z)) for tile in self.tiles]

    def to_pixels(self, images: list[Tensor]) -> Pixels:
        """Pixels of an image that is given by tiles, and what is known of them."""
        values, report = self._blank(), ReencodingReport()
        for tile, image in zip(self.tiles, images, strict=True):
            part, verification = self.y.to_pixels(image, tile.window)
            values[tile.window.area] = part
            known = {} if self.clean is None else {"clean": self.clean(tile.window)}
            report.add(part, verification, input=self.y.degraded(tile.window), **known)
        return Pixels(values, report.entry())

    def degraded(self) -> np.ndarray:
        """The pixels of y."""
        return self._rounded([self.y.degraded(tile.window) for tile in self.tiles])

    def truth(self) -> np.ndarray:
        """The pixels of x, which must be known."""
        assert self.clean is not None
        return self._rounded([self.clean(tile.window) for tile in self.tiles])

    def squared_error(self, images: list[Tensor]) -> float:
        """Sum of squares of an image less x; 0 where x is not known."""
        clean = self.clean
        if clean is None:
            return 0.0
        pairs = zip(self.tiles, images, strict=True)
        return sum(float((image.cpu().double() - clean(tile.window)).square().sum()) for tile, image in pairs)

    def _rounded(self, parts: list[Tensor]) -> np.ndarray:
        values = self._blank()
        for tile, part in zip(self.tiles, parts, strict=True):
            values[tile.window.area] = rounded(part[None], self.y.info.dtype)
        return values

    def _blank(self) -> np.ndarray:
        info = self.y.info
        return np.zeros((info.height, info.width, info.channels), info.dtype)


class Average:
    """Mean and spread of samples 1, 2, ... of a seed, which grow by one sample at a time.

    Args:
        picture: of which they are samples.
        seed: of them.
        sigma_z: factor on z.

    Attributes:
        count: samples so far.
    """

    def __init__(self, picture: Picture, seed: int, sigma_z: float) -> None:
        self.picture, self.seed, self.sigma_z, self.count = picture, seed, sigma_z, 0
        self._moments = [RunningMoments() for _ in picture.tiles]
        self._squared_error = 0.0

    def add(self) -> None:
        """Draw the next sample."""
        sample = self.picture.draw(SpatialLatent(self.picture.generator, [self.seed], self.count + 1), self.sigma_z)
        for moments, part in zip(self._moments, sample, strict=True):
            moments.add(part)
        self._squared_error += self.picture.squared_error(sample)
        self.count += 1

    def mean(self) -> list[Tensor]:
        """Of each tile (1, c, h, w) fp32."""
        return [moments.mean.float() for moments in self._moments]

    def std(self) -> np.ndarray:
        """With divisor N - 1, root mean square over colours, (H, W) fp32, 1 for white; 0 for one sample."""
        info = self.picture.y.info
        std = np.zeros((info.height, info.width), np.float32)
        for tile, moments in zip(self.picture.tiles, self._moments, strict=True):
            std[tile.window.area] = moments.std[0, 0].cpu().numpy()
        return std

    def gain_db(self) -> float | None:
        """PSNR of the mean less that of one sample, neither rounded; None where x is not known."""
        if self.picture.clean is None:
            return None
        info = self.picture.y.info
        values = info.height * info.width * info.channels
        error = self.picture.squared_error(self.mean())
        return psnr(error / values) - psnr(self._squared_error / self.count / values)
