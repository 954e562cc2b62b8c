"""Hinge loss (arXiv 1705.02894, 1802.05957)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu

from ...bounds import require_at_least
from ..precision import at_least_fp32
from ..term import Term, Terms
from .critic import Critic
from .scores import critic_scores
from .slope import SlopePenalty


class Hinge:
    """Are clean and fake images, given y, a margin apart?

    The critic stops pulling at an image once its score lies beyond ±1::

        critic     E max(0, 1 − D(x, y)) + E max(0, 1 + D(x̂, y))
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
        """What scores lack of the margin."""
        D_clean, D_fake = critic_scores(critic, clean, fake, condition)
        return {"adversarial": Term((relu(1 - D_clean) + relu(1 + D_fake)).mean())}

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """Raise the score of the fake, however high it is."""
        D_fake = at_least_fp32(critic(fake, condition))
        return {"adversarial": Term(-D_fake.mean(), self.generator_weight)}
