"""Differences of unit activations, weighted by what people said (LPIPS, arXiv 1801.03924)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of images in [-1, 1], as the weights were learnt
EPSILON = 1e-10


class LearnedWeights(nn.Module):
    """Σ_l mean over places of Σ_c w_lc (φ_lc(a) − φ_lc(b))², activations φ_l of tap l of unit length at each place.

    Args:
        stages: of the network; a tap is behind each.
        channels: of each tap.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, stages: Sequence[nn.Module], channels: Sequence[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.heads = nn.ParameterList(torch.zeros(1, width, 1, 1) for width in channels)
        for name, values in (("shift", SHIFT), ("scale", SCALE)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances (N,) of images (N, 3, H, W) in [0, 1]; in fp32 also under autocast."""
        with torch.autocast(a.device.type, enabled=False):
            total = a.new_zeros(len(a))
            for head, tap_a, tap_b in zip(self.heads, self._taps(a), self._taps(b), strict=True):
                total = total + (head * (tap_a - tap_b).square()).sum(1).mean(dim=(1, 2))
        return total

    def _taps(self, images: Tensor) -> list[Tensor]:
        x, taps = (2 * images - 1 - self.shift) / self.scale, []
        for stage in self.stages:
            x = stage(x)
            taps.append(x / (x.norm(dim=1, keepdim=True) + EPSILON))
        return taps
