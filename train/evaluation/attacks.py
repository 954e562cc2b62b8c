"""Attacks on a restorer as a map: the small change of y that moves its output most, z held fixed."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...checks import require_at_least
from ...data.measurement import Measurement
from ...losses.robustness import on_sphere
from ...rng import Rng
from ..sampling import Restorer


class NotDifferentiableError(ValueError):
    """No gradient of the restorations reaches the measurement."""

    def __init__(self, restorer: Restorer) -> None:
        super().__init__(f"{type(restorer).__name__} is not differentiable in y: no_grad or rounding stops gradients")


def euclidean_budget(values: int, ai_psnr: float) -> float:
    """ε with ‖d‖₂ ≤ ε, for n values in [0, 1]: ε² = n 10^(−P/10), P the AI-PSNR in dB (arXiv 2211.08944)."""
    return math.sqrt(values) * largest_budget(ai_psnr)


def largest_budget(ai_psnr: float) -> float:
    """ε with |d| ≤ ε in every value: 10^(−P/20), so that the corners of the cube lie on the sphere of the same P."""
    return float(10 ** (-ai_psnr / 20))


class SquaredChange:
    """1/K Σₖ ‖G(y + d, zₖ) − G(y, zₖ)‖² of each image, to be maximised in d.

    Args:
        restorer: G.
        measurement: with y.
        seeds: of zₖ, one for each image.
        samples: K; a deterministic restorer needs one.
    """

    def __init__(self, restorer: Restorer, measurement: Measurement, seeds: Sequence[int], samples: int) -> None:
        self.restorer, self.measurement, self.seeds = restorer, measurement, seeds
        self.samples = samples if restorer.stochastic else 1
        with torch.no_grad():
            self.unmoved = self._draw(measurement)

    def _draw(self, measurement: Measurement) -> Tensor:
        return self.restorer.restore(measurement, self.samples, self.seeds)

    @torch.enable_grad()
    def gradient(self, d: Tensor) -> Tensor:
        """In d, (B, C, H, W).

        Raises:
            NotDifferentiableError: if there is none, or it is zero although the output changes, as where images are
                rounded.
        """
        d = d.detach().requires_grad_()
        change = (self._draw(moved(self.measurement, d)) - self.unmoved).square().mean(dim=0).sum()
        gradient = torch.autograd.grad(change, d, allow_unused=True)[0] if change.requires_grad else None
        if gradient is None or (change > 0 and not gradient.any()):
            raise NotDifferentiableError(self.restorer)
        return gradient


class Attack(ABC):
    """Perturbs measurements so that restorations change as much as possible.

    Attributes:
        steps: gradients.
        samples: K, the z the change is averaged over.
    """

    steps: int
    samples: int

    def __post_init__(self) -> None:
        require_at_least(1, steps=self.steps, samples=self.samples)
        require_at_least(0, **vars(self))

    def __call__(
        self, restorer: Restorer, measurement: Measurement, seeds: Sequence[int], rng: Rng, ai_psnr: float
    ) -> Measurement:
        """The measurement with y + d in place of y; maps and params stay, and y + d is not clipped.

        Args:
            restorer: under attack, differentiable in y.
            measurement: of B images, each attacked for itself.
            seeds: one for each image, of the z the change is averaged over.
            rng: one generator an image, from which the start comes.
            ai_psnr: PSNR of y + d against y in dB, the least allowed.

        Raises:
            NotDifferentiableError: if the restorer has no gradient.
        """
        change = SquaredChange(restorer, measurement, seeds, self.samples)
        y = measurement.degraded
        start = on_sphere(y[None], rng, euclidean_budget(y[0].numel(), ai_psnr))
        return moved(measurement, self.ascend(start, change.gradient, ai_psnr))

    @abstractmethod
    def ascend(self, d: Tensor, gradient: Callable[[Tensor], Tensor], ai_psnr: float) -> Tensor:
        """The perturbation after all steps, (B, C, H, W).

        Args:
            d: a uniform direction for each image, of the Euclidean length of the budget.
            gradient: of the change, in d.
            ai_psnr: budget in dB.
        """


@dataclass(frozen=True)
class Ifgsm(Attack):
    """Steps of equal size in every value along the sign of the gradient, |d| ≤ ε (arXiv 1607.02533).

    The start is one step in random signs, because the change has no gradient at y itself.

    Attributes:
        relative_step: size of a step over ε.
    """

    steps: int = 10
    relative_step: float = 0.25
    samples: int = 4

    def ascend(self, d: Tensor, gradient: Callable[[Tensor], Tensor], ai_psnr: float) -> Tensor:
        epsilon = largest_budget(ai_psnr)
        step = self.relative_step * epsilon
        d = step * d.sign()
        for _ in range(self.steps):
            d = (d + step * gradient(d).sign()).clamp(-epsilon, epsilon)
        return d


@dataclass(frozen=True)
class Pgd(Attack):
    """Steps of equal length along the gradient, projected onto ‖d‖₂ ≤ ε, from a random point of the sphere.

    (Madry et al., arXiv 1706.06083.) Of a linear restorer it finds the first right singular vector, as power iteration
    does, and the faster the longer the steps.

    Attributes:
        relative_step: length of a step over ε.
    """

    steps: int = 20
    relative_step: float = 2.0
    samples: int = 4

    def ascend(self, d: Tensor, gradient: Callable[[Tensor], Tensor], ai_psnr: float) -> Tensor:
        epsilon = euclidean_budget(d[0].numel(), ai_psnr)
        for _ in range(self.steps):
            slope = gradient(d)
            d = into_ball(d + self.relative_step * epsilon * slope / norms(slope), epsilon)
        return d


@dataclass(frozen=True)
class AdamAttack(Attack):
    """Adam's steps, projected onto ‖d‖₂ ≤ ε after each, from a random point of the sphere (arXiv 2211.08944).

    Attributes:
        learning_rate: of Adam, whose state is fresh for each call.
    """

    steps: int = 5
    learning_rate: float = 1.0
    samples: int = 10

    def ascend(self, d: Tensor, gradient: Callable[[Tensor], Tensor], ai_psnr: float) -> Tensor:
        adam = torch.optim.Adam([d], self.learning_rate, betas=(0.9, 0.999), maximize=True)
        for _ in range(self.steps):
            d.grad = gradient(d)
            adam.step()
            d.data = into_ball(d.data, euclidean_budget(d[0].numel(), ai_psnr))
        return d


def norms(images: Tensor) -> Tensor:
    """Euclidean length of each image, (B, 1, 1, 1), not below 1e-12."""
    lengths: Tensor = torch.linalg.vector_norm(images, dim=(1, 2, 3), keepdim=True)
    return lengths.clamp_min(1e-12)


def into_ball(d: Tensor, epsilon: float) -> Tensor:
    """The nearest d with ‖d‖₂ ≤ ε."""
    return d * (epsilon / norms(d)).clamp(max=1)


def moved(measurement: Measurement, d: Tensor) -> Measurement:
    """y + d in place of y."""
    return replace(measurement, degraded=measurement.degraded + d)
