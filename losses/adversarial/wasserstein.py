"""Wasserstein critic (arXiv 1701.07875), conditional as in PSCGAN (arXiv 2103.04192)."""

from __future__ import annotations

from torch import Tensor

from ...bounds import require_at_least
from ..precision import at_least_fp32
from ..term import Term, Terms
from .critic import Critic
from .scores import critic_scores
from .slope import SlopePenalty


class Wasserstein:
    """How far is p(x̂|y) from p(x|y), on average over y, in the Wasserstein-1 distance?

    For critics of slope at most 1, which ``slope`` has to see to::

        critic     E D(x̂, y) − E D(x, y)
        generator  −E D(x̂, y)

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
        """Negative distance."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        return {"adversarial": Term(D_fake.mean() - D_clean.mean())}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Raise the score of the fake."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(-D_fake.mean(), self.generator_weight)}
