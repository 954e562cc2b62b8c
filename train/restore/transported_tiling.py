"""Samples of a picture of any size, transported (DOT) tile by tile."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...models.transport.interpolation import Transport
from ..inference.transport import open_transport
from ..inference.windows import Window
from .tiling import Tiling

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
        self.side, self.overlap = tiling.side, tiling.overlap
        self.receptive_field, self.exact = tiling.receptive_field, tiling.exact

    def windows(self, y: RestorationInput) -> list[Window]:
        """The tiles of a picture, or the whole as one."""
        whole = [Window(0, 0, y.info.height, y.info.width)]
        return whole if self.transport.radius is None else self.tiling.windows(y)

    @torch.no_grad()
    def draw(
        self, y: RestorationInput, window: Window, num_samples: int, seed: int, sigma_z: float = 1.0
    ) -> Iterator[Tensor]:
        """Samples 1 to K of one tile, each (1, c, h, w) about [0, 1], projected, neither clipped nor rounded."""
        unit = math.lcm(self.transport.space.factor, y.unit or 1)
        around = window.grown(self.transport.radius or 0, unit, y.info.height, y.info.width)
        drawn = self.tiling.tile(y, around).unprojected(self.tiling.latents(num_samples, seed), sigma_z)
        for number, sample in enumerate(drawn, start=1):
            restored = y.degradation.project(sample, y.measurement(around))
            moved = self.transport(restored, self.alpha, [seed], number, around.top, around.left)
            yield y.project(window.cut_from(moved, around), window)


def transported(tiling: Tiling, path: Path, alpha: float) -> Tiling | TransportedTiling:
    """By what ``pscgan transport`` wrote; α = 1 is the tiling itself.

    Raises:
        ValueError: as ``open_transport``.
    """
    transport = open_transport(path, tiling.sampler.image_channels)
    return tiling if alpha == 1 else TransportedTiling(tiling, transport, alpha)
