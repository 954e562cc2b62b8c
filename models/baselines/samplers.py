"""White noise, y = x + σn: annealed Langevin dynamics, a reverse chain with the right variance, and D(y, σ) itself."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from torch import Tensor

from ...checks import require_at_least, require_in
from ...linear_problem import LinearProblem
from ...rng import Rng
from .chains import Chains, geometric
from .denoiser_sampler import Denoiser, DenoiserSolver, denoise

Variance = Literal["ancestral", "tweedie", "full"]


@dataclass(frozen=True)
class Langevin:
    """Annealed Langevin dynamics on the posterior (Kawar, Vaksman, Elad, arXiv 2101.09552).

    From x = y, at levels σ > s₁ > ... > s_L = ``sigma_min`` of one ratio, ``steps_per_level`` times::

        x ← x + a [(D(x, s) − x) / s² + (y − x) / (σ² − s²)] + √(2a) n,    a = step s² / s_L²

    The state is x₀ + s n' with n' a part of the noise in y, so that y − x has the variance σ² − s²: the second term is
    the gradient of log p(y | x), the first that of log p(x). Exact in the limit of many small steps and a small
    ``sigma_min``; every sample keeps noise of about ``sigma_min``. Where a is above twice σ² − s², the first levels
    overshoot, which later ones forget; much below σ = 0.04 too few are left for that.

    Denoiser: s from just below σ to ``sigma_min``.

    The defaults take 750 calls, as published; ``levels=60, step=2e-5`` takes 180, and is as good on priors whose
    posterior is known. On photographs both make samples that vary too much: after a step noise of s is more than that,
    by 1 / (1 − a / 2s²) in variance, and a trained D leaves of it what it is not told of. Without ``published_noise``
    noise of s stays noise of s, as arXiv 2009.05475 asks of it.

    Args:
        levels: L.
        steps_per_level: T.
        step: a at the last level, in units of squared images.
        sigma_min: s_L, in units of [0, 1] images; σ must be above.
        published_noise: √(2a) n. If not, √(a (2 − a/s²)) n.
    """

    levels: int = 250
    steps_per_level: int = 3
    step: float = 5e-6
    sigma_min: float = 0.01
    published_noise: bool = True
    stochastic = True

    def __post_init__(self) -> None:
        require_at_least(1, levels=self.levels, steps_per_level=self.steps_per_level)
        require_in("(0, inf)", step=self.step, sigma_min=self.sigma_min)

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser a sample: L T."""
        return self.levels * self.steps_per_level

    def sample(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> Tensor:
        chains, sigma = Chains(denoiser, _degraded(problem), num_samples, rng), problem.sigma
        y = chains.images
        x = y
        share = self.step / self.sigma_min**2  # a / s²
        for s in geometric(sigma, self.sigma_min, self.levels)[1:]:
            a = share * s**2
            deviation = math.sqrt(a * (2 - (0 if self.published_noise else share)))
            for _ in range(self.steps_per_level):
                gradient = (chains.denoise(x, s) - x) / s**2 + (y - x) / (sigma**2 - s**2)
                x = x + a * gradient + deviation * chains.normal()
        return chains.samples(x)


@dataclass(frozen=True)
class ReverseChain:
    """The reverse variance-exploding chain from y on: each state a Gaussian around what the denoiser says.

    Levels σ = s₁ > ... > s_N = ``sigma_min`` of one ratio; from s to s', and at last x = D(x, s_N)::

        x ← x + w (D(x, s) − x) + √w e,    w = (s² − s'²) / s²

    y = x₀ + σn is itself a state of the chain x₀ + s n, so no term of likelihood is needed. Given state and x₀ a step
    has e ~ N(0, s'² I) and x₀ for D. But x₀ is not known: by the second-order Tweedie formula it has the
    covariance s² J, J = ∂D/∂x, given the state, so mean and covariance of a step are right with::

        Cov e = s'² I + (s² − s'²) J

    ``variance`` says what of J is used:

    - ``ancestral``: nothing. N calls. Too little spread, in the limit of many levels exact.
    - ``tweedie``: its diagonal, v ⊙ Jv for signs v at random (Hutchinson), negative values as 0. 2N − 1 calls. Right at
      each step where pixels are independent under the prior: J is diagonal and one v tells it exactly. On images
      the mean of v ⊙ Jv is the diagonal, a single one is noise, and e is white where it should be texture.
    - ``full``: all of it, through e = a n + b Jn, whose covariance (aI + bJ)² follows Cov e on the eigenvalues j of J::

          a² = s'² + c,    (a + b)² = s² + c,    c = (s − s')² / 8

      The variance is c too large at j = 0 and 1, about c too small between, for any correlations. 2N − 1
      calls: n itself is the probe. Where modes compete j can be above 1, and the variance there is too large, by
      about (s − s')² j (j − 1).

    Exact up to these errors and N(0, ``sigma_min``² J) at the end for Gaussian priors, for others in the limit of many
    levels. Jv is the difference of D at x and at x + 0.05 s v, one call more a step and none in the last.

    Denoiser: s from σ to ``sigma_min``.

    Args:
        levels: N, 2 or more.
        variance: ``ancestral``, ``tweedie`` or ``full``.
        sigma_min: s_N, in units of [0, 1] images; σ must be above.
    """

    levels: int = 10
    variance: Variance = "tweedie"
    sigma_min: float = 0.005
    stochastic = True

    def __post_init__(self) -> None:
        require_at_least(2, levels=self.levels)
        require_in("(0, inf)", sigma_min=self.sigma_min)
        if self.variance not in get_args(Variance):
            raise ValueError(f"variance must be one of {', '.join(get_args(Variance))}, got {self.variance!r}")

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser a sample: N, or 2N − 1 with probes."""
        return self.levels if self.variance == "ancestral" else 2 * self.levels - 1

    def sample(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> Tensor:
        chains = Chains(denoiser, _degraded(problem), num_samples, rng)
        x, levels = chains.images, geometric(problem.sigma, self.sigma_min, self.levels - 1)
        for s, s_next in pairwise(levels):
            restored = chains.denoise(x, s)
            w = 1 - (s_next / s) ** 2
            x = x + w * (restored - x) + math.sqrt(w) * self._noise(chains, x, restored, s, s_next)
        return chains.samples(chains.denoise(x, levels[-1]))

    def _noise(self, chains: Chains, x: Tensor, restored: Tensor, s: float, s_next: float) -> Tensor:
        """The e of a step."""
        n = chains.normal()
        if self.variance == "ancestral":
            return s_next * n
        if self.variance == "tweedie":
            signs = chains.normal().sign()
            diagonal = (signs * chains.jacobian_times(signs, x, s, restored)).clamp(min=0)
            return (s_next**2 + (s**2 - s_next**2) * diagonal).sqrt() * n
        c = (s - s_next) ** 2 / 8
        a, a_plus_b = math.sqrt(s_next**2 + c), math.sqrt(s**2 + c)
        return a * n + (a_plus_b - a) * chains.jacobian_times(n, x, s, restored)


@dataclass(frozen=True)
class Denoising(DenoiserSolver):
    """D(y, σ) itself: with the exact denoiser the posterior mean.

    Denoiser: σ.
    """

    steps = 1

    def iterates(self, denoiser: Denoiser, problem: LinearProblem) -> Iterator[Tensor]:
        yield denoise(denoiser, _degraded(problem), problem.sigma)


def _degraded(problem: LinearProblem) -> Tensor:
    """y, if it is x + σn with σ above 0."""
    if not problem.is_denoising:
        raise ValueError("problem must be denoising (A = I) for this sampler, got another linear operator")
    require_in("(0, inf)", sigma=problem.sigma)
    return problem.measured
