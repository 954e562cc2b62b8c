"""The generator of PSCGAN (arXiv 2103.04192): a U-shaped network fed with maps of noise on its way up.

Known from the published network: widths, strides, depths, the tied lateral branches, where noise enters, the image
summed over scales, and the counts of parameters (15,519,187 at 3 channels) and of noise values (27,328 at 128 x 128).
Inferred: every convolution but the one that follows an enlarged image has a bias, and a tied layer ties its bias too
(so the counts agree); LeakyReLU follows every convolution but those that yield an image, the last one of a lateral
branch included.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn

from ..rng import Rng
from .equalized import EqualizedConv2d, activated_conv
from .generator import Latent, check_latent, repeat
from .padding import pad_to_multiple
from .pscgan_blocks import DecoderStage, LateralBranch

WIDTHS = (128, 128, 256, 256, 512)  # encoder stages, fine to coarse; the decoder's are the same, coarse to fine
STRIDES = (1, 2, 2, 2, 2)  # second convolution of an encoder stage
LATERAL_DEPTHS = (14, 12, 10, 8)  # convolutions applied in a lateral branch, fine to coarse
COARSEST_STRIDE = 16
NOISE_STRIDES = (16, 16, 16, 8, 8, 4, 4, 2, 2, 1)  # image pixels a noise value is wide, one a decoder convolution


class Features(NamedTuple):
    """All the decoder needs but z."""

    bottleneck: Tensor
    """(B, 512, H / 16, W / 16), H and W being the padded size."""
    laterals: list[Tensor]
    """(B, 64, H / s, W / s) for s = 8, 4, 2, 1: coarse to fine."""
    height: int
    """Of the image before padding."""
    width: int


class PscganGenerator(nn.Module):
    """The published generator; it reads and writes [0, 1] as it stands, with no residual from y and no output clamp.

    Each of its 10 decoder convolutions gets one map of noise as a further channel. Where a stage doubles the size, the
    noise of its first convolution enters before the doubling: only the last map has the resolution of the image.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        stochastic: False leaves the noise channels out: the MMSE twin ("Ours-MSE"), 15,496,147 parameters. The
            published twin counts 2,560 more, one for each output channel of the decoder's convolutions: inferred to be
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
        """(K, B, C, H, W) from z as ``draw_latent`` gives it; K is 1 for a deterministic network.

        Raises:
            ValueError: if the maps of z are not those of the images encoded, in number or in size.
        """
        size = features.height, features.width
        check_latent(latent, self._latent_sizes(*size), *size)
        num_samples = latent[0].shape[0] if latent else 1
        x = repeat(features.bottleneck, num_samples)
        laterals = [[], *([repeat(lateral, num_samples)] for lateral in features.laterals)]
        noise = [z.to(x).flatten(0, 1) for z in latent]
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

    def draw_latent(self, num_samples: int, height: int, width: int, rng: Rng) -> Latent:
        """Ten maps (K, B, 1, h, w) for images of H x W before padding, coarse to fine; none if not stochastic."""
        sizes = self._latent_sizes(height, width)
        return [rng.randn(num_samples, 1, h, w).movedim(1, 0) for h, w in sizes]

    def _latent_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        rows, columns = (-(-side // COARSEST_STRIDE) * COARSEST_STRIDE for side in (height, width))
        return [(rows // stride, columns // stride) for stride in self.noise_strides]
