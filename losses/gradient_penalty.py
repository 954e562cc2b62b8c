"""Gradient penalties of the critic: WGAN-GP's, R1 and R2, the latter two exact or by finite differences."""

from collections.abc import Callable
from math import cos, pi
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu
from torch.overrides import TorchFunctionMode

from ..checks import require_at_least, require_in
from ..precision import at_least_fp32, without_autocast
from ..rng import Rng
from .penalty import Term, Terms

Critic = Callable[[Tensor, Tensor], Tensor]
"""(image, condition) -> (B,): how real an image is for its measurement."""


class GradientPenalty(Protocol):
    """What the critic pays for its slope in the image; in the condition it may be as steep as it likes.

    Attributes:
        every_critic_steps: k. The training step applies it at critic steps 0, k, 2k ..., times k; with k > 1 in an
            optimiser step of its own (lazy regularisation, arXiv 1912.04958).
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
            images_seen: by the run, for schedules.
        """
        ...


class _ConstantSlopes(TorchFunctionMode):
    """Leaky ReLUs as x · m with a constant m, their slope at x.

    The slope does not change between kinks, so a gradient of a gradient has nothing to tell what lies before it.
    Autograd, not knowing, sends zeros back through the whole critic: a quarter of the time of a gradient penalty.
    """

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (_leaky_relu if function is leaky_relu else function)(*args, **(kwargs or {}))


def _leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    with torch.no_grad():
        slope = torch.full_like(input, negative_slope).masked_fill_(input > 0, 1.0)
    return input * slope


def gradient_norm(critic: Critic, image: Tensor, condition: Tensor) -> Tensor:
    """‖∇ₓ D(x, y)‖ over channels and pixels, (B,), in fp32 or above, differentiable in the critic's parameters.

    The gradient is with respect to the image only: distances between p(x̂|y) and p(x|y) need a critic that is smooth
    in x, while it may depend on y as steeply as it likes (arXiv 2310.13433).
    """
    x, y = at_least_fp32(image.detach()).requires_grad_(), at_least_fp32(condition)
    # eager, because a compiled critic cannot be differentiated twice
    with without_autocast(x), torch.compiler.set_stance("force_eager"), _ConstantSlopes():
        (gradient,) = torch.autograd.grad(critic(x, y).sum(), x, create_graph=True)
    # has derivative 0 where the gradient vanishes; the root of a sum of squares would give nan
    norm: Tensor = torch.linalg.vector_norm(gradient, dim=(1, 2, 3))
    return norm


