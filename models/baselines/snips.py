"""SNIPS: annealed Langevin dynamics on the posterior of any linear problem (Kawar, Vaksman, Elad, arXiv 2105.14951)."""

from dataclasses import dataclass
from itertools import pairwise

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

    The state is x₀ + s n with n a part of the noise in A⁺y, which has the level σ/S, or the other way round. At levels
    s₁ > ... > s_L = ``sigma_min`` of one ratio, from 1/2 + s₁ n, the authors take steps of
    a = ``step`` s² (1 − min(r², 1/r²)), r = sS/σ::

        S = 0:    x ← x + a (D(x, s) − x) / s²                                       + √(2a) n
        r < 1:    x ← x + a [(D(x, s) − x) / s² + S² (A⁺y − x) / (σ² − s²S²)]        + √(2a) n
        r > 1:    x ← x + a (A⁺y − x) / (s² − σ²/S²)                                 + √(2a) n

    which is, with ρ = min(r², 1), one rule for all three::

        x ← x + step [(1 − ρ) D(x, s) + ρ A⁺y − x] + √(2a) n

    After it there is more noise in x than s, of which a trained D, told of s, leaves some. So by default a step goes
    from level s to t, which is s, or at the last of ``steps_per_level`` the next one, with just the noise that leads
    there (arXiv 2009.05475 has it for a D that removes all noise and nothing measured). With b = 1 − step, q = t²/s²,
    e = q − b or 0, J = ∂D/∂x::

        r < 1:    x ← b x + (step − e r²) D(x, s) + e r² A⁺y + s n',   Cov n' = q − b² − r² (q² − b²) + (step − e r²)² J
        r > 1:    x ← b x + step A⁺y + s n',                           Cov n' = q − 1/r² − b² (1 − 1/r²) or 0

    Where the prior is Gaussian, its covariance diagonal under Vᵀ, and e above 0, x has then the variance at t that is
    right, and with A⁺y the right covariance, if it had both at s. n' is α n + β J n, right where J is 0 or 1; Jn is the
    difference of D at x and at x + 0.05 s n, a second call. On pixels of standard deviation 0.2, σ = 0.1, exact D, the
    variance for S = 0, 1/4, 1 is 1.00, 1.00, 0.99 of that of the posterior, in 181 calls; with the authors' noise and
    ``SNIPS(60, 3, 0.25)``, as many calls, 1.15, 1.09, 0.93. A larger ``step`` forgets more of what x was before.

    At last x ← D(x, s_L). The authors leave that out, and samples keep noise of about s_L: of a coordinate of standard
    deviation s_L, the variance is then 2.2 of what it should be, with it 0.6; others change by less than a hundredth.
    Where r = 1, they leave x as it is; here it goes to A⁺y, as on both sides. σ is taken for 0.001 at least.

    With A = I, s₁ < σ and the authors' noise this is ``Langevin`` with a step that is (1 − s²/σ²) times as large; where
    nothing is measured, the synthesis of NCSNv2 (arXiv 2006.09011). Exact in the limit of many levels and small steps.

    Denoiser: s from ``first_level`` to ``sigma_min``.

    The authors' settings for faces of 64 pixels are ``SNIPS(500, 5, 0.033, 90)``, for rooms and cats of 128
    ``SNIPS(1086, 3, 0.018, 190)``, with ``published_noise`` and a denoiser of such levels.

    Args:
        levels: L, 2 or more.
        steps_per_level: T.
        step: in (0, 1], a / s² of a coordinate that A does not see.
        first_level: s₁, in units of [0, 1] images.
        sigma_min: s_L.
        published_noise: the authors' rule.
    """

    levels: int = 90
    steps_per_level: int = 1
    step: float = 0.4
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
        """Evaluations of the denoiser a sample: 2 L T + 1, with the published noise L T + 1."""
        return self.levels * self.steps_per_level * (1 if self.published_noise else 2) + 1

    def sample(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> Tensor:
        chains = Chains(denoiser, problem.adjoint(problem.measured), num_samples, rng)
        x = MEAN + self.first_level * chains.normal()
        levels = geometric(self.first_level, self.sigma_min, self.levels - 1)
        for s, s_next in pairwise([*levels, self.sigma_min]):
            for reached in [s] * (self.steps_per_level - 1) + [s_next]:
                x = self._step(chains, problem, x, s, reached)
        return chains.samples(chains.denoise(x, self.sigma_min))

    def _step(self, chains: Chains, problem: LinearProblem, x: Tensor, s: float, reached: float) -> Tensor:
        limit, a, b, q = problem.noise_variance / s**2, self.step, 1 - self.step, (reached / s) ** 2
        e = a if self.published_noise else max(q - b, 0.0)

        def of_denoised(S: Tensor) -> Tensor:
            r2 = S.square() / limit
            return torch.where(r2 < 1, a - e * r2, 0)

        def of_measured(S: Tensor) -> Tensor:  # of Aᵀy = S² A⁺y
            return torch.where(S.square() < limit, e / limit, a / S.square())

        def of_noise(S: Tensor) -> Tensor:
            r2 = S.square() / limit
            if self.published_noise:
                return s * (2 * a * (1 - torch.minimum(r2, 1 / r2))).sqrt()
            below, above = q - b**2 - r2 * (q**2 - b**2), (q - 1 / r2).clamp(min=0) - b**2 * (1 - 1 / r2)
            return s * torch.where(r2 < 1, below, above).clamp(min=0).sqrt()

        def of_moved(S: Tensor) -> Tensor:  # the root of the variance where J is 1, less that where it is 0
            return (of_noise(S).square() + (s * of_denoised(S)).square()).sqrt() - of_noise(S)

        n, restored = chains.normal(), chains.denoise(x, s)
        new = b * x + chains.filtered(problem, restored, of_denoised)
        new = new + chains.filtered(problem, chains.images, of_measured) + chains.filtered(problem, n, of_noise)
        if self.published_noise:
            return new
        return new + chains.filtered(problem, chains.jacobian_times(n, x, s, restored), of_moved)
