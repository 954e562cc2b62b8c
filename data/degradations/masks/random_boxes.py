"""Holes that are boxes anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ....rng import Rng
from .ranges import require_range

MOST = 64


class RandomBoxes:
    """Boxes are missing, which may overlap; all of each lies in the image.

    Args:
        count: a pair ``[low, high]`` of which the number of boxes of an image is drawn.
        fraction: a pair ``[low, high]`` of which the height of a box is drawn as a part of the image's, and its width
            likewise.

    Raises:
        ValueError: if counts are not whole and in 1 to 64, or fractions not in [0, 1].
    """

    def __init__(self, count: Sequence[int] = (1, 4), fraction: Sequence[float] = (0.1, 0.4)) -> None:
        require_range(1, MOST, count=count)
        require_range(0, 1, fraction=fraction)
        if not all(isinstance(bound, int) for bound in count):
            raise ValueError(f"count is {count}; allowed is a pair of whole numbers")
        self.count, self.fraction = tuple(count), tuple(fraction)

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """(B, 1, H, W)."""
        (fewest, most), (low, high) = self.count, self.fraction
        used = torch.arange(most, device=rng.device) < rng.randint(fewest, most + 1)[:, None]
        lengths = low + (high - low) * rng.rand(most, 2)
        starts = (1 - lengths) * rng.rand(most, 2)
        rows, columns = (
            _inside(starts[..., axis], lengths[..., axis], extent) for axis, extent in enumerate(size)
        )  # (B, boxes, H) and (B, boxes, W)
        missing = (used[..., None, None] & rows[..., None] & columns[..., None, :]).any(dim=1, keepdim=True)
        return ~missing


def _inside(start: Tensor, length: Tensor, extent: int) -> Tensor:
    """Which of ``extent`` places a stretch of at least 1 covers, (..., extent)."""
    first = (start * extent).floor()[..., None]
    last = first + (length * extent).round().clamp(min=1)[..., None]
    places = torch.arange(extent, device=start.device)
    return (first <= places) & (places < last)
