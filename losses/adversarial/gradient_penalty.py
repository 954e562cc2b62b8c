"""Gradient penalty of WGAN-GP (arXiv 1704.00028): the critic's slope ought to be 1 between clean and fake."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ...bounds import require_at_least
from ...rng import Rng
from ..term import Term, Terms
from .critic import Critic
from .gradient_norm import gradient_norm


class GradientPenalty:
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