def squared_difference(critic: Critic, image: Tensor, condition: Tensor, direction: Tensor, std: float) -> Tensor:
    """((D(x + sn, y) − D(x, y)) / s)², n ~ N(0, I): an estimate of ‖∇ₓ D(x, y)‖² from one direction, (B,), in fp32.

    Nothing is differentiated twice, so a compiled critic will do, at the cost of one pass of 2B images. D(x, y) is
    computed again beside D(x + sn, y), in one call: before a lazy penalty the critic has moved.

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
    with without_autocast(x):
        D_moved, D = critic(torch.cat([moved, x]), torch.cat([y, y])).chunk(2)
    squared: Tensor = ((D_moved - D) / std).square()
    return squared


class WassersteinGradientPenalty:
    """WGAN-GP (arXiv 1704.00028): slopes other than 1 cost, logged as ``gradient_penalty``.

    With x̃ = εx + (1−ε)x̂ on the line between x and x̂ of the same y, ε ~ U[0, 1) for each image::

        λ E (‖∇ D(x̃, y)‖ − 1)²

    Args:
        weight: λ, for images in [0, 1].
        sided: ``"two"`` as written above; ``"one"`` penalises only norms above 1, by max(0, ‖·‖ − 1)².
        every_critic_steps: k; applied at critic steps 0, k, 2k ... with weight kλ.
    """

    def __init__(self, weight: float = 10.0, sided: Literal["one", "two"] = "two", every_critic_steps: int = 1) -> None:
        require_at_least(0, weight=weight)
        require_at_least(1, every_critic_steps=every_critic_steps)
        if sided not in ("one", "two"):
            raise ValueError(f"sided must be 'one' or 'two', got {sided!r}")
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
    """R1 and R2 (arXiv 1801.04406): any slope at the images themselves costs, logged as ``r1`` and ``r2``.

    Over clean images, over samples, or over both::

        γ/2 E ‖∇ D(x, y)‖² + γ/2 E ‖∇ D(x̂, y)‖²

    γ is a constant, or decays to γ₁ by half a cosine over the first N images seen and stays there::

        γ(t) = γ₁ + (γ − γ₁) (1 + cos(π min(1, t/N))) / 2

    Args:
        gamma: γ, for images in [0, 1]; a quarter of what it is for images in [−1, 1].
        apply_to: ``"clean"`` is R1, ``"fake"`` is R2, ``"both"`` their sum at twice the cost.
        final_gamma: γ₁; None for a constant. Goes with ``decay_images``.
        decay_images: N. Goes with ``final_gamma``.
        difference_std: s > 0 estimates the squared norms by finite differences of this size, in units of the image:
            no second derivative, one random direction an image (arXiv 2501.08316); None is exact.
        every_critic_steps: k; applied at critic steps 0, k, 2k ... with weight kγ/2.
    """

    def __init__(
        self,
        gamma: float = 1.0,
        apply_to: Literal["clean", "fake", "both"] = "clean",
        final_gamma: float | None = None,
        decay_images: int | None = None,
        difference_std: float | None = None,
        every_critic_steps: int = 1,
    ) -> None:
        require_at_least(0, gamma=gamma)
        require_at_least(1, every_critic_steps=every_critic_steps)
        if apply_to not in ("clean", "fake", "both"):
            raise ValueError(f"apply_to must be 'clean', 'fake' or 'both', got {apply_to!r}")
        if difference_std is not None:
            require_in("(0, inf)", difference_std=difference_std)
        _require_decay(gamma, final_gamma, decay_images)
        self.gamma = gamma
        self.apply_to = apply_to
        self.final_gamma = gamma if final_gamma is None else final_gamma
        self.decay_images = decay_images or 1
        self.difference_std = difference_std
        self.every_critic_steps = every_critic_steps

    def gamma_after(self, images_seen: int) -> float:
        """γ for the step that follows ``images_seen`` images."""
        progress = min(1.0, images_seen / self.decay_images)
        return self.final_gamma + (self.gamma - self.final_gamma) * 0.5 * (1 + cos(pi * progress))

    def __call__(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, images_seen: int
    ) -> Terms:
        """The means over images; by finite differences, R1 and R2 draw directions of their own."""
        images = {"r1": clean} if self.apply_to != "fake" else {}
        if self.apply_to != "clean":
            images["r2"] = fake
        weight = self.gamma_after(images_seen) / 2
        return {name: Term(self._squares(critic, x, condition, rng).mean(), weight) for name, x in images.items()}

    def _squares(self, critic: Critic, image: Tensor, condition: Tensor, rng: Rng) -> Tensor:
        """‖∇ D‖² of each image, (B,), or an estimate."""
        if self.difference_std is None:
            return gradient_norm(critic, image, condition).square()
        return squared_difference(critic, image, condition, rng.randn(*image.shape[1:]), self.difference_std)


def _require_decay(gamma: float, final_gamma: float | None, decay_images: int | None) -> None:
    if (final_gamma is None) != (decay_images is None):
        raise ValueError(
            f"final_gamma and decay_images go together, or are both null, got {final_gamma} and {decay_images}"
        )
    if final_gamma is not None:
        require_in(f"[0, {gamma}]", final_gamma=final_gamma)
    if decay_images is not None:
        require_at_least(1, decay_images=decay_images)
