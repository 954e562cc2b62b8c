"""Denoising diffusion restoration models (arXiv 2201.11793) for plain noise, H = I."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import require_at_least
from ...rng import Rng
from .chains import Chains, Denoiser

DIFFUSION_STEPS = 1000


def variance_exploding_levels(count: int) -> list[float]:
    """Every (1000 / count)-th level of DDPM's linear schedule, from noisy to clean, in units of [0, 1] images.

    With β from 1e-4 to 0.02 and ᾱ the running product of 1 − β, the state over √ᾱ is a clean image in [−1, 1] with
    noise of √((1 − ᾱ)/ᾱ), which is half as much in [0, 1]: from 79 to 0.005 for all of the levels.
    """
    kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, DIFFUSION_STEPS, dtype=torch.float64), 0)
    levels = ((1 - kept) / kept).sqrt() / 2
    return [levels[index * DIFFUSION_STEPS // count].item() for index in reversed(range(count))]


@dataclass(frozen=True)
class DDRM:
    """The rule for singular values of 1.

    From level s to s', with x̂ = D(x, s)::

        s' < σ:   x ← x̂ + √(1 − η²) s'/σ (y − x̂) + η s' n
        s' ≥ σ:   x ← (1 − η_b) x̂ + η_b y + √(s'² − η_b² σ²) n

    from y + √(s² − σ²) n down to s' = 0, which is D. A state would have the right distribution if x̂ were the truth; x̂
    is an estimate whose error is left out, so no number of levels makes the samples those of the posterior. With
    η_b = 1 no state at s' ≥ σ depends on the denoiser, and the calls there are lost.

    Denoiser: s as ``variance_exploding_levels`` has them, up to 79.

    Args:
        levels: of the 1,000 of the linear schedule, evenly spaced.
        eta: η in [0, 1], the share of fresh noise below σ.
        eta_b: η_b in [0, 1], the weight of y above σ.
    """

    levels: int = 20
    eta: float = 0.85
    eta_b: float = 1.0

    def __post_init__(self) -> None:
        require_at_least(1, levels=self.levels)
        if self.levels > DIFFUSION_STEPS:
            raise ValueError(f"levels must be <= {DIFFUSION_STEPS}, got {self.levels}")
        for name in ("eta", "eta_b"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser a sample: one a level."""
        return self.levels

    def sample(self, denoiser: Denoiser, degraded: Tensor, sigma: float, num_samples: int, rng: Rng) -> Tensor:
        """``sigma`` is at most the first level."""
        chains = Chains(denoiser, degraded, sigma, num_samples, rng)
        first, *rest = variance_exploding_levels(self.levels)
        if sigma > first:
            raise ValueError(f"sigma must be <= {first:.3g} with {self.levels} levels, got {sigma}")
        s, x = first, chains.degraded + math.sqrt(first**2 - sigma**2) * chains.normal()
        for s_next in rest:
            x = self._step(chains, chains.denoise(x, s), sigma, s_next)
            s = s_next
        return chains.samples(chains.denoise(x, s))

    def _step(self, chains: Chains, restored: Tensor, sigma: float, s_next: float) -> Tensor:
        if s_next < sigma:
            towards_y, noise = math.sqrt(1 - self.eta**2) * s_next / sigma, self.eta * s_next
        else:
            towards_y, noise = self.eta_b, math.sqrt(s_next**2 - (self.eta_b * sigma) ** 2)
        return restored + towards_y * (chains.degraded - restored) + noise * chains.normal()
