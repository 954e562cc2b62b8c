"""Residual blocks without normalisation, and the initialisation that makes them safe."""

from __future__ import annotations

import math

from torch import Tensor, nn

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the second moment through a leaky ReLU (He et al., arXiv 1502.01852)


def conv(in_channels: int, out_channels: int, size: int = 3, stride: int = 1, gain: float = GAIN) -> nn.Conv2d:
    """A convolution that keeps H x W at stride 1, and the second moment of an activated input at ``gain`` GAIN."""
    layer = nn.Conv2d(in_channels, out_channels, size, stride, padding=(size - stride + 1) // 2)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(in_channels * size**2))
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class ResidualBlock(nn.Module):
    """x + conv(act(conv(act(x)))): no normalisation, so nothing couples pixels or images but convolutions.

    The last convolution starts at 0, so that at the start any depth passes x on as it is (Fixup, arXiv 1901.09321).

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = conv(channels, channels, gain=0.0)
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        branch: Tensor = self.second(self.activation(self.first(self.activation(x))))
        return x + branch


def blocks(channels: int, count: int) -> nn.Sequential:
    """``count`` residual blocks in a row."""
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))
