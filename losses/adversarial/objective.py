"""The seam of adversarial objectives."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ..term import Terms
from .critic import Critic
from .slope import SlopePenalty


class Adversarial(Protocol):
    """Two sides of one game; any of them goes with any price on the slope of the critic.

    Attributes:
        slope: the price, which the game adds to the critic's side; None for none.
    """

    slope: SlopePenalty | None

    def critic_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """What the critic minimises besides the price on its slope; one entry named ``adversarial``.

        ``fake`` may carry a graph, into which no gradient is led.
        """
        ...

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """What the generator minimises besides its penalties; one entry named ``adversarial``."""
        ...
