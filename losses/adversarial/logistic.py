"""Non-saturating logistic loss (arXiv 1406.2661) with R1 (arXiv 1801.04406), applied lazily (arXiv 1912.04958)."""

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


class Logistic:
    """Is the image clean or fake, given y?

    With softplus(t) = log(1 + eᵗ)::

        critic     E softplus(−D(x, y)) + E softplus(D(x̂, y)) + γ/2 E ‖∇ D(x, y)‖²
        generator  E softplus(−D(x̂, y))

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        r1_gamma: γ, for images in [0, 1]; a quarter of what it is for images in [−1, 1].
        r1_every_critic_steps: k. R1 is applied at critic steps 0, k, 2k ... with weight kγ/2.

    Raises:
        ValueError: if ``generator_weight`` or ``r1_gamma`` is negative or ``r1_every_critic_steps`` is below 1.
    """

    def __init__(self, generator_weight: float = 1e-3, r1_gamma: float = 1.0, r1_every_critic_steps: int = 16) -> None:
        require_at_least(0, generator_weight=generator_weight, r1_gamma=r1_gamma)
        require_at_least(1, r1_every_critic_steps=r1_every_critic_steps)
        self.generator_weight = generator_weight
        self.r1_gamma = r1_gamma
        self.r1_every_critic_steps = r1_every_critic_steps

    def critic_terms(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, critic_step: int
    ) -> Terms:
        """Classification error, and R1 on the clean images when it is due."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        terms = {"adversarial": Term((softplus(-D_clean) + softplus(D_fake)).mean())}
        if critic_step % self.r1_every_critic_steps == 0:
            r1 = gradient_norm(critic, clean, condition).square().mean()
            terms["r1"] = Term(r1, self.r1_every_critic_steps * self.r1_gamma / 2)
        return terms

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Have the fake taken for clean."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(softplus(-D_fake).mean(), self.generator_weight)}
