"""What the samplers share: K states for each of B images, advanced together."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...bounds import require_at_least
from ...rng import Rng
from ..generator import repeat
from .denoiser_sampler import Denoiser


class Chains:
    """K * B states, each (C, H, W), with their denoiser and their noise.

    Arguments and errors are those of ``DenoiserSampler.sample``.

    Attributes:
        degraded: y for each state, (K * B, C, H, W), fp32 or float64.
    """

    def __init__(self, denoiser: Denoiser, degraded: Tensor, sigma: float, num_samples: int, rng: Rng) -> None:
        require_at_least(1, num_samples=num_samples)
        if not 0 < sigma < math.inf:
            raise ValueError(f"sigma is {sigma}; allowed is a number above 0")
        if degraded.ndim != 4 or not degraded.is_floating_point():
            shape = tuple(degraded.shape)
            raise ValueError(f"degraded is {shape} of {degraded.dtype}; allowed is (B, C, H, W) of a float type")
        if len(rng) != len(degraded):
            raise ValueError(f"rng has {len(rng)} generators; allowed is one an image of degraded, {len(degraded)}")
        self._denoiser, self._rng, self._num_samples = denoiser, rng, num_samples
        y = degraded.detach()
        self.degraded = repeat(y.float() if y.dtype.itemsize < 4 else y, num_samples)

    def normal(self) -> Tensor:
        """n ~ N(0, I) for each state, (K * B, C, H, W)."""
        draws = self._rng.randn(self._num_samples, *self.degraded.shape[1:])
        return draws.movedim(1, 0).flatten(0, 1).to(self.degraded)

    def denoise(self, x: Tensor, s: float) -> Tensor:
        """D(x, s), one call.

        Raises:
            ValueError: if the denoiser changes the shape.
        """
        with torch.no_grad():
            restored = self._denoiser(x, s)
        if restored.shape != x.shape:
            raise ValueError(f"denoiser returned {tuple(restored.shape)}; allowed is its input's {tuple(x.shape)}")
        return restored.to(x)

    def samples(self, x: Tensor) -> Tensor:
        """(K * B, C, H, W) to (K, B, C, H, W)."""
        return x.view(self._num_samples, -1, *x.shape[1:])


def geometric(sigma: float, sigma_min: float, steps: int) -> list[float]:
    """Levels σ, ..., σ_min, each the same fraction of the one before; ``steps`` + 1 of them.

    Raises:
        ValueError: if σ is not above σ_min.
    """
    if not sigma > sigma_min:
        raise ValueError(f"sigma is {sigma}; allowed is more than sigma_min, {sigma_min}")
    return [sigma * (sigma_min / sigma) ** (step / steps) for step in range(steps + 1)]
