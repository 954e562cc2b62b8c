"""The blocks of ESRGAN's trunk (arXiv 1809.00219), each of their convolutions fed with a map of noise.

``stochastic`` False leaves the noise out and gives the blocks of ESRGAN as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

NEGATIVE_SLOPE = 0.2
RESIDUAL_SCALE = 0.2  # of the branch, in dense blocks and around three of them
INITIAL_SCALE = 0.1  # of the weights of dense blocks, in relation to He et al., arXiv 1502.01852
CONVOLUTIONS = 5  # a dense block
DENSE_BLOCKS = 3  # a residual-in-residual block


class NoisyConv2d(nn.Module):
    """A 3 x 3 convolution of features and of one map of noise, times a strength that is learned from 1.

    Args:
        in_channels: of the features.
        out_channels: of the result.
        stochastic: whether it takes noise.
    """

    def __init__(self, in_channels: int, out_channels: int, stochastic: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels + int(stochastic), out_channels, 3, padding=1)
        self.strength = nn.Parameter(torch.ones(())) if stochastic else None

    def forward(self, x: Sequence[Tensor], noise: Sequence[Tensor]) -> Tensor:
        """Features, each (B, c, H, W), and one map (B, 1, H, W) or none to (B, C_out, H, W)."""
        scaled = [] if self.strength is None else [self.strength * z for z in noise]
        out: Tensor = self.convolution(torch.cat([*x, *scaled], dim=1))
        return out


def _start_small(layer: nn.Conv2d) -> None:
    nn.init.normal_(layer.weight, std=INITIAL_SCALE * math.sqrt(2 / layer.weight[0].numel()))
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


class DenseBlock(nn.Module):
    """Five convolutions, each of the input and of all results before it; the last one's is added to the input.

    Args:
        width: channels of input and output.
        growth: channels of the first four convolutions.
        stochastic: whether it takes noise.
    """

    def __init__(self, width: int, growth: int, stochastic: bool) -> None:
        super().__init__()
        widths = [growth] * (CONVOLUTIONS - 1) + [width]
        layers = [NoisyConv2d(width + i * growth, out, stochastic) for i, out in enumerate(widths)]
        for layer in layers:
            _start_small(layer.convolution)
        self.convolutions = nn.ModuleList(layers)
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)

    def forward(self, x: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """(B, width, H, W) to the same; five maps of noise or none."""
        dense = [x]
        for i, convolution in enumerate(self.convolutions[:-1]):
            dense.append(self.activation(convolution(dense, noise[i : i + 1])))
        branch: Tensor = self.convolutions[-1](dense, noise[CONVOLUTIONS - 1 :])
        return x + RESIDUAL_SCALE * branch


class ResidualInResidual(nn.Module):
    """RRDB: three dense blocks in a row, added to the input.

    Args:
        width: channels of input and output.
        growth: of the dense blocks.
        stochastic: whether it takes noise.
    """

    def __init__(self, width: int, growth: int, stochastic: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(DenseBlock(width, growth, stochastic) for _ in range(DENSE_BLOCKS))

    def forward(self, x: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """(B, width, H, W) to the same; 15 maps of noise or none."""
        branch = x
        for i, block in enumerate(self.blocks):
            branch = block(branch, noise[i * CONVOLUTIONS : (i + 1) * CONVOLUTIONS])
        return x + RESIDUAL_SCALE * branch
