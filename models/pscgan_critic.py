"""The critic of PSCGAN (arXiv 2103.04192): residual, strided, without normalisation, for one size of image.

Known from the published network: layers, widths and the count of parameters, 9,013,569 at 128 x 128 with 3 + 3
channels. Inferred: every layer but the skips has a bias (so the count agrees), LeakyReLU follows every layer but the
skips and the last, and the sum of a residual block is not activated again.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .equalized import NEGATIVE_SLOPE, EqualizedConv2d, EqualizedLinear, activated_conv

STEM_WIDTH = 64
BLOCK_WIDTHS = (128, 128, 256, 256, 256, 512)
TOTAL_STRIDE = 64  # 2 ** len(BLOCK_WIDTHS)
HIDDEN_WIDTH = 512


class DownBlock(nn.Module):
    """Halves the size: (skip(x) + convolutions(x)) / sqrt(2), which keeps the variance of two like terms."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            activated_conv(in_channels, in_channels), activated_conv(in_channels, out_channels, stride=2)
        )
        self.skip = EqualizedConv2d(in_channels, out_channels, kernel_size=1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C_out, H / 2, W / 2)."""
        total: Tensor = self.skip(x) + self.convolutions(x)
        return total / math.sqrt(2)


class PscganCritic(nn.Module):
    """D(x, y) for square images of one size, which its first linear layer fixes.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        image_size: height and width of the images in pixels, a multiple of 64.

    Raises:
        ValueError: if ``image_size`` is no positive multiple of 64.
    """

    def __init__(self, image_channels: int = 3, condition_channels: int = 3, image_size: int = 128) -> None:
        super().__init__()
        if image_size < 1 or image_size % TOTAL_STRIDE:
            raise ValueError(f"image_size is {image_size}; allowed is a positive multiple of {TOTAL_STRIDE}")
        self.image_size = image_size
        self.image_stem = activated_conv(image_channels, STEM_WIDTH, kernel_size=1)
        self.condition_stem = nn.Sequential(
            activated_conv(condition_channels, STEM_WIDTH), *(activated_conv(STEM_WIDTH, STEM_WIDTH) for _ in range(3))
        )
        before = (2 * STEM_WIDTH, *BLOCK_WIDTHS[:-1])
        self.blocks = nn.Sequential(*map(DownBlock, before, BLOCK_WIDTHS))
        self.head = nn.Sequential(
            activated_conv(BLOCK_WIDTHS[-1], BLOCK_WIDTHS[-1]),
            nn.Flatten(),
            EqualizedLinear(BLOCK_WIDTHS[-1] * (image_size // TOTAL_STRIDE) ** 2, HIDDEN_WIDTH),
            nn.LeakyReLU(NEGATIVE_SLOPE),
            EqualizedLinear(HIDDEN_WIDTH, 1),
        )

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Realism of (B, C, H, W) given (B, C + M, H, W): (B,), unbounded, higher for real.

        Raises:
            ValueError: if H or W is not ``image_size``.
        """
        allowed = (self.image_size, self.image_size)
        for name, received in (("image", image), ("condition", condition)):
            if received.shape[-2:] != allowed:
                height, width = received.shape[-2:]
                raise ValueError(
                    f"{name} is {height} x {width}; allowed is {self.image_size} x {self.image_size}, "
                    "the image_size this critic was built for"
                )
        x = torch.cat([self.image_stem(image), self.condition_stem(condition)], dim=1)
        score: Tensor = self.head(self.blocks(x))
        return score.squeeze(1)
