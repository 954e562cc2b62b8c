"""ESRGAN's network (arXiv 1809.00219) at scale 1, noise before its convolutions: a posterior sampler for JPEG files.

The generator of "High-Perceptual Quality JPEG Decoding via Posterior Sampling" (arXiv 2211.11827). Known from the
published network: layers, widths, scales, where noise enters, initialisation. Computed from it, and tested here: 347
maps with 373,760 noise values at 128 x 128, 16,844,638 parameters, 16,723,907 without noise. Ours: images are padded
with their mirror image to multiples of 4, where the published network pads with zeros to multiples of 16.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...checks import require_at_least
from ..generator import Latent, MapSize, NoiseMapGenerator, repeat
from ..layers import NEGATIVE_SLOPE, pad_to_multiple

RESIDUAL_SCALE = 0.2  # of the branch, in dense blocks and around three of them
INITIAL_SCALE = 0.1  # of the weights of dense blocks, in relation to He et al., arXiv 1502.01852
CONVOLUTIONS = 5  # a dense block
DENSE_BLOCKS = 3  # a residual-in-residual block
BLOCK_NOISE = DENSE_BLOCKS * CONVOLUTIONS  # maps a residual-in-residual block takes
PATCH = 4  # the trunk works on 4 x 4 pixels as channels


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


class Features(NamedTuple):
    """All the decoder needs but z."""

    stem: Tensor
    """(B, width, H / 4, W / 4), H and W being the padded size."""
    height: int
    """Of the image before padding."""
    width: int


class RrdbGenerator(NoiseMapGenerator):
    """The published generator; it reads and writes [0, 1] as it stands, with no residual from y and no output clamp.

    Noise enters the first block of the trunk already, so ``encode`` is one convolution and every further sample costs a
    whole pass: 18.5 GMAC at 128 x 128.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        stochastic: False leaves noise and its strengths out: the MMSE baseline.
        blocks: residual-in-residual blocks of the trunk.
        width: channels between the blocks and after them.
        growth: channels that a convolution of a dense block adds.
    """

    stride = PATCH

    def __init__(
        self,
        image_channels: int = 3,
        condition_channels: int = 3,
        stochastic: bool = True,
        blocks: int = 23,
        width: int = 64,
        growth: int = 32,
    ) -> None:
        super().__init__()
        require_at_least(1, blocks=blocks, width=width, growth=growth)
        self.stochastic = stochastic
        self.stem = nn.Conv2d(condition_channels * PATCH**2, width, 3, padding=1)
        self.trunk = nn.ModuleList(ResidualInResidual(width, growth, stochastic) for _ in range(blocks))
        self.trunk_end = nn.Conv2d(width, width, 3, padding=1)
        self.enlarge = nn.ModuleList(NoisyConv2d(width, width, stochastic) for _ in range(2))
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)
        self.to_image = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), self.activation, nn.Conv2d(width, image_channels, 3, padding=1)
        )

    def encode(self, condition: Tensor) -> Features:
        """Features of (B, C + M, H, W): the first convolution."""
        padded = pad_to_multiple(condition, PATCH)
        return Features(self.stem(F.pixel_unshuffle(padded, PATCH)), *condition.shape[-2:])

    def decode(self, features: Features, latent: Latent) -> Tensor:
        num_samples, noise = self.noise_maps(latent, features.height, features.width, features.stem)
        stem = repeat(features.stem, num_samples)
        x = stem
        for i, block in enumerate(self.trunk):
            x = block(x, noise[i * BLOCK_NOISE : (i + 1) * BLOCK_NOISE])
        x = stem + self.trunk_end(x)
        for i, convolution in enumerate(self.enlarge, start=len(self.trunk) * BLOCK_NOISE):
            x = self.activation(convolution([F.interpolate(x, scale_factor=2.0)], noise[i : i + 1]))
        image: Tensor = self.to_image(x)
        image_KBCHW = image.reshape(num_samples, -1, *image.shape[1:])
        return image_KBCHW[..., : features.height, : features.width]

    def latent_sizes(self, height: int, width: int) -> list[MapSize]:
        """15 maps a block at a quarter of the padded size, one at half, one at full size; or none."""
        if not self.stochastic:
            return []
        rows, columns = (-(-side // PATCH) for side in (height, width))
        trunk = [(1, rows, columns)] * (BLOCK_NOISE * len(self.trunk))
        return [*trunk, (1, 2 * rows, 2 * columns), (1, 4 * rows, 4 * columns)]
