"""SNIPS: annealed Langevin dynamics on the posterior of any linear problem (Kawar, Vaksman, Elad, arXiv 2105.14951)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...checks import require_at_least, require_in
from ...linear_problem import MEAN, LinearProblem
from ...rng import Rng
from .chains import Chains, geometric
from .denoiser_sampler import Denoiser


@dataclass(frozen=True)
class SNIPS:
    """Langevin dynamics in the coordinates of Vᵀ, each with the score and the step that its singular value S asks for.

    The state is x₀ + s n with n a part of the noise in A⁺y, which has the level σ/S, or the other way round. From
    1/2 + s₁ n, at levels s₁ > ... > s_L = ``sigma_min`` of one ratio, ``steps_per_level`` times, with
    a = ``step`` s² (1 − min(r², 1/r²)), r = sS/σ::

        S = 0:    x ← x + a (D(x, s) − x) / s²                                       + √(2a) n
        r < 1:    x ← x + a [(D(x, s) − x) / s² + S² (A⁺y − x) / (σ² − s²S²)]        + √(2a) n
        r > 1:    x ← x + a (A⁺y − x) / (s² − σ²/S²)                                 + √(2a) n

    which is, with ρ = min(r², 1), one rule for all three::

        x ← x + step [(1 − ρ) D(x, s) + ρ A⁺y − x] + √(2a) n

    and at last x ← D(x, s_L). The authors leave that out, and samples keep noise of about s_L: of a coordinate of
    standard deviation s_L, the variance is then 2.2 of what it should be, with it 0.6; others change by less than a
    hundredth. Where r = 1, they leave x as it is; here it goes to A⁺y, as on both sides. σ is taken for 0.001 at least.

    By default the noise is √(a (2 − step)) n: that after which noise of s is still noise of s, as arXiv 2009.05475 asks
    of it. With the authors' there is more in x than D is told, and a trained D leaves some: samples of photographs were
    2 dB worse, their mean 1 dB. On pixels of standard deviation 0.2, σ = 0.1, exact D, the variance for S = 0, 1/4, 1
    is 1.00, 0.95, 0.81 of that of the posterior, with the authors' noise 1.15, 1.08, 0.92.

    With A = I, s₁ < σ and the authors' noise this is ``Langevin`` with a step that is (1 − s²/σ²) times as large; where
    nothing is measured, the synthesis of NCSNv2 (arXiv 2006.09011). Exact in the limit of many levels and small steps.

    Denoiser: s from ``first_level`` to ``sigma_min``.

    The defaults take 181 calls. The authors' for faces of 64 pixels are ``SNIPS(500, 5, 0.033, 90)``, for rooms and
    cats of 128 ``SNIPS(1086, 3, 0.018, 190)``, with ``published_noise`` and a denoiser of such levels.

    Args:
        levels: L, 2 or more.
        steps_per_level: T.
        step: in (0, 1], a / s² of a coordinate that A does not see.
        first_level: s₁, in units of [0, 1] images.
        sigma_min: s_L.
        published_noise: √(2a) n.
    """

    levels: int = 60
    steps_per_level: int = 3
    step: float = 0.25
    first_level: float = 2.0
    sigma_min: float = 0.01
    published_noise: bool = False
    stochastic = True

    def __post_init__(self) -> None:
        require_at_least(2, levels=self.levels)
        require_at_least(1, steps_per_level=self.steps_per_level)
        require_in("(0, 1]", step=self.step)
        require_in("(0, inf)", first_level=self.first_level, sigma_min=self.sigma_min)
        geometric(self.first_level, self.sigma_min, 1)

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser a sample: L T + 1."""
        return self.levels * self.steps_per_level + 1

    def sample(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> Tensor:
        chains = Chains(denoiser, problem.adjoint(problem.measured), num_samples, rng)
        x = MEAN + self.first_level * chains.normal()
        for s in geometric(self.first_level, self.sigma_min, self.levels - 1):
            x = self._at_level(chains, problem, x, s)
        return chains.samples(chains.denoise(x, self.sigma_min))

    def _at_level(self, chains: Chains, problem: LinearProblem, x: Tensor, s: float) -> Tensor:
        limit = problem.noise_variance / s**2  # r² = S² / limit
        variance = self.step * s**2 * (2 if self.published_noise else 2 - self.step)

        def unmeasured(S: Tensor) -> Tensor:
            return (1 - S.square() / limit).clamp(min=0)

        def deviation(S: Tensor) -> Tensor:
            r2 = S.square() / limit
            return (variance * (1 - torch.minimum(r2, 1 / r2))).sqrt()

        measured = chains.filtered(problem, chains.images, lambda S: 1 / S.square().clamp(min=limit))  # ρ A⁺y
        for _ in range(self.steps_per_level):
            towards = chains.filtered(problem, chains.denoise(x, s), unmeasured) + measured
            x = x + self.step * (towards - x) + chains.filtered(problem, chains.normal(), deviation)
        return x
