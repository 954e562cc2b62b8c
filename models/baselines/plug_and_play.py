"""Plug-and-play: an MMSE denoiser in place of the proximal map of a prior, by ADMM and by half-quadratic splitting.

Where y is not linear but has no noise, as after JPEG or quantisation, x is the projection onto what explains y.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import require_at_least, require_in
from ...linear_problem import SMALLEST_SIGMA, LinearProblem, ProjectedProblem
from .denoiser_sampler import Denoiser, ProximalSolver, denoise


@dataclass(frozen=True)
class PlugAndPlayADMM(ProximalSolver):
    """The alternating direction method of multipliers (Venkatakrishnan, Bouman and Wohlberg, GlobalSIP 2013).

    From v = y as shown, u = 0, ``steps`` times, v the iterate::

        x = (AᵀA/σ² + β)⁻¹ (Aᵀy/σ² + β(v − u))
        v = D(x + u, 1/√β)
        u ← u + x − v

    With the exact denoiser of a Gaussian prior the fixed point is the posterior mean, whatever β; β then sets the speed
    alone. For others it moves the fixed point: of 30, 100 and 300 the default had the best mean PSNR over deblurring,
    inpainting, super-resolution and denoising of six photographs by FFDNet; 20 steps were nearly always enough.

    Denoiser: s = 1/√β at every step.

    Args:
        steps: iterates.
        beta: β, in units of 1 / squared images; 100 has s = 0.1, 25.5 on the scale of 0 to 255.
    """

    steps: int = 40
    beta: float = 100.0

    def __post_init__(self) -> None:
        require_at_least(1, steps=self.steps)
        require_in("(0, inf)", beta=self.beta)

    def iterates(self, denoiser: Denoiser, problem: LinearProblem | ProjectedProblem) -> Iterator[Tensor]:
        v = problem.shown
        u = torch.zeros_like(v)
        for _ in range(self.steps):
            x = problem.proximal(v - u, self.beta)
            v = denoise(denoiser, x + u, 1 / math.sqrt(self.beta))
            u = u + x - v
            yield v


@dataclass(frozen=True)
class HQS(ProximalSolver):
    """Half-quadratic splitting, level by level, as DPIR (Zhang et al., arXiv 2008.13751).

    From v = y as shown, at levels s of one ratio from ``first_level`` to max(σ, ``last_level``), v the iterate::

        x = (AᵀA/σ² + β)⁻¹ (Aᵀy/σ² + βv),    β = weight / s²
        v = D(x, s)

    Where σ is above ``first_level``, all are σ. With the exact denoiser of a Gaussian prior of covariance C, and all
    levels equal, x goes to the posterior mean of the prior (C + s² I) / weight: unlike ADMM it is biased.

    Defaults are those of DPIR for deblurring. For super-resolution by a factor f it has ``steps=24, last_level=f/255``,
    for demosaicing ``steps=40, last_level=0.6/255``; where values are missing, eight steps are too few to fill them in.

    Denoiser: s from ``first_level`` (or σ, if that is above) to max(σ, ``last_level``).

    Args:
        steps: levels.
        first_level: s of the first, in units of [0, 1] images.
        last_level: least s of the last.
        weight: of the prior, λ.
    """

    steps: int = 8
    first_level: float = 49 / 255
    last_level: float = SMALLEST_SIGMA
    weight: float = 0.23

    def __post_init__(self) -> None:
        require_at_least(1, steps=self.steps)
        require_in("(0, inf)", first_level=self.first_level, last_level=self.last_level, weight=self.weight)

    def levels(self, sigma: float) -> list[float]:
        """Of the denoiser, from the first step to the last."""
        last = max(sigma, self.last_level)
        first = max(self.first_level, last)
        return [first * (last / first) ** (step / max(1, self.steps - 1)) for step in range(self.steps)]

    def iterates(self, denoiser: Denoiser, problem: LinearProblem | ProjectedProblem) -> Iterator[Tensor]:
        v = problem.shown
        for s in self.levels(problem.sigma):
            v = denoise(denoiser, problem.proximal(v, self.weight / s**2), s)
            yield v
