"""The seam of all that restores by an MMSE denoiser: samplers of p(x | y), and solvers, whose samples are equal."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ...checks import require_at_least
from ...linear_problem import LinearProblem, PoissonProblem, ProjectedProblem
from ...rng import Rng

Denoiser = Callable[[Tensor, float], Tensor]
"""D(x, s) = E[x₀ | x] for x = x₀ + s n: (N, C, H, W) and s, in units of [0, 1] images, to (N, C, H, W).

Every image of a call has the same s, any that the docstring of who calls names, not only that of y. Where a difference
of two calls is taken, 16 bit are too few inside the denoiser.
"""


class DenoiserRule(Protocol):
    """What restores by calls of a denoiser."""

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser for one sample of one image, exactly."""
        ...

    @property
    def stochastic(self) -> bool:
        """Whether samples differ."""
        ...


@runtime_checkable
class DenoiserSampler(DenoiserRule, Protocol):
    """Restores what is measured, with D alone."""

    def sample(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> Tensor:
        """K samples for each of B measurements.

        Args:
            denoiser: D. It is called without a graph, by samplers with K * B images at a time, by solvers with B.
            problem: y, σ and A.
            num_samples: K.
            rng: one generator an image. An image's samples depend on its generator, not on its neighbours.

        Returns:
            (K, B, C, H, W), not clamped.

        Raises:
            ValueError: if an argument is out of range, the sampler cannot take this A, or D changes the shape.
        """
        ...


@runtime_checkable
class ProjectionSampler(DenoiserRule, Protocol):
    """Restores what has no noise, linear or not, with D and a projection alone."""

    def sample_projected(self, denoiser: Denoiser, problem: ProjectedProblem, num_samples: int, rng: Rng) -> Tensor:
        """As ``DenoiserSampler.sample``."""
        ...


@runtime_checkable
class PoissonSampler(DenoiserRule, Protocol):
    """Restores counts of photons, with D."""

    def sample_counts(self, denoiser: Denoiser, problem: PoissonProblem, num_samples: int, rng: Rng) -> Tensor:
        """As ``DenoiserSampler.sample``."""
        ...


class DenoiserSolver(ABC):
    """Iterates towards one image for each measurement: its K samples are equal, a view of one, and rng is not drawn on.

    All begin at y as it is shown. Each iterate takes one call.

    Attributes:
        steps: iterates.
    """

    stochastic = False
    steps: int

    @property
    def calls(self) -> int:
        """Evaluations of the denoiser, however many samples: one a step."""
        return self.steps

    @abstractmethod
    def iterates(self, denoiser: Denoiser, problem: LinearProblem) -> Iterator[Tensor]:
        """The images (B, C, H, W) after each step, the last of them the result."""

    def sample(self, denoiser: Denoiser, problem: LinearProblem, num_samples: int, rng: Rng) -> Tensor:
        check_generators(rng, len(problem.shown))
        return last_of(self.iterates(denoiser, problem), num_samples)


class ProximalSolver(DenoiserSolver):
    """A solver that knows y by its proximal map alone: of linear degradations, and of any without noise."""

    @abstractmethod
    def iterates(self, denoiser: Denoiser, problem: LinearProblem | ProjectedProblem) -> Iterator[Tensor]:
        """The images (B, C, H, W) after each step, the last of them the result."""

    def sample_projected(self, denoiser: Denoiser, problem: ProjectedProblem, num_samples: int, rng: Rng) -> Tensor:
        check_generators(rng, len(problem.shown))
        return last_of(self.iterates(denoiser, problem), num_samples)


def last_of(iterates: Iterator[Tensor], num_samples: int) -> Tensor:
    """The last of images (B, C, H, W), as K equal samples (K, B, C, H, W)."""
    require_at_least(1, num_samples=num_samples)
    restored: Tensor = deque(iterates, maxlen=1).pop()
    return restored.expand(num_samples, *restored.shape)


def denoise(denoiser: Denoiser, x: Tensor, s: float) -> Tensor:
    """D(x, s) without a graph, in the type of x.

    Raises:
        ValueError: if the denoiser changes the shape.
    """
    with torch.no_grad():
        restored = denoiser(x, s)
    if restored.shape != x.shape:
        raise ValueError(f"denoiser must keep the shape {tuple(x.shape)}, got {tuple(restored.shape)}")
    return restored.to(x)


def check_generators(rng: Rng, num_images: int) -> None:
    """Refuse another number of generators than of images.

    Raises:
        ValueError: naming both numbers.
    """
    if len(rng) != num_images:
        raise ValueError(f"rng must have a generator for each of {num_images} images, got {len(rng)}")
