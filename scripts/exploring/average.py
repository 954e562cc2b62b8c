"""Mean and spread of samples of a picture, more of which can be added at any time."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ...models.spatial_latent import SpatialLatent
from ...train.inference.sampler import RunningMoments
from ...train.metrics.decibels import psnr
from .picture import Picture


class Average:
    """Of samples 1, 2, ... of a seed, as ``pscgan restore`` averages them.

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
        self._squares = 0.0

    def add(self) -> None:
        """The next sample."""
        generator = self.picture.tiles[0].sampler.generator
        sample = self.picture.draw(SpatialLatent(generator, [self.seed], self.count + 1), self.sigma_z)
        for moments, part in zip(self._moments, sample, strict=True):
            moments.add(part)
        self._squares += self._error(sample)
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

    def gain(self) -> float | None:
        """PSNR of the mean less that of one sample, in dB, neither rounded; None where x is not known."""
        if self.picture.clean is None:
            return None
        info = self.picture.y.info
        values = info.height * info.width * info.channels
        return psnr(self._error(self.mean()) / values) - psnr(self._squares / self.count / values)

    def _error(self, images: list[Tensor]) -> float:
        """Squares of what is missing to x, summed."""
        clean = self.picture.clean
        if clean is None:
            return 0.0
        pairs = zip(self.picture.tiles, images, strict=True)
        return sum(float((image.cpu().double() - clean(tile.window)).square().sum()) for tile, image in pairs)
