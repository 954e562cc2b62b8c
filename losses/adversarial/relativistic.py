"""Relativistic logistic loss (R3GAN, arXiv 2501.05441), paired on the same measurement."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from ...bounds import require_at_least
from ..precision import at_least_fp32
from ..term import Term, Terms
from .critic import Critic
from .scores import critic_scores
from .slope import SlopePenalty


class Relativistic:
    """Which of the two is clean, given y?

    With Δ = D(x, y) − D(x̂, y), x and x̂ of the same y::

        critic     E softplus(−Δ)
        generator  E softplus(Δ)

    Args:
        generator_weight: of the adversarial term in the generator's objective.
        slope: price on the slope of the critic; None for none.

    Raises:
        ValueError: if ``generator_weight`` is negative.
    """

    def __init__(self, generator_weight: float = 1e-3, slope: SlopePenalty | None = None) -> None:
        require_at_least(0, generator_weight=generator_weight)
        self.generator_weight = generator_weight
        self.slope = slope

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Ranking error."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        return {"adversarial": Term(softplus(D_fake - D_clean).mean())}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Have the fake ranked above the clean image, whose score is a constant here."""
        D_clean, D_fake = critic(clean, condition).detach(), critic(fake, condition)
        delta = at_least_fp32(D_clean) - at_least_fp32(D_fake)
        return {"adversarial": Term(softplus(delta).mean(), self.generator_weight)}
