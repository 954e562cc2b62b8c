"""Samples of a picture of any size, by tiles that share one z."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import Tensor

from ...models.reach import reach
from ..latent_field import LatentField
from ..loaded_sampler import LoadedSampler
from .mosaic import Mosaic
from .subject import Subject
from .tile import Tile
from .windows import Window, tiles

SIDE = 512  # pixels, unless the user says otherwise
LARGEST_OVERLAP = 128  # pixels, likewise


class Tiling:
    """How a picture is cut.

    A tile is restored together with so much of what is around it; beyond what the network sees nothing can change it,
    so that with an overlap of its reach tiles are what the whole picture would give, to the rounding of sums.

    Args:
        sampler: that restores.
        side: of tiles, in pixels.
        overlap: what is seen beyond a tile, in pixels; None for the reach of the network, at most 128.

    Attributes:
        reach: of the network, in pixels; None if it has no end.
        exact: whether tiles are what the whole picture would give.

    Raises:
        ValueError: if a number is out of range, or does not fit the network.
    """

    def __init__(self, sampler: LoadedSampler, side: int, overlap: int | None = None) -> None:
        if side < 64 or side % 16 or side % sampler.generator.stride:
            unit = math.lcm(16, sampler.generator.stride)
            raise ValueError(f"tile is {side}; allowed is a multiple of {unit} pixels, 64 or more")
        if overlap is not None and overlap < 0:
            raise ValueError(f"overlap is {overlap}; allowed is 0 or more pixels")
        self.sampler, self.side = sampler, side
        channels = int(sampler.about["image_channels"]) + sampler.degradation.num_maps
        self.reach = reach(sampler.generator, channels)
        needed = LARGEST_OVERLAP if self.reach is None else min(self.reach, LARGEST_OVERLAP)
        self.overlap = needed if overlap is None else overlap
        self.exact = self.reach is not None and self.overlap >= self.reach

    def windows(self, subject: Subject) -> list[Window]:
        """The tiles of a picture; the whole as one where it is projected as one, though drawn by tiles."""
        height, width = subject.frame.height, subject.frame.width
        if subject.unit is None or self.side % subject.unit:
            return [Window(0, 0, height, width)]
        return list(tiles(height, width, self.side))

    def tile(self, subject: Subject, window: Window) -> Tile | Mosaic:
        """One of them, encoded."""
        if max(window.height, window.width) <= self.side:
            return Tile(self.sampler, subject, window, self.overlap)
        parts = list(tiles(subject.frame.height, subject.frame.width, self.side))
        return Mosaic(self.sampler, subject, parts, self.overlap)

    def draw(
        self, subject: Subject, window: Window, num_samples: int, seed: int, sigma_z: float = 1.0
    ) -> Iterator[Tensor]:
        """Samples 1 to K of one tile, each (1, c, h, w) fp32 about [0, 1], projected, neither clipped nor rounded.

        z of a sample is a function of seed, number and place alone: see ``LatentField``.
        """
        fields = (LatentField(self.sampler.generator, seed, number) for number in range(1, num_samples + 1))
        yield from self.tile(subject, window).draw(fields, sigma_z)
