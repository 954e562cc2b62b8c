"""A generator of images from z alone: 4 x 4, and up by factors of two."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import require_at_least
from .generator import Latent, MapSize, NoiseMapGenerator
from .layers import NEGATIVE_SLOPE, conv, residual_blocks

COARSEST = 4  # pixels a side at the coarsest level, all of one z
LARGEST_FACTOR = 8  # widest level in relation to the finest
OUTPUT_GAIN = 0.7  # of the last convolution: images in [-1, 1] have a standard deviation of about 0.45


class DcganGenerator(NoiseMapGenerator):
    """x̂ = G(z), after DCGAN (Radford et al., arXiv 1511.06434): y says nothing but how many images and how large.

    z of an image of ``image_size`` is global, (K, B, d, 1, 1). A linear map makes 4 x 4 pixels of it; then each level
    has twice the size, half the channels and a residual block. Unlike there nothing is normalised over the batch, so
    that a sample depends on its z alone. Larger images have a z for each square of ``image_size``, which flow into one
    another (spatial GAN, Jetchev et al., arXiv 1611.08207).

    Args:
        image_channels: C.
        condition_channels: C + M; every generator takes it, this one does not use it.
        image_size: height and width of the images in pixels, 4, 8, 16 ...
        width: channels of the finest level; the coarsest has at most 8 times as many.
        latent_channels: d.

    Raises:
        ValueError: if the size is another, or a count is below 1.
    """

    def __init__(
        self,
        image_channels: int,
        condition_channels: int,
        image_size: int = 32,
        width: int = 32,
        latent_channels: int = 100,
    ) -> None:
        super().__init__()
        require_at_least(1, width=width, latent_channels=latent_channels)
        if image_size < COARSEST or image_size.bit_count() != 1:
            raise ValueError(f"image_size must be a power of two >= {COARSEST}, got {image_size}")
        self.image_size, self.latent_channels = image_size, latent_channels
        levels = (image_size // COARSEST).bit_length()
        widths = [width * min(2**level, LARGEST_FACTOR) for level in reversed(range(levels))]
        self.stem = nn.ConvTranspose2d(latent_channels, widths[0], COARSEST, stride=COARSEST)
        nn.init.normal_(self.stem.weight, std=latent_channels**-0.5)
        self.narrow = nn.ModuleList(conv(wide, narrow, size=1, gain=1.0) for wide, narrow in pairwise(widths))
        self.blocks = nn.ModuleList(residual_blocks(w, 1) for w in widths)
        self.out = nn.Sequential(nn.LeakyReLU(NEGATIVE_SLOPE), conv(width, image_channels, gain=OUTPUT_GAIN))

    def encode(self, condition: Tensor) -> Tensor:
        """(B, C + M, H, W) as it is, of which the shape alone counts."""
        return condition

    def decode(self, features: Tensor, latent: Latent) -> Tensor:
        height, width = features.shape[-2:]
        num_samples, (z,) = self.noise_maps(latent, height, width, features)
        x = self.blocks[0](self.stem(z))
        for narrow, block in zip(self.narrow, self.blocks[1:], strict=True):
            x = block(F.interpolate(narrow(x), scale_factor=2.0))
        images = (self.out(x)[..., :height, :width] + 1) / 2
        return torch.unflatten(images, 0, (num_samples, features.shape[0]))

    def latent_sizes(self, height: int, width: int) -> list[MapSize]:
        return [(self.latent_channels, -(-height // self.image_size), -(-width // self.image_size))]

    @property
    def stride(self) -> int:
        """``image_size``: one value of z is that wide."""
        return self.image_size
