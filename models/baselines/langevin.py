"""Stochastic denoiser by annealed Langevin dynamics (Kawar, Vaksman, Elad, arXiv 2101.09552)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from ...checks import require_at_least
from ...rng import Rng
from .chains import Chains, Denoiser, geometric


@dataclass(frozen=True)
class Langevin:
    """Langevin steps on the posterior while the noise anneals.

    From x = y, at levels σ > s₁ > ... > s_L = ``sigma_min`` of one ratio, ``steps_per_level`` times::

        x ← x + a [(D(x, s) − x) / s² + (y − x) / (σ² − s²)] + √(2a) n,    a = step s² / s_L²

    The state is x₀ + s n' with n' a part of the noise in y, so that y − x has the variance σ² − s²: the second term is
    the gradient of log p(y | x), the first that of log p(x). Exact in the limit of many small steps and a small
    ``sigma_min``; every sample keeps noise of about ``sigma_min``. Where a is above twice σ² − s², the first levels
    overshoot, which later ones forget; much below σ = 0.04 too few are left for that.

    Denoiser: s from just below σ to ``sigma_min``.

    The defaults take 750 calls, as published; ``levels=60, step=2e-5`` takes 180, and is as good on priors whose
    posterior is known.

    Args:
        levels: L.
        steps_per_level: T.
        step: a at the last level, in units of squared images.
        sigma_min: s_L, in units of [0, 1] images; σ must be above.
    """

    levels: int = 250
    steps_per_level: int = 3
    step: float = 5e-6
    sigma_min: float = 0.01

    def __post_init__(self) -> None:
        require_at_least(1, levels=self.levels, steps_per_level=self.steps_per_level)
        for name in ("step", "sigma_min"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be > 0, got {getattr(self, name)}")

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser a sample: L T."""
        return self.levels * self.steps_per_level

    def sample(self, denoiser: Denoiser, degraded: Tensor, sigma: float, num_samples: int, rng: Rng) -> Tensor:
        chains = Chains(denoiser, degraded, sigma, num_samples, rng)
        x = y = chains.degraded
        for s in geometric(sigma, self.sigma_min, self.levels)[1:]:
            a = self.step * (s / self.sigma_min) ** 2
            for _ in range(self.steps_per_level):
                gradient = (chains.denoise(x, s) - x) / s**2 + (y - x) / (sigma**2 - s**2)
                x = x + a * gradient + math.sqrt(2 * a) * chains.normal()
        return chains.samples(x)
