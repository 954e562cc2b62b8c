"""K states for each of B images, advanced together, and the levels they pass."""

from collections.abc import Callable

import torch
from torch import Tensor

from ...checks import require_at_least
from ...linear_problem import Gain, LinearProblem
from ...rng import Rng
from ..generator import repeat
from .denoiser_sampler import Denoiser, check_generators, denoise

PROBE = 0.05  # length of a difference along a unit of noise, in units of s: D varies over lengths of about s


class Chains:
    """K * B states, each (C, H, W), with their denoiser and their noise.

    Errors are those of ``DenoiserSampler.sample``.

    Args:
        denoiser: D.
        images: one a measurement, of the shape and type of the states, (B, C, H, W).
        num_samples: K.
        rng: one generator an image.

    Attributes:
        images: the same for each state, (K * B, C, H, W).
    """

    def __init__(self, denoiser: Denoiser, images: Tensor, num_samples: int, rng: Rng) -> None:
        require_at_least(1, num_samples=num_samples)
        check_generators(rng, len(images))
        self._denoiser, self._rng, self._num_samples = denoiser, rng, num_samples
        self.images = repeat(images, num_samples)

    def normal(self) -> Tensor:
        """n ~ N(0, I) for each state, (K * B, C, H, W)."""
        draws = self._rng.randn(self._num_samples, *self.images.shape[1:])
        return draws.movedim(1, 0).flatten(0, 1).to(self.images)

    def denoise(self, x: Tensor, s: float) -> Tensor:
        """D(x, s), one call."""
        return denoise(self._denoiser, x, s)

    def jacobian_times(self, v: Tensor, x: Tensor, s: float, restored: Tensor) -> Tensor:
        """J v for J = ∂D/∂x at x, with ``restored`` D(x, s) known: a difference, one call."""
        return (self.denoise(x + PROBE * s * v, s) - restored) / (PROBE * s)

    def by_samples(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """A function of B images, as that of a problem, of all states."""
        return torch.cat([function(sample) for sample in self.samples(x)])

    def filtered(self, problem: LinearProblem, x: Tensor, gain: Gain) -> Tensor:
        """V gain(S) Vᵀ x of all states."""
        return self.by_samples(lambda images: problem.filtered(images, gain), x)

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
