"""Holes of a size in pixels, as many as the image has room for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ....bounds import require_at_least
from ....rng import Rng
from .ranges import require_range


class ScatteredBoxes:
    """In every cell of ``every`` x ``every`` pixels a box is missing, which lies in it anywhere.

    The holes of a small crop are those of a large photograph: a network trained on the one restores the other. Cells
    are counted from the top left; those at the right and the bottom are cut off with their holes.

    Args:
        every: side of a cell in pixels.
        side: a pair ``[low, high]`` of which the height of a box in pixels is drawn, and its width likewise.

    Raises:
        ValueError: if these are not whole, or a box may be larger than a cell.
    """

    def __init__(self, every: int = 32, side: Sequence[int] = (8, 16)) -> None:
        require_at_least(1, every=every)
        require_range(1, every, side=side)
        if not all(isinstance(bound, int) for bound in side):
            raise ValueError(f"side is {side}; allowed is a pair of whole numbers")
        self.every, self.side = every, tuple(side)

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """(B, 1, H, W)."""
        low, high = self.side
        down, across = (-(-extent // self.every) for extent in size)
        lengths = low + ((high - low + 1) * rng.rand(2, down, across)).floor()
        starts = ((self.every - lengths + 1) * rng.rand(2, down, across)).floor()
        covered = (
            _covers(starts[:, 0], lengths[:, 0], self.every)[..., :, None]
            & _covers(starts[:, 1], lengths[:, 1], self.every)[..., None, :]
        )  # (B, down, across, every, every)
        missing = covered.movedim(3, 2).flatten(3, 4).flatten(1, 2)
        return ~missing[:, None, : size[0], : size[1]]


def _covers(start: Tensor, length: Tensor, extent: int) -> Tensor:
    """Which of ``extent`` places a stretch covers, (..., extent)."""
    places = torch.arange(extent, device=start.device)
    return (start[..., None] <= places) & (places < (start + length)[..., None])
