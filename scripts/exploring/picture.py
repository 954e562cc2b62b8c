"""One picture while it is looked at: encoded once; its samples, their mean and their standard deviation."""

from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
from torch import Tensor

from ...models.spatial_latent import LatentField, SpatialLatent
from ...train.inference.sampler import RunningMoments
from ...train.metrics.decibels import psnr
from ...train.restore.report import ReencodingReport
from ...train.restore.restoration_input import RestorationInput, rounded
from ...train.restore.tiling import Tiling
from ...train.restore.transported_tiling import TransportedTile, TransportedTiling


class Pixels(NamedTuple):
    """A picture as ``pscgan restore`` writes it.

    Attributes:
        values: (H, W, C) uint8 or uint16.
        report: PSNR and, where y is a file, what libjpeg makes of the picture, as in ``restore.jsonl``.
    """

    values: np.ndarray
    report: dict[str, Any]


class Picture:
    """Tiles of a picture with their features. An image is a list of its tiles, each (1, C, h, w).

    Args:
        tiling: of which sampler, and how.
        y: the picture.
    """

    def __init__(self, tiling: Tiling | TransportedTiling, y: RestorationInput) -> None:
        self.y, self.clean = y, y.clean
        self.generator = tiling.sampler.generator
        self.tiles = [tiling.tile(self.y, window) for window in tiling.windows(self.y)]

    def at(self, alpha: float) -> Self:
        """The same features, with samples at another α where they are transported."""
        same = copy(self)
        same.tiles = [replace(t, alpha=alpha) if isinstance(t, TransportedTile) else t for t in self.tiles]
        return same

    def draw(self, field: LatentField, sigma_z: float) -> list[Tensor]:
        """The sample of one z."""
        return [next(tile.draw([field], sigma_z)) for tile in self.tiles]

    def to_pixels(self, image: list[Tensor]) -> Pixels:
        """Pixels of an image, and what is known of them."""
        parts, report = [], ReencodingReport()
        for tile, values in zip(self.tiles, image, strict=True):
            part, verification = self.y.to_pixels(values, tile.window)
            report.add(part, verification, **self.y.references(tile.window))
            parts.append(part)
        return Pixels(self.joined(parts), report.entry())

    def degraded(self) -> np.ndarray:
        """The pixels of y."""
        return self.joined([rounded(self.y.degraded(tile.window)[None], self.y.info.dtype) for tile in self.tiles])

    def truth(self) -> np.ndarray:
        """The pixels of x, which must be known."""
        assert self.clean is not None
        return self.joined([rounded(self.clean(tile.window)[None], self.y.info.dtype) for tile in self.tiles])

    def joined(self, parts: list[np.ndarray]) -> np.ndarray:
        """(H, W, c) of one part (h, w, c) a tile."""
        info = self.y.info
        values = np.empty((info.height, info.width, parts[0].shape[2]), parts[0].dtype)
        for tile, part in zip(self.tiles, parts, strict=True):
            values[tile.window.area] = part
        return values

    def squared_error(self, image: list[Tensor]) -> float | None:
        """Mean over values of the squared difference from x; None where x is not known."""
        if self.clean is None:
            return None
        pairs = [(part.cpu().double(), self.clean(tile.window)) for tile, part in zip(self.tiles, image, strict=True)]
        return sum(float((part - x).square().sum()) for part, x in pairs) / sum(x.numel() for _, x in pairs)


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

    def add(self) -> None:
        """Draw the next sample."""
        self.count += 1
        field = SpatialLatent(self.picture.generator, [self.seed], self.count)
        for moments, part in zip(self._moments, self.picture.draw(field, self.sigma_z), strict=True):
            moments.add(part)

    def mean(self) -> list[Tensor]:
        """Of each tile (1, C, h, w) fp32."""
        return [moments.mean.float() for moments in self._moments]

    def std(self) -> np.ndarray:
        """With divisor N - 1, root mean square over colours, (H, W, 1) fp32, 1 for white; 0 for one sample."""
        return self.picture.joined([moments.std[0].movedim(0, -1).float().cpu().numpy() for moments in self._moments])

    def gain_db(self) -> float | None:
        """PSNR of the mean less that of one sample, neither rounded; None where x is not known.

        The mean squared error of N samples is that of their mean plus (N - 1)/N times their variance.
        """
        error = self.picture.squared_error(self.mean())
        if error is None:
            return None
        variance = float(np.square(self.std(), dtype=np.float64).mean())
        return psnr(error) - psnr(error + (1 - 1 / self.count) * variance)
