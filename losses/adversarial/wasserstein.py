"""Wasserstein critic with gradient penalty (WGAN-GP, arXiv 1704.00028), conditional as in PSCGAN (arXiv 2103.04192)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ...bounds import require_at_least
from ...rng import Rng
from ..precision import at_least_fp32
from ..term import Term, Terms
from .gradient_penalty import gradient_norm
from .objective import Critic
from .scores import critic_scores


class Wasserstein:
    """How far is p(x̂|y) from p(x|y), on average over y, in the Wasserstein-1 distance?

    With x̃ = εx + (1−ε)x̂ on the line between x and x̂ of the same y, ε ~ U[0, 1) for each image::

        critic     E D(x̂, y) − E D(x, y) + λ E (‖∇ D(x̃, y)‖ − 1)²
        generator  −E D(x̂, y)

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        penalty_weight: λ.
        sided: ``"two"`` as written above; ``"one"`` punishes only norms above 1, by max(0, ‖·‖ − 1)².

    Raises:
        ValueError: if a weight is negative or ``sided`` is neither.
    """

    def __init__(
        self, generator_weight: float = 1e-3, penalty_weight: float = 10.0, sided: Literal["one", "two"] = "two"
    ) -> None:
        require_at_least(0, generator_weight=generator_weight, penalty_weight=penalty_weight)
        if sided not in ("one", "two"):
            raise ValueError(f"sided is {sided!r}; allowed are 'one' and 'two'")
        self.generator_weight = generator_weight
        self.penalty_weight = penalty_weight
        self.sided = sided

    def critic_terms(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, critic_step: int
    ) -> Terms:
        """Negative distance, and the gradient penalty between clean and fake."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        epsilon = rng.rand(1, 1, 1).to(clean.device)
        excess = gradient_norm(critic, epsilon * clean + (1 - epsilon) * fake, condition) - 1
        penalized = excess if self.sided == "two" else excess.relu()
        return {
            "adversarial": Term(D_fake.mean() - D_clean.mean()),
            "gradient_penalty": Term(penalized.square().mean(), self.penalty_weight),
        }

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Raise the score of the fake."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(-D_fake.mean(), self.generator_weight)}
