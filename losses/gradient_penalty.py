"""The seam of penalties on the slope of the critic."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi
from typing import Literal, Protocol

import torch
from torch import Tensor

from ..checks import require_at_least
from ..rng import Rng
from .distances import at_least_fp32
from .penalty import Term, Terms


class GradientPenalty(Protocol):
    """What the critic pays for being steep in the image; in the condition it may be as steep as it likes.

    Attributes:
        every_critic_steps: k. The game applies it at critic steps 0, k, 2k ..., times k; with k > 1 in an optimiser
            step of its own.
    """

    every_critic_steps: int

    def __call__(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, images_seen: int
    ) -> Terms:
        """Unweighted values, each with its weight when applied at every step; no gradient reaches the generator.

        Args:
            critic: (image, condition) -> (B,).
            clean: x, (B, C, H, W) in [0, 1].
            fake: x̂, one sample for each x, the same shape.
            condition: y and its maps, (B, C + M, H, W).
            rng: of the same B images.
            images_seen: the clock of schedules.
        """
        ...


Critic = Callable[[Tensor, Tensor], Tensor]
"""(image, condition) -> (B,): how real an image is for its measurement."""


def gradient_norm(critic: Critic, image: Tensor, condition: Tensor) -> Tensor:
    """‖∇ₓ D(x, y)‖ over channels and pixels, (B,), in fp32 or above, differentiable in the critic's parameters.

    The gradient is with respect to the image only: distances between p(x̂|y) and p(x|y) need a critic that is smooth
    in x, while it may depend on y as steeply as it likes (arXiv 2310.13433).
    """
    x, y = at_least_fp32(image.detach()).requires_grad_(), at_least_fp32(condition)
    # eager, because a compiled critic cannot be differentiated twice
    with torch.autocast(x.device.type, enabled=False), torch.compiler.set_stance("force_eager"):
        (gradient,) = torch.autograd.grad(critic(x, y).sum(), x, create_graph=True)
    # has derivative 0 where the gradient vanishes; the root of a sum of squares would give nan
    norm: Tensor = torch.linalg.vector_norm(gradient, dim=(1, 2, 3))
    return norm


def squared_difference(critic: Critic, image: Tensor, condition: Tensor, direction: Tensor, std: float) -> Tensor:
    """((D(x + sn, y) − D(x, y)) / s)², n ~ N(0, I): ‖∇ₓ D(x, y)‖² as one random direction tells it, (B,), in fp32.

    Nothing is differentiated twice, so it takes a critic that is compiled, and costs one pass of 2B images. D(x, y) is
    computed anew beside D(x + sn, y), in one call: a lazy penalty finds a critic that has moved since it was known.

    For a linear critic it is ‖∇D‖² χ²₁, whatever s: expectation ‖∇D‖², variance 2‖∇D‖⁴, so that a mean over B images
    is off by √(2/B) of its value. For a smooth one the expectation is off by O(s²).

    Args:
        critic: (image, condition) -> (B,).
        image: x, (B, C, H, W) in [0, 1].
        condition: y and its maps, (B, C + M, H, W), the same in both values.
        direction: n, (B, C, H, W).
        std: s, in units of the image. D is rounded in fp32 to about 1e-7 of its size, which is divided by s.
    """
    x, y = at_least_fp32(image.detach()), at_least_fp32(condition.detach())
    moved = x + std * direction.to(x)
    with torch.autocast(x.device.type, enabled=False):
        D_moved, D = critic(torch.cat([moved, x]), torch.cat([y, y])).chunk(2)
    squared: Tensor = ((D_moved - D) / std).square()
    return squared


class WassersteinGradientPenalty:
    """Price on slopes other than 1, logged as ``gradient_penalty``.

    With x̃ = εx + (1−ε)x̂ on the line between x and x̂ of the same y, ε ~ U[0, 1) for each image::

        λ E (‖∇ D(x̃, y)‖ − 1)²

    Args:
        weight: λ, for images in [0, 1].
        sided: ``"two"`` as written above; ``"one"`` punishes only norms above 1, by max(0, ‖·‖ − 1)².
        every_critic_steps: k; applied at critic steps 0, k, 2k ... with weight kλ.

    Raises:
        ValueError: if ``weight`` is negative, ``sided`` is neither or ``every_critic_steps`` is below 1.
    """

    def __init__(self, weight: float = 10.0, sided: Literal["one", "two"] = "two", every_critic_steps: int = 1) -> None:
        require_at_least(0, weight=weight)
        require_at_least(1, every_critic_steps=every_critic_steps)
        if sided not in ("one", "two"):
            raise ValueError(f"sided is {sided!r}; allowed are 'one' and 'two'")
        self.weight = weight
        self.sided = sided
        self.every_critic_steps = every_critic_steps

    def __call__(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, images_seen: int
    ) -> Terms:
        """The mean over images, one point on each line."""
        epsilon = rng.rand(1, 1, 1).to(clean.device)
        excess = gradient_norm(critic, epsilon * clean + (1 - epsilon) * fake, condition) - 1
        penalized = excess if self.sided == "two" else excess.relu()
        return {"gradient_penalty": Term(penalized.square().mean(), self.weight)}


class R1R2Penalty:
    """Price on any slope at the images themselves, logged as ``r1`` and ``r2``.

    Over clean images, over fakes, or over both::

        γ/2 E ‖∇ D(x, y)‖² + γ/2 E ‖∇ D(x̂, y)‖²

    γ is a constant, or falls to γ₁ by half a cosine over the first N images seen and stays there::

        γ(t) = γ₁ + (γ − γ₁) (1 + cos(π min(1, t/N))) / 2

    Args:
        gamma: γ, for images in [0, 1]; a quarter of what it is for images in [−1, 1].
        at: ``"clean"`` is R1, ``"fake"`` is R2, ``"both"`` their sum at twice the cost.
        final_gamma: γ₁; None for a constant. Goes with ``fall_images``.
        fall_images: N. Goes with ``final_gamma``.
        difference_std: s > 0 estimates the squares from differences over steps of this size, in units of the image,
            without a second derivative and from one random direction an image; None is exact.
        every_critic_steps: k; applied at critic steps 0, k, 2k ... with weight kγ/2.

    Raises:
        ValueError: if an argument is out of range or one of a pair is missing.
    """

    def __init__(
        self,
        gamma: float = 1.0,
        at: Literal["clean", "fake", "both"] = "clean",
        final_gamma: float | None = None,
        fall_images: int | None = None,
        difference_std: float | None = None,
        every_critic_steps: int = 1,
    ) -> None:
        require_at_least(0, gamma=gamma)
        require_at_least(1, every_critic_steps=every_critic_steps)
        if at not in ("clean", "fake", "both"):
            raise ValueError(f"at is {at!r}; allowed are 'clean', 'fake' and 'both'")
        if difference_std is not None and not difference_std > 0:
            raise ValueError(
                f"difference_std is {difference_std}; allowed is a number above 0, or null for exact gradients"
            )
        _require_fall(gamma, final_gamma, fall_images)
        self.gamma = gamma
        self.at = at
        self.final_gamma = gamma if final_gamma is None else final_gamma
        self.fall_images = fall_images or 1
        self.difference_std = difference_std
        self.every_critic_steps = every_critic_steps

    def gamma_after(self, images_seen: int) -> float:
        """γ for the step that follows ``images_seen`` images."""
        progress = min(1.0, images_seen / self.fall_images)
        return self.final_gamma + (self.gamma - self.final_gamma) * 0.5 * (1 + cos(pi * progress))

    def __call__(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, images_seen: int
    ) -> Terms:
        """The means over images; where differences are taken, R1 and R2 draw directions of their own."""
        places = {"r1": clean, "r2": fake}
        if self.at != "both":
            places.pop("r2" if self.at == "clean" else "r1")
        weight = self.gamma_after(images_seen) / 2
        return {name: Term(self._squares(critic, x, condition, rng).mean(), weight) for name, x in places.items()}

    def _squares(self, critic: Critic, image: Tensor, condition: Tensor, rng: Rng) -> Tensor:
        """‖∇ D‖² of each image, (B,), or an estimate."""
        if self.difference_std is None:
            return gradient_norm(critic, image, condition).square()
        return squared_difference(critic, image, condition, rng.randn(*image.shape[1:]), self.difference_std)


def _require_fall(gamma: float, final_gamma: float | None, fall_images: int | None) -> None:
    """Both or neither, and downwards."""
    if (final_gamma is None) != (fall_images is None):
        raise ValueError(
            f"final_gamma is {final_gamma} and fall_images is {fall_images}; allowed are both, or null for both"
        )
    if final_gamma is not None and not 0 <= final_gamma <= gamma:
        raise ValueError(f"final_gamma is {final_gamma}; allowed is 0 up to gamma ({gamma})")
    if fall_images is not None:
        require_at_least(1, fall_images=fall_images)
