"""Samplers that call an MMSE denoiser: their protocol, and K states for each of B images advanced together."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from ...checks import require_at_least, require_in
from ...precision import at_least_fp32
from ...rng import Rng
from ..generator import repeat

Denoiser = Callable[[Tensor, float], Tensor]
"""D(x, s) = E[x₀ | x] for x = x₀ + s n: (N, C, H, W) and s, in units of [0, 1] images, to (N, C, H, W).

Every image of a call has the same s, any that the sampler's docstring names, not only that of y. Where a sampler takes
a difference of two calls, 16 bit are too few inside the denoiser.
"""


class DenoiserSampler(Protocol):
    """Draws from p(x | y), y = x + σn, with D alone."""

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser for one sample of one image, exactly."""
        ...

    def sample(self, denoiser: Denoiser, degraded: Tensor, sigma: float, num_samples: int, rng: Rng) -> Tensor:
        """K samples for each of B measurements.

        Args:
            denoiser: D. It is called with K * B images at a time, without a graph.
            degraded: y, (B, C, H, W) float, may leave [0, 1]; 16 bit are raised to fp32.
            sigma: σ, in units of [0, 1] images (50 on the scale of 0 to 255 is 50/255).
            num_samples: K.
            rng: one generator an image. An image's samples depend on its generator, not on its neighbours.

        Returns:
            (K, B, C, H, W), not clamped.

        Raises:
            ValueError: if an argument is out of range, or the denoiser changes the shape.
        """
        ...


class Chains:
    """K * B states, each (C, H, W), with their denoiser and their noise.

    Arguments and errors are those of ``DenoiserSampler.sample``.

    Attributes:
        degraded: y for each state, (K * B, C, H, W), fp32 or float64.
    """

    def __init__(self, denoiser: Denoiser, degraded: Tensor, sigma: float, num_samples: int, rng: Rng) -> None:
        require_at_least(1, num_samples=num_samples)
        require_in("(0, inf)", sigma=sigma)
        if degraded.ndim != 4 or not degraded.is_floating_point():
            shape = tuple(degraded.shape)
            raise ValueError(f"degraded must be floats (B, C, H, W), got {shape} of {degraded.dtype}")
        if len(rng) != len(degraded):
            raise ValueError(f"rng must have a generator for each of {len(degraded)} images, got {len(rng)}")
        self._denoiser, self._rng, self._num_samples = denoiser, rng, num_samples
        self.degraded = repeat(at_least_fp32(degraded.detach()), num_samples)

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
            raise ValueError(f"denoiser must keep the shape {tuple(x.shape)}, got {tuple(restored.shape)}")
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
        raise ValueError(f"sigma must be > sigma_min ({sigma_min}), got {sigma}")
    return [sigma * (sigma_min / sigma) ** (step / steps) for step in range(steps + 1)]
