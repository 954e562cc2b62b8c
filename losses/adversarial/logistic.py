"""Non-saturating logistic loss (arXiv 1406.2661)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from ...bounds import require_at_least
from ..precision import at_least_fp32
from ..term import Term, Terms
from .critic import Critic
from .scores import critic_scores
from .slope import SlopePenalty


class Logistic:
    """Is the image clean or fake, given y?

    With softplus(t) = log(1 + eᵗ)::

        critic     E softplus(−D(x, y)) + E softplus(D(x̂, y))
        generator  E softplus(−D(x̂, y))

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
        """Classification error."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        return {"adversarial": Term((softplus(-D_clean) + softplus(D_fake)).mean())}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Have the fake taken for clean."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(softplus(-D_fake).mean(), self.generator_weight)}
