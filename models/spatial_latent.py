"""z as a function of place: a sample is the same whether its image is restored whole, by tiles or in a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from ..rng import Rng
from .generator import Latent, LatentSource, latent_strides

CELL = 64  # pixels a side, at the least: each cell is drawn by itself


class SpatialLatent:
    """z of one sample of B images, over a plane that has no end to the right and below.

    The plane is cut into cells, and z of a cell is a function of (seed of the image, number of the sample, row and
    column of the cell) alone. So a window costs what it is wide, and two windows agree where they overlap.

    Args:
        generator: whose z it is.
        seeds: one for each image.
        number: of the sample, counted from 1.
    """

    def __init__(self, generator: LatentSource, seeds: Sequence[int], number: int) -> None:
        self.generator, self.seeds, self.number = generator, seeds, number
        self.strides = latent_strides(generator)
        self.cell = -(-CELL // generator.stride) * generator.stride

    def window(self, top: int, left: int, height: int, width: int) -> Latent:
        """z of a window as ``decode`` takes it, maps (1, B, c, h, w) on the CPU.

        Args:
            top: pixel of the image where it begins, a multiple of the generator's stride.
            left: as ``top``.
            height: in pixels, any.
            width: as ``height``.
        """
        rows, columns = self._parts(top, height), self._parts(left, width)
        strips = [[self._piece(row, column, *ys, *xs) for column, *xs in columns] for row, *ys in rows]
        joined = [[torch.cat(maps, dim=-1) for maps in zip(*strip, strict=True)] for strip in strips]
        return [torch.cat(maps, dim=-2) for maps in zip(*joined, strict=True)]

    def _parts(self, start: int, extent: int) -> list[tuple[int, int, int]]:
        """Cells that an extent touches, padded to strides: their number, and from where to where in them, in pixels."""
        stride = self.generator.stride
        end = start + -(-extent // stride) * stride
        cells = range(start // self.cell, -(-end // self.cell))
        return [(cell, max(start - cell * self.cell, 0), min(end - cell * self.cell, self.cell)) for cell in cells]

    def _piece(self, row: int, column: int, top: int, bottom: int, left: int, right: int) -> Latent:
        rng = Rng.of_images(self.seeds, f"latent {row} {column}", self.number)
        cell = self.generator.draw_latent(1, self.cell, self.cell, rng)
        return [
            z[..., top // stride : bottom // stride, left // stride : right // stride]
            for z, stride in zip(cell, self.strides, strict=True)
        ]


class LatentInterpolation:
    """cos t · z_a + sin t · z_b: standard normal at every t, because cos² t + sin² t = 1.

    A straight line (1 - s) z_a + s z_b would lose half of its variance midway, and the picture its texture.

    Args:
        start: z_a, at t = 0.
        end: z_b, at t = π/2.
        share: of the way, 0 to 1; t is π/2 times that.

    Attributes:
        seeds: those of z_a, for what is drawn of a sample beside z.
        number: that of z_a, likewise.
    """

    def __init__(self, start: LatentField, end: LatentField, share: float) -> None:
        self.ends = (start, end)
        self.seeds: Sequence[int] = start.seeds
        self.number: int = start.number
        self.weights = (math.cos(math.pi / 2 * share), math.sin(math.pi / 2 * share))

    def window(self, top: int, left: int, height: int, width: int) -> Latent:
        a, b = (field.window(top, left, height, width) for field in self.ends)
        return [self.weights[0] * from_a + self.weights[1] * from_b for from_a, from_b in zip(a, b, strict=True)]


LatentField = SpatialLatent | LatentInterpolation
"""z of one sample as a function of place."""
