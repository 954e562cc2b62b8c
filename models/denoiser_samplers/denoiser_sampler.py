"""The seam of samplers that call a denoiser many times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from ...rng import Rng

Denoiser = Callable[[Tensor, float], Tensor]
"""D(x, s) = E[x₀ | x] for x = x₀ + s n: (N, C, H, W) and s, in units of [0, 1] images, to (N, C, H, W).

Every image of a call has the same s, any that the sampler's docstring names, not only that of y. Where a sampler takes
a difference of two calls, 16 bit are too few inside the denoiser.
"""


class DenoiserSampler(Protocol):
    """A rule to draw from p(x | y), y = x + σn, with D alone."""

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
