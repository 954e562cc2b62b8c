"""Zero-centred penalties R1 and R2 (arXiv 1801.04406), γ on a schedule as in R3GAN (arXiv 2501.05441)."""

from __future__ import annotations

from math import cos, pi
from typing import Literal

from torch import Tensor

from ...bounds import require_at_least
from ...rng import Rng
from ..term import Term, Terms
from .critic import Critic
from .finite_difference import squared_difference
from .gradient_norm import gradient_norm


class ZeroCentred:
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
