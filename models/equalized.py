"""Layers with an equalised learning rate: unit-normal weights, scaled by 1/sqrt(fan-in) at run time.

Adam moves every weight by about the same amount a step; scaling at run time makes that amount the same in relation to
the weight's range, whatever the fan-in (Karras et al., arXiv 1710.10196, section 4.1). As in PSCGAN (arXiv 2103.04192)
there is no sqrt(2) gain for the rectifier, and biases start at 0, unscaled.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

NEGATIVE_SLOPE = 0.2


def _init_unit_normal(layer: nn.Conv2d | nn.Linear) -> None:
    nn.init.normal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _scale_by_fan_in(weight: Tensor) -> Tensor:
    fan_in = weight[0].numel()
    return weight / math.sqrt(fan_in)


class EqualizedConv2d(nn.Conv2d):
    """Equalised convolution that keeps the size at stride 1 (zero padding, odd ``kernel_size``)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=bias)

    def reset_parameters(self) -> None:
        """Unit-normal weights, no bias."""
        _init_unit_normal(self)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C_out, ceil(H / stride), ceil(W / stride))."""
        return F.conv2d(input, _scale_by_fan_in(self.weight), self.bias, self.stride, self.padding)


class EqualizedLinear(nn.Linear):
    """Equalised fully connected layer."""

    def reset_parameters(self) -> None:
        """Unit-normal weights, no bias."""
        _init_unit_normal(self)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C_in) to (B, C_out)."""
        return F.linear(input, _scale_by_fan_in(self.weight), self.bias)


def activated_conv(in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """Equalised convolution with bias, then LeakyReLU."""
    return nn.Sequential(EqualizedConv2d(in_channels, out_channels, kernel_size, stride), nn.LeakyReLU(NEGATIVE_SLOPE))
