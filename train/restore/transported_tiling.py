"""Samples of a picture of any size, transported (DOT) tile by tile."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...models.spatial_latent import LatentField
from ...models.transport.interpolation import Transport
from ..inference.transport import open_transport
from ..inference.windows import Window
from .tiling import Tile, TiledSample, Tiling

if TYPE_CHECKING:
    from .restoration_input import RestorationInput


class TransportedTiling:
    """What a ``Tiling`` is to a sampler, with every sample transported before it is projected.

    A tile is transported together with what is around it, as far as the transport sees, so that tiles are what the
    whole picture would give. A space that sees without end takes the picture as one.

    Args:
        tiling: of the sampler.
        transport: of images of its channels.
        alpha: α, other than 1.
    """

    def __init__(self, tiling: Tiling, transport: Transport, alpha: float) -> None:
        self.tiling, self.transport, self.alpha = tiling, transport, alpha
        self.sampler, self.side, self.overlap = tiling.sampler, tiling.side, tiling.overlap
        self.receptive_field, self.exact = tiling.receptive_field, tiling.exact

    def windows(self, y: RestorationInput) -> list[Window]:
        """The tiles of a picture, or the whole as one."""
        whole = [Window(0, 0, y.info.height, y.info.width)]
        return whole if self.transport.radius is None else self.tiling.windows(y)

    def tile(self, y: RestorationInput, window: Window) -> TransportedTile:
        """One of them, encoded."""
        unit = math.lcm(self.transport.space.factor, y.unit or 1)
        around = window.grown(self.transport.radius or 0, unit, y.info.height, y.info.width)
        return TransportedTile(y, window, self.tiling.tile(y, around), self.transport, self.alpha)

    def draw(
        self, y: RestorationInput, window: Window, num_samples: int, seed: int, sigma_z: float = 1.0
    ) -> Iterator[Tensor]:
        """Samples 1 to K of one tile, as ``Tiling.draw``."""
        yield from self.tile(y, window).draw(self.tiling.latents(num_samples, seed), sigma_z)


@dataclass(frozen=True)
class TransportedTile:
    """One window of a picture, what a ``Tile`` is; with another α it has the same features.

    Attributes:
        y: the picture.
        window: of it.
        around: that window with all that the transport sees.
        transport: of its samples.
        alpha: α.
    """

    y: RestorationInput
    window: Window
    around: Tile | TiledSample
    transport: Transport
    alpha: float

    @torch.no_grad()
    def draw(self, latents: Iterable[LatentField], sigma_z: float = 1.0) -> Iterator[Tensor]:
        """A sample of each z, (1, c, h, w) about [0, 1], projected, neither clipped nor rounded."""
        y, around, latents = self.y, self.around.window, list(latents)
        for latent, sample in zip(latents, self.around.unprojected(latents, sigma_z), strict=True):
            restored = y.degradation.project(sample, y.measurement(around))
            moved = self.transport(restored, self.alpha, latent.seeds, latent.number, around.top, around.left)
            yield y.project(self.window.cut_from(moved, around), self.window)


def transported(tiling: Tiling, path: Path, alpha: float) -> Tiling | TransportedTiling:
    """By what ``pscgan transport`` wrote; α = 1 is the tiling itself.

    Raises:
        ValueError: as ``open_transport``.
    """
    transport = open_transport(path, tiling.sampler.image_channels)
    return tiling if alpha == 1 else TransportedTiling(tiling, transport, alpha)
