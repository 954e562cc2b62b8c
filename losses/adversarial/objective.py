"""The seam of adversarial objectives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from ...rng import Rng
from ..term import Terms

Critic = Callable[[Tensor, Tensor], Tensor]
"""(image, condition) -> (B,): how real an image is for its measurement."""


class Adversarial(Protocol):
    """Two sides of one game. Gradients of penalties are taken with respect to the image only, never the condition."""

    def critic_terms(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, critic_step: int
    ) -> Terms:
        """What the critic minimises; ``fake`` carries no graph, ``critic_step`` counts from 0."""
        ...

    def generator_terms(self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> Terms:
        """What the generator minimises besides its penalties; one entry named ``adversarial``."""
        ...
