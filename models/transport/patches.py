"""One law for the patches of all places: its moments, and the transport of overlapping patches as one convolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...checks import require_at_least
from .gaussian_map import Gaussian, optimal_transport, shrunk

AT_ONCE = 2**15  # patches, whose memory is theirs as float64


class PatchMoments:
    """Mean and covariance of the p x p patches of images of any size, in one pass; sums in float64 on the CPU.

    Args:
        patch: p.

    Raises:
        ValueError: if p is below 1.

    Attributes:
        count: patches so far.
    """

    def __init__(self, patch: int) -> None:
        require_at_least(1, patch=patch)
        self.patch, self.count = patch, 0
        self._sums: Any = (0.0,) * 5

    def add(self, codes: Tensor) -> None:
        """All patches that lie within images (N, c, h, w), from every place; none of images smaller than a patch."""
        for v in self._patches(codes.detach().cpu()):
            squares = v.square().sum(dim=1)
            found = v.sum(dim=0), v.T @ v, v.T @ squares, squares.sum(), squares.square().sum()
            self._sums = tuple(total + part for total, part in zip(self._sums, found, strict=True))
            self.count += len(v)

    def _patches(self, codes: Tensor) -> Iterator[Tensor]:
        """(n, c p²) float64, channels first, then rows, as those of ``torch.nn.functional.unfold``."""
        p, (height, width) = self.patch, codes.shape[-2:]
        rows = max(AT_ONCE // (len(codes) * width), 1) if min(height, width) >= p else height
        for top in range(0, height - p + 1, rows):
            patches = F.unfold(codes[..., top : top + rows + p - 1, :].double(), p)
            yield patches.movedim(1, -1).flatten(0, 1)

    def gaussian(self) -> Gaussian:
        """Mean and covariance, ``shrunk``.

        Raises:
            ValueError: if there are not more patches than a patch has values.
        """
        values = len(self._sums[0]) if self.count else 0
        if self.count <= values:
            raise ValueError(
                f"there must be more patches than the {values} values of one of {self.patch} x {self.patch}, got "
                f"{self.count}; give more or larger images, or a smaller patch"
            )
        mean, second, third, square, fourth = (total / self.count for total in self._sums)
        centre = mean.square().sum()
        # E|v − m|⁴ = E(|v|² − 2 mᵀv + |m|²)², multiplied out
        fourth = fourth + 4 * mean @ second @ mean - 4 * mean @ third + 2 * centre * square - 3 * centre**2
        return shrunk(Gaussian(mean, second - torch.outer(mean, mean)), self.count, fourth)


class PatchTransport:
    """fold(T(v)) / p² of the patches v of all places: each value is the mean of what p² patches make of it.

    The patches overlap and T is the same for all, so that this is a convolution of 2p − 1: its kernel is the mean of
    the rows of T, each moved to its place in the patch. Borders are repeated, that each place lies in p² patches.
    Averaging takes some of the variance: what is folded comes near the target, not onto it.

    Args:
        source: law of the patches that are transported, of D = c p² values.
        target: what they become.
        patch: p.

    Attributes:
        channels: c.
        margin: p − 1, codes beyond which nothing changes a code.
        noise_channels: r, values of noise a patch; 0 unless the source is singular.
    """

    def __init__(self, source: Gaussian, target: Gaussian, patch: int) -> None:
        matrix, offset, noise = optimal_transport(source, target)
        p, self.margin = patch, patch - 1
        self.channels, self.noise_channels = len(offset) // p**2, noise.shape[1]
        c, self._offset = self.channels, offset.view(-1, p**2).mean(dim=1)
        self._kernel = matrix.new_zeros(c, c, 2 * p - 1, 2 * p - 1)
        for row in range(p):
            for column in range(p):
                reached = slice(p - 1 - row, 2 * p - 1 - row), slice(p - 1 - column, 2 * p - 1 - column)
                self._kernel[(..., *reached)] += matrix.view(c, p, p, c, p, p)[:, row, column] / p**2
        self._noise_kernel = noise.view(c, p, p, -1).flip(1, 2).movedim(-1, 1) / p**2

    def __call__(self, codes: Tensor, noise: Tensor | None = None) -> Tensor:
        """(N, c, h, w) to the same.

        Args:
            codes: of the source.
            noise: n of each patch, (N, r, h + p − 1, w + p − 1): first those that reach in from above and the left.
        """
        around = F.pad(codes, (self.margin,) * 4, mode="replicate")
        moved = F.conv2d(around, self._kernel.to(codes), self._offset.to(codes))
        return moved if noise is None else moved + F.conv2d(noise, self._noise_kernel.to(codes))
