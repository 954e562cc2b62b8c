"""A critic for any size: the mean of the scores of overlapping patches."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import require_at_least
from .layers import NEGATIVE_SLOPE, conv, residual_blocks

PATCH = 2  # the finest level works on 2 x 2 pixels as channels


class PatchCritic(nn.Module):
    """D(x, y): residual, strided, without normalisation, so no image is scored by its neighbours in the batch.

    An unconditional one, D(x, y) = D(x), suffices when every sample is exactly consistent with y: a consistent restorer
    whose samples are distributed as clean images is the posterior sampler (Ohayon et al., arXiv 2211.08944, theorem
    3.1). That takes a degradation without noise and samples projected onto y. Otherwise sharp images of something else
    please D(x), and only D(x, y) tells.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        width: channels of the finest level; level l has (1 + l / 2) times as many.
        levels: resolutions, each half the one before; the finest is half of the image's.
        blocks_per_level: residual blocks a level.
        conditional: False for D(x), which leaves the condition out.
    """

    def __init__(
        self,
        image_channels: int,
        condition_channels: int,
        width: int = 32,
        levels: int = 3,
        blocks_per_level: int = 1,
        conditional: bool = True,
    ) -> None:
        super().__init__()
        require_at_least(1, width=width, levels=levels, blocks_per_level=blocks_per_level)
        widths = [width + level * width // 2 for level in range(levels)]
        self.conditional = conditional
        channels = image_channels + condition_channels if conditional else image_channels
        self.stem = conv(channels * PATCH**2, width, gain=1.0)
        self.down = nn.ModuleList(residual_blocks(w, blocks_per_level) for w in widths)
        self.shrink = nn.ModuleList(conv(fine, coarse, size=2, stride=2, gain=1.0) for fine, coarse in pairwise(widths))
        self.score = nn.Sequential(nn.LeakyReLU(NEGATIVE_SLOPE), conv(widths[-1], 1, size=1, gain=1.0))

    @property
    def stride(self) -> int:
        """Pixels of the image between the centres of two patches."""
        return int(PATCH * 2 ** len(self.shrink))

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Realism of (B, C, H, W) given (B, C + M, H, W): (B,), unbounded, higher for real.

        Raises:
            ValueError: if the image is smaller than one patch.
        """
        height, width = image.shape[-2:]
        if min(height, width) < self.stride:
            raise ValueError(f"image must have sides of at least {self.stride}, got {height} x {width}")
        even = (slice(None), slice(None), slice(height - height % PATCH), slice(width - width % PATCH))
        seen = torch.cat([image, condition], dim=1) if self.conditional else image
        x = 2 * seen[even] - 1
        x = self.down[0](self.stem(F.pixel_unshuffle(x, PATCH)))
        for shrink, down in zip(self.shrink, self.down[1:], strict=True):
            x = down(shrink(x))
        scores: Tensor = self.score(x)
        return scores.mean(dim=(1, 2, 3))
