"""Photon counts by a Gaussian denoiser: a transform makes their variance 1, and its unbiased inverse leads back."""

import math
from dataclasses import dataclass

from torch import Tensor

from ...checks import require_at_least
from ...linear_problem import PoissonProblem
from ...rng import Rng
from .denoiser_sampler import Denoiser, check_generators, denoise

OFFSET = 3 / 8
LEAST = 2 * math.sqrt(OFFSET)  # the transform of no count


@dataclass(frozen=True)
class Anscombe:
    """Variance stabilisation: D between the transform of Anscombe (Biometrika 1948) and its exact unbiased inverse.

    The transform of counts has a variance of about 1 (0.98 at a mean of 3, 0.72 at 1). It is brought to [0, 1], black
    to white, for D. Not the algebraic inverse leads back, but E[f] → mean (Mäkitalo and Foi, IEEE TIP 2011); with read
    noise both are the generalised ones (Mäkitalo and Foi, IEEE TIP 2013).

    Denoiser: s = 1 / (f(p) − f(0)), f the transform and p photons at white: 0.10 for 30 of them.
    """

    calls = 1
    stochastic = False

    def sample_counts(self, denoiser: Denoiser, problem: PoissonProblem, num_samples: int, rng: Rng) -> Tensor:
        require_at_least(1, num_samples=num_samples)
        check_generators(rng, len(problem.degraded))
        p, variance = problem.photons, (problem.photons * problem.sigma) ** 2
        black, white = (2 * math.sqrt(counts + OFFSET + variance) for counts in (0, p))
        span = white - black
        stabilised = (anscombe(p * problem.degraded, variance) - black) / span
        restored = unbiased_inverse(black + span * denoise(denoiser, stabilised, 1 / span), variance) / p
        return restored.expand(num_samples, *restored.shape)


def anscombe(counts: Tensor, variance: float = 0.0) -> Tensor:
    """f(y) = 2 √(y + 3/8 + σ²), of any shape; 0 where the root has no argument.

    Args:
        counts: y, Poisson counts plus read noise.
        variance: σ² of the read noise, in squared counts.
    """
    return 2 * (counts + OFFSET + variance).clamp(min=0).sqrt()


def unbiased_inverse(mean: Tensor, variance: float = 0.0) -> Tensor:
    """The mean count whose transform has the mean D.

    The closed form of Mäkitalo and Foi (IEEE TIP 2011) is::

        D²/4 − 1/8 − σ² + [√(3/2) D⁻¹/4 − 11 D⁻²/8 + 5 √(3/2) D⁻³/8]

    Above 3.6 counts its bracket is positive and left out here: with it the mean is up to 0.018 counts too high, without
    it right to 0.002. Below, the bias is at most 0.007.

    Args:
        mean: D, of any shape; what is below the transform of no count is taken for that.
        variance: σ² of the read noise, in squared counts.
    """
    D, root = mean.clamp(min=LEAST), math.sqrt(3 / 2)
    bracket = root / 4 / D - 11 / 8 / D.square() + 5 * root / 8 / D**3
    return (D.square() / 4 - 1 / 8 - variance + bracket.clamp(max=0)).clamp(min=0)
