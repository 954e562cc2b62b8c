"""ESRGAN's network (arXiv 1809.00219) at scale 1, noise before its convolutions: a posterior sampler for JPEG files.

The generator of "High-Perceptual Quality JPEG Decoding via Posterior Sampling" (arXiv 2211.11827). Known from the
published network: layers, widths, scales, where noise enters, initialisation. Computed from it, and tested here: 347
maps with 373,760 noise values at 128 x 128, 16,844,638 parameters, 16,723,907 without noise. Ours: images are padded
with their mirror image to multiples of 4, where the published network pads with zeros to multiples of 16.
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from ..bounds import require_at_least
from ..rng import Rng
from .generator import Latent, check_latent, repeat
from .padding import pad_to_multiple
from .rrdb_blocks import CONVOLUTIONS, DENSE_BLOCKS, NEGATIVE_SLOPE, NoisyConv2d, ResidualInResidual

PATCH = 4  # the trunk works on 4 x 4 pixels as channels
BLOCK_NOISE = DENSE_BLOCKS * CONVOLUTIONS  # maps a residual-in-residual block takes


class Features(NamedTuple):
    """All the decoder needs but z."""

    stem: Tensor
    """(B, width, H / 4, W / 4), H and W being the padded size."""
    height: int
    """Of the image before padding."""
    width: int


class RrdbGenerator(nn.Module):
    """The published generator; it reads and writes [0, 1] as it stands, with no residual from y and no output clamp.

    Noise enters the first block of the trunk already, so ``encode`` is one convolution and every further sample costs a
    whole pass: 18.5 GMAC at 128 x 128.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        stochastic: False leaves noise and its strengths out: the MMSE twin.
        blocks: residual-in-residual blocks of the trunk.
        width: channels between the blocks and after them.
        growth: channels that a convolution of a dense block adds.

    Raises:
        ValueError: if a count is out of range.
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
        """(K, B, C, H, W) from z as ``draw_latent`` gives it; K is 1 for a deterministic network.

        Raises:
            ValueError: if the maps of z are not those of the images encoded, in number or in size.
        """
        size = features.height, features.width
        check_latent(latent, self._latent_sizes(*size), *size)
        num_samples = latent[0].shape[0] if latent else 1
        stem = repeat(features.stem, num_samples)
        noise = [z.to(stem).flatten(0, 1) for z in latent]
        x = stem
        for i, block in enumerate(self.trunk):
            x = block(x, noise[i * BLOCK_NOISE : (i + 1) * BLOCK_NOISE])
        x = stem + self.trunk_end(x)
        for i, convolution in enumerate(self.enlarge, start=len(self.trunk) * BLOCK_NOISE):
            x = self.activation(convolution([F.interpolate(x, scale_factor=2.0)], noise[i : i + 1]))
        image: Tensor = self.to_image(x)
        image_KBCHW = image.reshape(num_samples, -1, *image.shape[1:])
        return image_KBCHW[..., : features.height, : features.width]

    def draw_latent(self, num_samples: int, height: int, width: int, rng: Rng) -> Latent:
        """Maps (K, B, 1, h, w): 15 a block at a quarter of the padded size, one at half, one at full size; or none."""
        runs = groupby(self._latent_sizes(height, width))  # maps of a size are drawn at once: one kernel, not 345
        draws = (rng.randn(len(list(run)), num_samples, 1, h, w) for (h, w), run in runs)
        return [z for draw in draws for z in draw.movedim(0, 2).unbind()]

    def _latent_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        if not self.stochastic:
            return []
        rows, columns = (-(-side // PATCH) for side in (height, width))
        trunk = [(rows, columns)] * (BLOCK_NOISE * len(self.trunk))
        return [*trunk, (2 * rows, 2 * columns), (4 * rows, 4 * columns)]
