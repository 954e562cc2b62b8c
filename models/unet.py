"""A U-Net that samples: all that does not depend on z is computed once, z enters at every scale of the way up."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import require_at_least
from .generator import Latent, MapSize, NoiseMapGenerator
from .layers import NEGATIVE_SLOPE, conv, pad_to_multiple, residual_blocks

HALF = math.sqrt(0.5)  # two like terms whose sum keeps the second moment
OUTPUT_GAIN = 0.15  # of the last convolution: images in [0, 1] have a standard deviation of about a quarter
PATCH = 2  # the finest level works on 2 x 2 pixels as channels: four times cheaper, and z still has a value a pixel


class Features(NamedTuple):
    """All that ``decode`` needs but z."""

    degraded: Tensor
    """(B, C, H, W)."""
    laterals: list[Tensor]
    """By level, fine to coarse: what the way up receives from the way down, (B, c, h, w)."""
    gates: list[Tensor]
    """By level, fine to coarse: the amplitude of z, (B, c, h, w)."""


class Stage(nn.Module):
    """Residual blocks of one level on the way up, z entering before each.

    Beyond the border z is repeated: with zeros there it would be weaker near borders, which on the small crops of
    training are everywhere, and a sampler calibrated on crops would vary too much inside of whole images.

    Args:
        channels: of the level.
        count: of blocks.
        latent_channels: maps of z at each entry; 0 for none.
    """

    def __init__(self, channels: int, count: int, latent_channels: int) -> None:
        super().__init__()
        entries = count if latent_channels else 0
        noise = (conv(latent_channels, channels, gain=HALF, border="replicate") for _ in range(entries))
        self.noise = nn.ModuleList(noise)
        self.blocks = residual_blocks(channels, count)

    def forward(self, x: Tensor, gate: Tensor | None, noise: Sequence[Tensor], num_samples: int) -> Tensor:
        """(K, B, c, h, w), amplitudes of z (B, c, h, w), and its maps by entry, each (K * B, latent_channels, h, w).

        Where z enters first, x is that of y alone, (1, B, c, h, w). No feature of y is copied for each sample.
        """
        for entry, block in enumerate(self.blocks):
            if gate is not None:
                z = self.noise[entry](noise[entry])
                x = torch.addcmul(x, gate, torch.unflatten(z, 0, (num_samples, gate.shape[0])))
            x = torch.unflatten(block(x.flatten(0, 1)), 0, x.shape[:2])
        return x


class UNet(NoiseMapGenerator):
    """x̂ = y + U(y, z), any H and W.

    The way down, and its projections onto the way up, see y alone: ``encode``. The way up is ``decode``: at each level
    it adds a projection of z, multiplied by an amplitude that is a function of y, so that the spread can follow the
    posterior's from flat regions to edges. z has ``latent_channels`` maps at the resolution of each level.

    Args:
        image_channels: C.
        condition_channels: C + M, channels of y and of its maps.
        width: channels of the finest level; level l has (1 + l / 2) times as many.
        levels: resolutions, each half the one before; the finest is half of the image's, with 2 x 2 pixels as channels.
        encoder_blocks: residual blocks a level on the way down.
        decoder_blocks: residual blocks a level on the way up; z enters before each.
        latent_channels: maps of z at each entry; 0 leaves z out: the deterministic baseline.
    """

    def __init__(
        self,
        image_channels: int,
        condition_channels: int,
        width: int = 64,
        levels: int = 3,
        encoder_blocks: int = 2,
        decoder_blocks: int = 1,
        latent_channels: int = 4,
    ) -> None:
        super().__init__()
        require_at_least(1, width=width, levels=levels, encoder_blocks=encoder_blocks, decoder_blocks=decoder_blocks)
        require_at_least(0, latent_channels=latent_channels)
        widths = [width + level * width // 2 for level in range(levels)]
        self.image_channels, self.latent_channels, self.decoder_blocks = image_channels, latent_channels, decoder_blocks
        self.stem = conv(condition_channels * PATCH**2, width, gain=1.0)
        self.down = nn.ModuleList(residual_blocks(w, encoder_blocks) for w in widths)
        self.shrink = nn.ModuleList(conv(fine, coarse, size=2, stride=2, gain=1.0) for fine, coarse in pairwise(widths))
        self.lateral = nn.ModuleList(conv(w, w, size=1, gain=HALF) for w in widths)
        self.gate = nn.ModuleList(conv(w, w, size=1, gain=0.5) for w in widths if latent_channels)
        self.up = nn.ModuleList(Stage(w, decoder_blocks, latent_channels) for w in widths)
        self.grow = nn.ModuleList(conv(coarse, fine, size=1, gain=HALF) for fine, coarse in pairwise(widths))
        self.out = nn.Sequential(nn.LeakyReLU(NEGATIVE_SLOPE), conv(width, image_channels * PATCH**2, gain=OUTPUT_GAIN))

    def encode(self, condition: Tensor) -> Features:
        """All of (B, C + M, H, W) that does not depend on z."""
        x = self.stem(F.pixel_unshuffle(2 * pad_to_multiple(condition, self.stride) - 1, PATCH))
        outputs = [x := self.down[0](x)]
        for shrink, down in zip(self.shrink, self.down[1:], strict=True):
            outputs.append(x := down(shrink(x)))
        laterals = [lateral(output) for lateral, output in zip(self.lateral, outputs, strict=True)]
        gates = [1 + gate(output) for gate, output in zip(self.gate, outputs, strict=False)]
        return Features(condition[:, : self.image_channels], laterals, gates)

    def decode(self, features: Features, latent: Latent) -> Tensor:
        height, width = features.degraded.shape[-2:]
        num_samples, noise = self.noise_maps(latent, height, width, features.laterals[0])
        x = features.laterals[-1][None]
        for level, lateral in reversed(list(enumerate(features.laterals))):
            if level < len(self.grow):
                finer = F.interpolate(self.grow[level](x.flatten(0, 1)), scale_factor=2.0)
                x = lateral + torch.unflatten(finer, 0, x.shape[:2])
            gate = features.gates[level] if features.gates else None
            x = self.up[level](x, gate, noise[: self.decoder_blocks], num_samples)
            noise = noise[self.decoder_blocks :]
        residual = F.pixel_shuffle(self.out(x.flatten(0, 1)), PATCH)[..., :height, :width]
        return features.degraded + torch.unflatten(residual, 0, x.shape[:2])

    def latent_sizes(self, height: int, width: int) -> list[MapSize]:
        if not self.latent_channels:
            return []
        rows, columns = (-(-side // self.stride) for side in (height, width))
        scales = [2**level for level in range(len(self.up)) for _ in range(self.decoder_blocks)]
        return [(self.latent_channels, rows * scale, columns * scale) for scale in scales]

    @property
    def stride(self) -> int:
        """Pixels of the image a pixel of the coarsest level is wide; images are padded to multiples of it."""
        return int(PATCH * 2 ** (len(self.up) - 1))
