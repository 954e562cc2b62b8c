"""Generator and critic of PSCGAN (arXiv 2103.04192); the generator is U-shaped, fed with maps of noise on its way up.

Known from the published generator: widths, strides, depths, the tied lateral branches, where noise enters, the image
summed over scales, and the counts of parameters (15,519,187 at 3 channels) and of noise values (27,328 at 128 x 128).
Inferred: every convolution but the one that follows an enlarged image has a bias, and a tied layer ties its bias too
(so the counts agree); LeakyReLU follows every convolution but those that yield an image, the last one of a lateral
branch included.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..generator import Latent, MapSize, NoiseMapGenerator, repeat
from ..layers import NEGATIVE_SLOPE, EqualizedConv2d, EqualizedLinear, activated_conv, pad_to_multiple, require_size

WIDTHS = (128, 128, 256, 256, 512)  # encoder stages, fine to coarse; the decoder's are the same, coarse to fine
STRIDES = (1, 2, 2, 2, 2)  # second convolution of an encoder stage
LATERAL_DEPTHS = (14, 12, 10, 8)  # convolutions applied in a lateral branch, fine to coarse
LATERAL_WIDTH = 64
COARSEST_STRIDE = 16
NOISE_STRIDES = (16, 16, 16, 8, 8, 4, 4, 2, 2, 1)  # image pixels a noise value is wide, one a decoder convolution

STEM_WIDTH = 64  # from here on of the critic
BLOCK_WIDTHS = (128, 128, 256, 256, 256, 512)
TOTAL_STRIDE = 2 ** len(BLOCK_WIDTHS)
HIDDEN_WIDTH = 512


class Features(NamedTuple):
    """All the decoder needs but z."""

    bottleneck: Tensor
    """(B, 512, H / 16, W / 16), H and W being the padded size."""
    laterals: list[Tensor]
    """(B, 64, H / s, W / s) for s = 8, 4, 2, 1: coarse to fine."""
    height: int
    """Of the image before padding."""
    width: int


class PscganGenerator(NoiseMapGenerator):
    """The published generator; it reads and writes [0, 1] as it stands, with no residual from y and no output clamp.

    Each of its 10 decoder convolutions gets one map of noise as a further channel. Where a stage doubles the size, the
    noise of its first convolution enters before the doubling: only the last map has the resolution of the image.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        stochastic: False leaves the noise channels out: the MMSE baseline ("Ours-MSE"), 15,496,147 parameters. The
            published one has 2,560 more, one for each output channel of the decoder's convolutions: inferred to be
            strengths of additive noise, without effect because its sigma_z is 0.
    """

    stride = COARSEST_STRIDE

    def __init__(self, image_channels: int = 3, condition_channels: int = 3, stochastic: bool = True) -> None:
        super().__init__()
        self.noise_strides = NOISE_STRIDES if stochastic else ()
        self.encoder = nn.ModuleList(
            nn.Sequential(activated_conv(before, width), activated_conv(width, width, stride=stride))
            for (before, width), stride in zip(pairwise((condition_channels, *WIDTHS)), STRIDES, strict=True)
        )
        self.laterals = nn.ModuleList(map(LateralBranch, WIDTHS[:-1], LATERAL_DEPTHS))
        widths = WIDTHS[::-1]
        self.decoder = nn.ModuleList(
            DecoderStage(before, width, noise_channels=int(stochastic), coarsest=stage == 0)
            for stage, (before, width) in enumerate(pairwise((widths[0], *widths)))
        )
        self.to_image = nn.ModuleList(EqualizedConv2d(width, image_channels, kernel_size=1) for width in widths)
        self.enlarge_image = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), EqualizedConv2d(image_channels, image_channels, bias=False))
            for _ in widths[1:]
        )

    def encode(self, condition: Tensor) -> Features:
        """Features of (B, C + M, H, W): the trunk and the lateral branches."""
        x = pad_to_multiple(condition, COARSEST_STRIDE)
        outputs = [x := stage(x) for stage in self.encoder]
        laterals = [branch(output) for branch, output in zip(self.laterals, outputs[:-1], strict=True)]
        return Features(outputs[-1], laterals[::-1], *condition.shape[-2:])

    def decode(self, features: Features, latent: Latent) -> Tensor:
        num_samples, noise = self.noise_maps(latent, features.height, features.width, features.bottleneck)
        x = repeat(features.bottleneck, num_samples)
        laterals = [[], *([repeat(lateral, num_samples)] for lateral in features.laterals)]
        outputs = [
            x := stage(x, lateral, noise[2 * i : 2 * i + 2])
            for i, (stage, lateral) in enumerate(zip(self.decoder, laterals, strict=True))
        ]
        image = self._sum_images(outputs)
        image_KBCHW = image.reshape(num_samples, -1, *image.shape[1:])
        return image_KBCHW[..., : features.height, : features.width]

    def _sum_images(self, outputs: list[Tensor]) -> Tensor:
        """The image of the coarsest stage, enlarged and added to that of the next, up to the finest."""
        coarsest, *finer = (to_image(x) for to_image, x in zip(self.to_image, outputs, strict=True))
        image: Tensor = coarsest
        for enlarge, addition in zip(self.enlarge_image, finer, strict=True):
            image = enlarge(image) + addition
        return image

    def latent_sizes(self, height: int, width: int) -> list[MapSize]:
        rows, columns = (-(-side // COARSEST_STRIDE) * COARSEST_STRIDE for side in (height, width))
        return [(1, rows // stride, columns // stride) for stride in self.noise_strides]


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
        self.first = activated_conv(in_channels + noise_channels, out_channels, double=not coarsest)
        self.second = activated_conv(out_channels + lateral_channels + noise_channels, out_channels)

    def forward(self, x: Tensor, lateral: list[Tensor], noise: list[Tensor]) -> Tensor:
        """(B, C_in, h, w) to (B, C_out, 2h, 2w); ``lateral`` has one map or none, ``noise`` two maps or none."""
        x = self.first(torch.cat([x, *noise[:1]], dim=1))
        out: Tensor = self.second(torch.cat([x, *lateral, *noise[1:]], dim=1))
        return out


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
    """

    def __init__(self, image_channels: int = 3, condition_channels: int = 3, image_size: int = 128) -> None:
        super().__init__()
        if image_size < 1 or image_size % TOTAL_STRIDE:
            raise ValueError(f"image_size must be a positive multiple of {TOTAL_STRIDE}, got {image_size}")
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
        require_size(self.image_size, image)
        require_size(self.image_size, condition)
        x = torch.cat([self.image_stem(image), self.condition_stem(condition)], dim=1)
        score: Tensor = self.head(self.blocks(x))
        return score.squeeze(1)
