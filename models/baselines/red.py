"""Regularisation by denoising (RED; Romano, Elad and Milanfar, arXiv 1611.02862), by three minimisers.

The objective is::

    E(x) = ‖Ax − y‖² / 2σ² + λ/2 xᵀ(x − D(x, s))

Where D is locally homogeneous, D(cx) = cD(x) for c near 1, and its Jacobian is symmetric, the gradient of E is
Aᵀ(Ax − y)/σ² + λ(x − D(x, s)); where also no eigenvalue of the Jacobian is above 1, E is convex, and all three find its
minimum. Few denoisers are so (arXiv 1806.02296; ``denoiser_audit`` measures one): then E need not fall, and what all
three find is where that expression is 0. With the exact denoiser of a Gaussian prior of covariance C that is the
posterior mean of the prior (C + s² I) / (λs²).

The defaults are s = 15 on the scale of 0 to 255 and λ = 1/s²: λ(x − D) is then minus the score, the gradient of log p
of images under noise of level s, by Tweedie's formula, as arXiv 1806.02296 reads RED. They were chosen with FFDNet on
photographs. Its Jacobian is neither symmetric (by 0.15 and more) nor passive (radius 1.4 to 1.8), and at lower levels
it drifts off where A says nothing.

The authors restore the luma alone and clip each step, by another denoiser: uniform blur of 9 x 9 at σ = √2 with
``weight=0.02 * 255**2, level=3.25/255``; Gaussian blur of standard deviation 1.6 with ``0.01 * 255**2`` and
``4.1/255``; for that, shrunk three times at σ = 5, ``0.008 * 255**2`` and ``3/255``. With FFDNet the first diverges,
clipped or not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import require_at_least, require_in
from ...linear_problem import LinearProblem
from .denoiser_sampler import Denoiser, DenoiserSolver, denoise

LEVEL = 15 / 255
WEIGHT = 1 / LEVEL**2


@dataclass(frozen=True)
class REDSteepestDescent(DenoiserSolver):
    """Steepest descent on E.

    From x = y as shown::

        x ← x − μ [Aᵀ(Ax − y)/σ² + λ(x − D(x, s))],    μ = 1 / (1/σ² + λ)

    μ is half of the authors': where no singular value is above 1, and E is as in the head of this file, E falls at each
    step. Many steps are needed where A loses much and λσ² is small.

    Denoiser: s = ``level`` at every step.

    Args:
        steps: iterates.
        weight: λ, in units of 1 / squared images.
        level: s, in units of [0, 1] images.
    """

    steps: int = 500
    weight: float = WEIGHT
    level: float = LEVEL

    def __post_init__(self) -> None:
        _check(self)

    def iterates(self, denoiser: Denoiser, problem: LinearProblem) -> Iterator[Tensor]:
        x = problem.shown
        mu = 1 / (1 / problem.noise_variance + self.weight)
        for _ in range(self.steps):
            left = x - denoise(denoiser, x, self.level)
            x = x - mu * (problem.data_gradient(x) + self.weight * left)
            yield x


@dataclass(frozen=True)
class REDFixedPoint(DenoiserSolver):
    """Fixed-point iteration on ∇E = 0.

    From x = y as shown::

        x ← (AᵀA/σ² + λ)⁻¹ (Aᵀy/σ² + λD(x, s))

    Denoiser: s = ``level`` at every step.

    Args:
        steps: iterates.
        weight: λ, in units of 1 / squared images.
        level: s, in units of [0, 1] images.
    """

    steps: int = 50
    weight: float = WEIGHT
    level: float = LEVEL

    def __post_init__(self) -> None:
        _check(self)

    def iterates(self, denoiser: Denoiser, problem: LinearProblem) -> Iterator[Tensor]:
        x = problem.shown
        for _ in range(self.steps):
            x = problem.proximal(denoise(denoiser, x, self.level), self.weight)
            yield x


@dataclass(frozen=True)
class REDADMM(DenoiserSolver):
    """ADMM on E with one inner step on the prior.

    From v = y as shown, u = 0, x the iterate::

        x = (AᵀA/σ² + β)⁻¹ (Aᵀy/σ² + β(v − u))
        v ← (β(x + u) + λD(v, s)) / (β + λ)
        u ← u + x − v

    Without the authors' over-relaxation.

    Denoiser: s = ``level`` at every step.

    Args:
        steps: iterates.
        weight: λ, in units of 1 / squared images.
        level: s, in units of [0, 1] images.
        beta: β, in units of 1 / squared images; the authors' 0.001 for 0 to 255.
    """

    steps: int = 50
    weight: float = WEIGHT
    level: float = LEVEL
    beta: float = 0.001 * 255**2

    def __post_init__(self) -> None:
        _check(self)
        require_in("(0, inf)", beta=self.beta)

    def iterates(self, denoiser: Denoiser, problem: LinearProblem) -> Iterator[Tensor]:
        v = problem.shown
        u = torch.zeros_like(v)
        for _ in range(self.steps):
            x = problem.proximal(v - u, self.beta)
            prior = self.weight * denoise(denoiser, v, self.level)
            v = (self.beta * (x + u) + prior) / (self.beta + self.weight)
            u = u + x - v
            yield x


def _check(solver: REDSteepestDescent | REDFixedPoint | REDADMM) -> None:
    require_at_least(1, steps=solver.steps)
    require_in("(0, inf)", weight=solver.weight, level=solver.level)
