"""The seam of masks."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ....rng import Rng


class Mask(Protocol):
    """Which pixels of an image are known, the same for all channels."""

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """True where a pixel of H x W is known, (B, 1, H, W) bool; image b uses the b-th generator and nothing else."""
        ...
