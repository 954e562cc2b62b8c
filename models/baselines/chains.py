"""K states for each of B images, advanced together by samplers that begin at y = x + σn."""

from torch import Tensor

from ...checks import require_at_least, require_in
from ...linear_problem import LinearProblem
from ...rng import Rng
from ..generator import repeat
from .denoiser_sampler import Denoiser, check_generators, denoise


class Chains:
    """K * B states, each (C, H, W), with their denoiser and their noise.

    Arguments and errors are those of ``DenoiserSampler.sample``; A must be I, and σ above 0.

    Attributes:
        degraded: y for each state, (K * B, C, H, W), fp32 or float64.
    """

    def __init__(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> None:
        require_at_least(1, num_samples=num_samples)
        check_generators(rng, len(problem.measured))
        if not problem.is_denoising:
            raise ValueError("problem must be denoising (A = I) for this sampler, got another linear operator")
        require_in("(0, inf)", sigma=problem.sigma)
        self._denoiser, self._rng, self._num_samples = denoiser, rng, num_samples
        self.degraded = repeat(problem.measured, num_samples)

    def normal(self) -> Tensor:
        """n ~ N(0, I) for each state, (K * B, C, H, W)."""
        draws = self._rng.randn(self._num_samples, *self.degraded.shape[1:])
        return draws.movedim(1, 0).flatten(0, 1).to(self.degraded)

    def denoise(self, x: Tensor, s: float) -> Tensor:
        """D(x, s), one call."""
        return denoise(self._denoiser, x, s)

    def samples(self, x: Tensor) -> Tensor:
        """(K * B, C, H, W) to (K, B, C, H, W)."""
        return x.view(self._num_samples, -1, *x.shape[1:])


def geometric(sigma: float, sigma_min: float, steps: int) -> list[float]:
    """Levels σ, ..., σ_min, each the same fraction of the one before; ``steps`` + 1 of them.

    Raises:
        ValueError: if σ is not above σ_min.
    """
    if not sigma > sigma_min:
        raise ValueError(f"sigma must be > sigma_min ({sigma_min}), got {sigma}")
    return [sigma * (sigma_min / sigma) ** (step / steps) for step in range(steps + 1)]
