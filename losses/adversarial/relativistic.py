"""Relativistic logistic loss with R1 and R2 (R3GAN, arXiv 2501.05441), paired on the same measurement."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from ...bounds import require_at_least
from ...rng import Rng
from ..precision import at_least_fp32
from ..term import Term, Terms
from .gradient_penalty import gradient_norm
from .objective import Critic
from .scores import critic_scores


class Relativistic:
    """Which of the two is clean, given y?

    With Δ = D(x, y) − D(x̂, y), x and x̂ of the same y::

        critic     E softplus(−Δ) + γ/2 (E ‖∇ D(x, y)‖² + E ‖∇ D(x̂, y)‖²)
        generator  E softplus(Δ)

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        gamma: γ, for images in [0, 1]; a quarter of what it is for images in [−1, 1].
        penalize_fake: with the second norm (R2), as in the paper; without, R1 alone at half the cost.
        penalty_every_critic_steps: k. The norms are applied at critic steps 0, k, 2k ... with weight kγ/2.

    Raises:
        ValueError: if ``generator_weight`` or ``gamma`` is negative or ``penalty_every_critic_steps`` is below 1.
    """

    def __init__(
        self,
        generator_weight: float = 1e-3,
        gamma: float = 1.0,
        penalize_fake: bool = True,
        penalty_every_critic_steps: int = 1,
    ) -> None:
        require_at_least(0, generator_weight=generator_weight, gamma=gamma)
        require_at_least(1, penalty_every_critic_steps=penalty_every_critic_steps)
        self.generator_weight = generator_weight
        self.gamma = gamma
        self.penalize_fake = penalize_fake
        self.penalty_every_critic_steps = penalty_every_critic_steps

    def critic_terms(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, critic_step: int
    ) -> Terms:
        """Ranking error, and the norms when they are due."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        terms = {"adversarial": Term(softplus(D_fake - D_clean).mean())}
        if critic_step % self.penalty_every_critic_steps == 0:
            penalized = {"r1": clean, "r2": fake} if self.penalize_fake else {"r1": clean}
            for name, image in penalized.items():
                norm = gradient_norm(critic, image, condition)
                terms[name] = Term(norm.square().mean(), self.penalty_every_critic_steps * self.gamma / 2)
        return terms

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Have the fake ranked above the clean image, whose score is a constant here."""
        D_clean, D_fake = critic(clean, condition).detach(), critic(fake, condition)
        delta = at_least_fp32(D_clean) - at_least_fp32(D_fake)
        return {"adversarial": Term(softplus(delta).mean(), self.generator_weight)}
