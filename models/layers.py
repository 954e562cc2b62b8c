"""Building blocks: convolutions by two initialisations, residual blocks without normalisation, padding."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NEGATIVE_SLOPE = 0.2  # of every leaky ReLU
GAIN = math.sqrt(2 / (1 + NEGATIVE_SLOPE**2))  # keeps the second moment through it (He et al., arXiv 1502.01852)

Border = Literal["zeros", "replicate"]
"""Of a convolution: what torch calls ``padding_mode``."""


def conv(
    in_channels: int, out_channels: int, size: int = 3, stride: int = 1, gain: float = GAIN, border: Border = "zeros"
) -> nn.Conv2d:
    """A convolution that keeps H x W at stride 1, and the second moment of an activated input at ``gain`` GAIN.

    ``border`` is what lies beyond the image.
    """
    padding = (size - stride + 1) // 2
    layer = nn.Conv2d(in_channels, out_channels, size, stride, padding, padding_mode=border)
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
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        branch: Tensor = self.second(self.activation(self.first(self.activation(x))))
        return x + branch


def residual_blocks(channels: int, count: int) -> nn.Sequential:
    """``count`` residual blocks in a row."""
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


class EqualizedConv2d(nn.Conv2d):
    """Convolution with an equalised learning rate (arXiv 1710.10196): unit-normal weights, divided at use by √fan-in.

    It keeps the size at stride 1 (zero padding, odd ``kernel_size``).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=bias)

    def reset_parameters(self) -> None:
        _init_unit_normal(self)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C_out, ceil(H / stride), ceil(W / stride))."""
        return F.conv2d(input, _scale_by_fan_in(self.weight), self.bias, self.stride, self.padding)


class EqualizedConv2dOfDoubled(EqualizedConv2d):
    """A 3 x 3 ``EqualizedConv2d`` of the image at twice the size, each pixel repeated, which is never made.

    Each of the four outputs of a pixel sees 2 x 2 pixels of the small image, one seen twice by the sum of two weights:
    four kernels of 4 weights in place of four times 9.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C_out, 2H, 2W)."""
        height, width = input.shape[-2:]
        kernels = _of_doubled(_of_doubled(_scale_by_fan_in(self.weight), -1), -2)  # (2, 2, C_out, C_in, 2, 2)
        bias = None if self.bias is None else self.bias.repeat(4)
        outputs = F.conv2d(input, kernels.flatten(0, 2), bias, padding=1).chunk(4, dim=1)  # (B, C_out, H + 1, W + 1)
        corners = zip(outputs, ((p, q) for p in (0, 1) for q in (0, 1)), strict=True)
        seen = [output[:, :, p : p + height, q : q + width] for output, (p, q) in corners]
        return F.pixel_shuffle(torch.stack(seen, dim=2).flatten(1, 2), 2)


def _of_doubled(weight: Tensor, dim: int) -> Tensor:
    """What three weights along a doubled row are to two pixels of the row, for even and for odd outputs."""
    first, second, third = weight.unbind(dim)
    pairs = (first, second + third), (first + second, third)
    return torch.stack([torch.stack(pair, dim) for pair in pairs])


class EqualizedLinear(nn.Linear):
    """Fully connected layer with an equalised learning rate, as ``EqualizedConv2d``."""

    def reset_parameters(self) -> None:
        _init_unit_normal(self)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C_in) to (B, C_out)."""
        return F.linear(input, _scale_by_fan_in(self.weight), self.bias)


def activated_conv(
    in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1, double: bool = False
) -> nn.Sequential:
    """Equalised convolution with bias, where wanted of the doubled image, then LeakyReLU."""
    kind = EqualizedConv2dOfDoubled if double else EqualizedConv2d
    return nn.Sequential(kind(in_channels, out_channels, kernel_size, stride), nn.LeakyReLU(NEGATIVE_SLOPE))


def _init_unit_normal(layer: nn.Conv2d | nn.Linear) -> None:
    nn.init.normal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _scale_by_fan_in(weight: Tensor) -> Tensor:
    return weight / math.sqrt(weight[0].numel())


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """(B, C, H, W) grown at the right and the bottom to multiples; cropping to [:H, :W] undoes it.

    The border is mirrored, or repeated where the image is too small for its mirror image to fill the margin.
    """
    height, width = image.shape[-2:]
    below, right = -height % multiple, -width % multiple
    mode = "reflect" if below < height and right < width else "replicate"
    return F.pad(image, (0, right, 0, below), mode=mode)


def require_size(image_size: int, image: Tensor) -> None:
    """Refuse images (B, C, H, W) that are no squares of ``image_size``, which the layers of a critic fix.

    Raises:
        ValueError: naming both sizes.
    """
    height, width = image.shape[-2:]
    if (height, width) != (image_size, image_size):
        raise ValueError(f"images must have sides of image_size ({image_size}), got {height} x {width}")
