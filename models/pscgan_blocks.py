"""The two blocks of the PSCGAN generator (arXiv 2103.04192) that have a twist: tied convolutions, maps of noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .equalized import activated_conv

LATERAL_WIDTH = 64


class LateralBranch(nn.Module):
    """A convolution, then one more applied ``depth - 1`` times: the published branches tie all but their first layer.

    Args:
        in_channels: of the encoder's features.
        depth: convolutions applied.
    """

    def __init__(self, in_channels: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self.first = activated_conv(in_channels, LATERAL_WIDTH)
        self.tied = activated_conv(LATERAL_WIDTH, LATERAL_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 64, H, W)."""
        x = self.first(x)
        for _ in range(self.depth - 1):
            x = self.tied(x)
        return x


class DecoderStage(nn.Module):
    """Two convolutions, each fed with one map of noise; all stages but the coarsest double the size before the first.

    Args:
        in_channels: of the coarser stage.
        out_channels: of both convolutions.
        noise_channels: 1, or 0 for a deterministic network.
        coarsest: whether it neither doubles the size nor has a lateral branch.
    """

    def __init__(self, in_channels: int, out_channels: int, noise_channels: int, coarsest: bool) -> None:
        super().__init__()
        lateral_channels = 0 if coarsest else LATERAL_WIDTH
        self.enlarge = nn.Identity() if coarsest else nn.Upsample(scale_factor=2)
        self.first = activated_conv(in_channels + noise_channels, out_channels)
        self.second = activated_conv(out_channels + lateral_channels + noise_channels, out_channels)

    def forward(self, x: Tensor, lateral: list[Tensor], noise: list[Tensor]) -> Tensor:
        """(B, C_in, h, w) to (B, C_out, 2h, 2w); ``lateral`` has one map or none, ``noise`` two maps or none."""
        x = self.first(self.enlarge(torch.cat([x, *noise[:1]], dim=1)))
        out: Tensor = self.second(torch.cat([x, *lateral, *noise[1:]], dim=1))
        return out
