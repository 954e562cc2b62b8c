"""The seam of penalties on the slope of the critic."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ...rng import Rng
from ..term import Terms
from .critic import Critic


class SlopePenalty(Protocol):
    """What the critic pays for being steep in the image; in the condition it may be as steep as it likes.

    Attributes:
        every_critic_steps: k. The game applies it at critic steps 0, k, 2k ..., times k; with k > 1 in an optimiser
            step of its own.
    """

    every_critic_steps: int

    def __call__(
        self, critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor, rng: Rng, images_seen: int
    ) -> Terms:
        """Unweighted values, each with its weight when applied at every step; no gradient reaches the generator.

        Args:
            critic: (image, condition) -> (B,).
            clean: x, (B, C, H, W) in [0, 1].
            fake: x̂, one sample for each x, the same shape.
            condition: y and its maps, (B, C + M, H, W).
            rng: of the same B images.
            images_seen: the clock of schedules.
        """
        ...
