"""z between two samples: pictures on the way from one to the other, each of which is a sample too."""

from __future__ import annotations

import math
from typing import Protocol

from ..models.generator import Latent


class Field(Protocol):
    """z of one sample as a function of place."""

    def window(self, top: int, left: int, height: int, width: int) -> Latent:
        """See ``LatentField``."""
        ...


class LatentArc:
    """cos t · z_a + sin t · z_b, a ``Field``: standard normal at every t, because cos² t + sin² t = 1.

    A straight line (1 - s) z_a + s z_b would lose half of its variance midway, and the picture its texture.

    Args:
        start: z_a, at t = 0.
        end: z_b, at t = π/2.
        share: of the way, 0 to 1; t is π/2 times that.
    """

    def __init__(self, start: Field, end: Field, share: float) -> None:
        self.ends = (start, end)
        self.weights = (math.cos(math.pi / 2 * share), math.sin(math.pi / 2 * share))

    def window(self, top: int, left: int, height: int, width: int) -> Latent:
        """See ``LatentField``."""
        a, b = (field.window(top, left, height, width) for field in self.ends)
        return [self.weights[0] * from_a + self.weights[1] * from_b for from_a, from_b in zip(a, b, strict=True)]
