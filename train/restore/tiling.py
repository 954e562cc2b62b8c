"""Samples of a picture of any size, by tiles that share one z."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...models.generator import scale_latent, takes_data_step
from ...models.receptive_field import receptive_field_radius
from ...models.spatial_latent import LatentField, SpatialLatent
from ..inference.sampler import LoadedSampler
from ..inference.windows import Window, windows_of

if TYPE_CHECKING:
    from .restoration_input import RestorationInput

SIDE = 512  # pixels, unless the user says otherwise
LARGEST_OVERLAP = 128  # pixels, unless the user says otherwise


class Tiling:
    """How a picture is cut.

    A tile is restored together with what is around it; what is farther than the network sees cannot change it,
    so that with an overlap of its receptive field tiles are what the whole picture would give, to the rounding of sums.
    A generator that unfolds takes the whole picture as one tile, because its data step may see all of it.

    Args:
        sampler: that restores.
        side: of tiles, in pixels.
        overlap: what is seen beyond a tile, in pixels; None for the receptive field, at most 128.

    Attributes:
        whole: whether the picture is one tile, however large.
        receptive_field: radius of that of the network, in pixels; None if it has no end.
        exact: whether tiles are what the whole picture would give.

    Raises:
        ValueError: if a number is out of range, or does not fit the network.
    """

    def __init__(self, sampler: LoadedSampler, side: int, overlap: int | None = None) -> None:
        if side < 64 or side % 16 or side % sampler.generator.stride:
            unit = math.lcm(16, sampler.generator.stride)
            raise ValueError(f"tile must be a multiple of {unit} pixels, 64 or more, got {side}")
        if overlap is not None and overlap < 0:
            raise ValueError(f"overlap must be >= 0 pixels, got {overlap}")
        self.sampler, self.side, self.whole = sampler, side, takes_data_step(sampler.generator)
        channels = sampler.image_channels + sampler.degradation.num_maps
        self.receptive_field = receptive_field_radius(sampler.generator, channels)
        needed = LARGEST_OVERLAP if self.receptive_field is None else min(self.receptive_field, LARGEST_OVERLAP)
        self.overlap = needed if overlap is None else overlap
        self.exact = self.whole or (self.receptive_field is not None and self.overlap >= self.receptive_field)

    def windows(self, y: RestorationInput) -> list[Window]:
        """The tiles of a picture; the whole as one where it is projected as one, though drawn by tiles."""
        height, width = y.info.height, y.info.width
        if self.whole or y.unit is None or self.side % y.unit:
            return [Window(0, 0, height, width)]
        return list(windows_of(height, width, self.side))

    def tile(self, y: RestorationInput, window: Window) -> Tile | TiledSample:
        """One of them, or the whole, encoded."""
        whole = window == Window(0, 0, y.info.height, y.info.width)
        large = max(window.height, window.width) > self.side
        return TiledSample(self, y) if whole and large and not self.whole else Tile(self, y, window)

    def draw(
        self, y: RestorationInput, window: Window, num_samples: int, seed: int, sigma_z: float = 1.0
    ) -> Iterator[Tensor]:
        """Samples 1 to K of one tile, each (1, c, h, w) fp32 about [0, 1], projected, neither clipped nor rounded.

        z of a sample is a function of seed, number and place alone: see ``SpatialLatent``.
        """
        yield from self.tile(y, window).draw(self.latents(num_samples, seed), sigma_z)

    def latents(self, num_samples: int, seed: int) -> Iterator[LatentField]:
        """z of samples 1 to K."""
        return (SpatialLatent(self.sampler.generator, [seed], number) for number in range(1, num_samples + 1))


class Tile:
    """One window of a picture, with the features of what is around it.

    Args:
        tiling: of which sampler, and how much is seen beyond the window.
        y: the picture.
        window: of it.
    """

    def __init__(self, tiling: Tiling, y: RestorationInput, window: Window) -> None:
        self.restorer, self.y, self.window = tiling.sampler.restorer, y, window
        unit = math.lcm(tiling.sampler.generator.stride, y.unit or 1)
        self.around = window.grown(tiling.overlap, unit, y.info.height, y.info.width)
        self.features = self.restorer.encode(y.measurement(self.around))

    @torch.no_grad()
    def draw(self, latents: Iterable[LatentField], sigma_z: float = 1.0) -> Iterator[Tensor]:
        """A sample of each z, (1, c, h, w) fp32 about [0, 1], projected, neither clipped nor rounded."""
        for sample in self.unprojected(latents, sigma_z):
            yield self.y.project(sample, self.window)

    def unprojected(self, latents: Iterable[LatentField], sigma_z: float = 1.0) -> Iterator[Tensor]:
        """As the network gives them, (1, C, h, w)."""
        maps = (scale_latent(latent.window(*self.around), sigma_z) for latent in latents)
        for sample in self.restorer.decode(self.features, maps):
            yield self.window.cut_from(sample, self.around)


class TiledSample:
    """All of a picture: what a ``Tile`` is where ``project`` needs to see the whole.

    Each tile is encoded anew for every sample, as the features of all of them would be many times the picture.

    Args:
        tiling: how it is cut.
        y: the picture.
    """

    def __init__(self, tiling: Tiling, y: RestorationInput) -> None:
        self.tiling, self.y = tiling, y
        self.window = Window(0, 0, y.info.height, y.info.width)

    @torch.no_grad()
    def draw(self, latents: Iterable[LatentField], sigma_z: float = 1.0) -> Iterator[Tensor]:
        for image in self.unprojected(latents, sigma_z):
            yield self.y.project(image, self.window)

    def unprojected(self, latents: Iterable[LatentField], sigma_z: float = 1.0) -> Iterator[Tensor]:
        sampler, (_, _, height, width) = self.tiling.sampler, self.window
        for latent in latents:
            image = torch.empty(1, sampler.image_channels, height, width, dtype=torch.float32, device=sampler.device)
            for window in windows_of(height, width, self.tiling.side):
                tile = Tile(self.tiling, self.y, window)
                (image[(..., *window.area)],) = tile.unprojected([latent], sigma_z)
            yield image
