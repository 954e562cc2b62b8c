"""Antialiased subsampling (arXiv 1904.11486)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MARGIN = 2  # mirrored pixels, one more than the filter needs: borders count like the rest (ST-LPIPS, arXiv 2207.13686)


class BlurPool(nn.Module):
    """Every second place of a map after the binomial filter (1, 2, 1) / 4 along rows and columns.

    Args:
        channels: of the map.
    """

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        binomial = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = torch.outer(binomial, binomial).expand(channels, 1, 3, 3)
        self.register_buffer("kernel", kernel.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W') with H' = ⌊(H + 1) / 2⌋ + 1; H and W of at least 3."""
        mirrored = F.pad(x, (MARGIN,) * 4, mode="reflect")
        return F.conv2d(mirrored, self.kernel, stride=2, groups=len(self.kernel))
