"""Denoising diffusion restoration models: DDRM of linear problems (arXiv 2201.11793) and of JPEG (arXiv 2209.11888)."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from ...checks import require_in
from ...linear_problem import MEAN, SMALLEST_S, LinearProblem, ProjectedProblem
from ...rng import Rng
from .chains import Chains
from .denoiser_sampler import Denoiser

DIFFUSION_STEPS = 1000


def variance_exploding_levels(count: int, first_level: float = math.inf) -> list[float]:
    """``count`` of the levels of DDPM's linear schedule up to ``first_level``, from noisy to clean, evenly spaced.

    With β from 1e-4 to 0.02 and ᾱ the running product of 1 − β, the state over √ᾱ is a clean image in [−1, 1] with
    noise of √((1 − ᾱ)/ᾱ), which is half as much in units of [0, 1] images: from 79 to 0.005 for all of the levels.

    Raises:
        ValueError: if there are fewer.
    """
    kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, DIFFUSION_STEPS, dtype=torch.float64), 0)
    levels = ((1 - kept) / kept).sqrt() / 2
    below = int((levels <= first_level).sum())
    if below < count:
        raise ValueError(f"levels must be <= {below} with first_level {first_level:g}, got {count}")
    return [levels[index * below // count].item() for index in reversed(range(count))]


@dataclass(frozen=True)
class DDRM:
    """DDRM on any linear problem, coordinate by coordinate of Vᵀ, each with its singular value S.

    From level s to s', with x̂ = D(x, s)::

        S = 0:      x ← x̂ + √(1 − η²) s'/s (x − x̂) + η s' n
        Ss' < σ:    x ← x̂ + √(1 − η²) Ss'/σ (A⁺y − x̂) + η s' n
        Ss' ≥ σ:    x ← (1 − η_b) x̂ + η_b A⁺y + √(s'² − η_b² σ²/S²) n

    from A⁺y + √(s² − σ²/S²) n, where Ss < σ from 1/2 + s n, down to s' = 0, which is D. A state would have the right
    distribution if x̂ were the truth; x̂ is an estimate whose error is left out, so no number of levels makes the
    samples those of the posterior. S up to 0.001 count as 0, as in the authors' code; σ is taken for 0.001 at least.

    Denoiser: s as ``variance_exploding_levels`` has them, up to ``first_level``.

    The authors take all levels, up to 79 (``first_level=80``). With A = I and η_b = 1 no state at s' ≥ σ depends on the
    denoiser.

    Args:
        levels: of the 1,000 of the linear schedule, evenly spaced.
        eta: η in [0, 1], the share of fresh noise below σ.
        eta_b: η_b in [0, 1], the weight of y above σ.
        first_level: which none of them is above, in units of [0, 1] images.
    """

    levels: int = 20
    eta: float = 0.85
    eta_b: float = 1.0
    first_level: float = 4.0
    stochastic = True

    def __post_init__(self) -> None:
        require_in(f"[1, {DIFFUSION_STEPS}]", levels=self.levels)
        require_in("[0, 1]", eta=self.eta, eta_b=self.eta_b)
        variance_exploding_levels(self.levels, self.first_level)

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser a sample: one a level."""
        return self.levels

    def sample(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> Tensor:
        chains = Chains(denoiser, problem.adjoint(problem.measured), num_samples, rng)
        levels = variance_exploding_levels(self.levels, self.first_level)
        grey = torch.full_like(chains.images, MEAN)
        x = replace(self, eta=1.0, eta_b=1.0)._step(chains, problem, grey, grey, math.inf, levels[0])
        for s, s_next in pairwise(levels):
            x = self._step(chains, problem, x, chains.denoise(x, s), s, s_next)
        return chains.samples(chains.denoise(x, levels[-1]))

    def _step(
        self, chains: Chains, problem: LinearProblem, x: Tensor, restored: Tensor, s: float, s_next: float
    ) -> Tensor:
        sigma, share = math.sqrt(problem.noise_variance), math.sqrt(1 - self.eta**2)

        def kept(S: Tensor) -> Tensor:  # of x − x̂
            return (S <= SMALLEST_S) * (share * s_next / s)

        def towards_y(S: Tensor) -> Tensor:  # of A⁺y − x̂
            r = S * s_next / sigma
            return (S > SMALLEST_S) * torch.where(r < 1, share * r, self.eta_b)

        def deviation(S: Tensor) -> Tensor:
            r = S * s_next / sigma
            above = (1 - (self.eta_b / r.clamp(min=1)).square()).sqrt()
            return s_next * torch.where((r < 1) | (S <= SMALLEST_S), self.eta, above)

        return (
            restored
            + chains.filtered(problem, x - restored, kept)
            - chains.filtered(problem, restored, towards_y)
            + chains.filtered(problem, chains.images, lambda S: towards_y(S) / S.square().clamp(min=SMALLEST_S**2))
            + chains.filtered(problem, chains.normal(), deviation)
        )


@dataclass(frozen=True)
class ProjectedDDRM:
    """DDRM where y has no noise and A need not be linear, as of JPEG: A⁺y gives way to a projection P.

    From level s to s', with x̂ = D(x, s), from y + s n down to s' = 0, which is D::

        x ← (1 − η_b) x̂ + η_b P(x̂) + s' n

    Denoiser: s as ``variance_exploding_levels`` has them, up to ``first_level``.

    The authors have ``eta_b=0.4, first_level=0.62``, the 300th of the 1,000. On photographs of quality 10 and 5, by
    ``bundled:denoiser``, samples of the defaults are 0.5 dB nearer to the truth, and differ more at quality 10.

    Args:
        levels: of the linear schedule, evenly spaced.
        eta_b: η_b in [0, 1], the weight of the projection.
        first_level: which none of them is above, in units of [0, 1] images.
    """

    levels: int = 20
    eta_b: float = 1.0
    first_level: float = 0.1
    stochastic = True

    def __post_init__(self) -> None:
        require_in(f"[1, {DIFFUSION_STEPS}]", levels=self.levels)
        require_in("[0, 1]", eta_b=self.eta_b)
        variance_exploding_levels(self.levels, self.first_level)

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser a sample: one a level."""
        return self.levels

    def sample_projected(self, denoiser: Denoiser, problem: ProjectedProblem, num_samples: int, rng: Rng) -> Tensor:
        """See ``ProjectionSampler``."""
        chains = Chains(denoiser, problem.shown, num_samples, rng)
        levels = variance_exploding_levels(self.levels, self.first_level)
        x = chains.images + levels[0] * chains.normal()
        for s, s_next in pairwise(levels):
            restored = chains.denoise(x, s)
            missed = chains.by_samples(problem.project, restored) - restored
            x = restored + self.eta_b * missed + s_next * chains.normal()
        return chains.samples(chains.denoise(x, levels[-1]))
