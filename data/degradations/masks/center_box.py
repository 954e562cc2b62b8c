"""A hole in the middle."""

from __future__ import annotations

import torch
from torch import Tensor

from ....rng import Rng


class CenterBox:
    """A box in the centre is missing, ``fraction`` of the height by ``fraction`` of the width, rounded.

    Args:
        fraction: in (0, 1).

    Raises:
        ValueError: if it is not.
    """

    def __init__(self, fraction: float = 0.5) -> None:
        if not 0 < fraction < 1:
            raise ValueError(f"fraction is {fraction}; allowed is a number in (0, 1), of each side of the image")
        self.fraction = fraction

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """(B, 1, H, W); nothing is drawn."""
        known = torch.ones(len(rng), 1, *size, dtype=torch.bool, device=rng.device)
        known[..., self._missing(size[0]), self._missing(size[1])] = False
        return known

    def _missing(self, extent: int) -> slice:
        length = round(self.fraction * extent)
        start = (extent - length) // 2
        return slice(start, start + length)
