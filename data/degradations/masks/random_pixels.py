"""Pixels missing here and there."""

from __future__ import annotations

from torch import Tensor

from ....rng import Rng


class RandomPixels:
    """Each pixel is missing with probability ``rate``, by itself.

    Args:
        rate: in (0, 1).

    Raises:
        ValueError: if it is not.
    """

    def __init__(self, rate: float = 0.8) -> None:
        if not 0 < rate < 1:
            raise ValueError(f"rate is {rate}; allowed is a number in (0, 1), of pixels that are missing")
        self.rate = rate

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """(B, 1, H, W)."""
        return rng.rand(1, *size) >= self.rate
