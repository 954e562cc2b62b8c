"""Deep Optimal Transport (DOT, arXiv 2306.02342): restored images between the law of clean ones and themselves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...checks import require_in
from ...rng import Rng, key
from ..generator import Latent, draw_maps
from ..spatial_latent import SpatialLatent
from .patches import PatchTransport
from .spaces import Space

ALPHAS = "[-1, 2]"


class Transport:
    """x̂_α = (1 − α) x̂_0 + α x*, where x̂_0 is decoded from transported patches of the codes of x*.

    α = 0 is the full transport; 1 is x* itself, the very tensor; below 0 and above 1 the line goes on.

    Args:
        space: of the codes.
        patches: their transport.

    Attributes:
        radius: pixels beyond which nothing changes a pixel of x̂_α, not counting those of its own code; None where the
            space has no end.
        stochastic: whether some variance is drawn: patches of x* that never vary in a direction in which clean ones do.
    """

    def __init__(self, space: Space, patches: PatchTransport) -> None:
        self.space, self.patches = space, patches
        self.stride, self.stochastic = space.factor, patches.noise_channels > 0
        self.radius = None if space.radius is None else space.radius + patches.margin * space.factor

    @torch.no_grad()
    def __call__(
        self, restored: Tensor, alpha: float, seeds: Sequence[int], number: int = 1, top: int = 0, left: int = 0
    ) -> Tensor:
        """x̂_α of x*, (N, C, H, W) about [0, 1].

        Args:
            restored: x*, images or a window of them.
            alpha: α in [-1, 2].
            seeds: one for each image; what is drawn is a function of it, the number and the place.
            number: of the sample that x* is, from 1.
            top: pixel of the image where the window begins, a multiple of the space's factor.
            left: as ``top``.

        Raises:
            ValueError: if alpha is out of range, or the images have other channels than those of the fit.
        """
        require_in(ALPHAS, alpha=alpha)
        if alpha == 1:
            return restored
        codes, (height, width) = self.space.encode(restored), restored.shape[-2:]
        if codes.shape[1] != self.patches.channels:
            raise ValueError(
                f"codes of {self.space.name} must have {self.patches.channels} channels as in the transport's fit, "
                f"got {codes.shape[1]}"
            )
        noise = self._noise(codes, seeds, number, top, left) if self.stochastic else None
        moved = self.space.decode(self.patches(codes, noise))[..., :height, :width]
        return (1 - alpha) * moved.to(restored) + alpha * restored

    def _noise(self, codes: Tensor, seeds: Sequence[int], number: int, top: int, left: int) -> Tensor:
        """n of all patches that touch the codes."""
        field = SpatialLatent(self, [key(seed, "transport", 0) for seed in seeds], number)
        height, width = (self.stride * (side + self.patches.margin) for side in codes.shape[-2:])
        (maps,) = field.window(top, left, height, width)
        return maps[0].to(codes)

    def draw_latent(self, num_samples: int, height: int, width: int, rng: Rng) -> Latent:
        """n ~ N(0, I) of patches whose places cover H x W; see ``SpatialLatent``."""
        size = self.patches.noise_channels, height // self.stride, width // self.stride
        return draw_maps([size], num_samples, rng)
