"""Masks with holes of random size and place: boxes and brush strokes."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...checks import require_at_least, require_range
from ...rng import Rng

COUNTS = "[1, 64]"


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
        require_range(COUNTS, "integer", count=count)
        require_range("[0, 1]", fraction=fraction)
        self.count, self.fraction = tuple(count), tuple(fraction)

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        (min_count, max_count), (low, high) = self.count, self.fraction
        used = torch.arange(max_count, device=rng.device) < rng.randint(min_count, max_count + 1)[:, None]
        lengths = low + (high - low) * rng.rand(max_count, 2)
        starts = (1 - lengths) * rng.rand(max_count, 2)
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
        require_range(f"[1, {every}]", "integer", side=side)
        self.every, self.side = every, tuple(side)

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
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


class Strokes:
    """What a round brush covers on random walks is missing; such masks are of Yu et al. (arXiv 1806.03589).

    A stroke begins anywhere in the image and goes on in straight pieces, each of a length and in a direction of its
    own; it may leave the image. Lengths and widths are parts of the shorter side.

    Args:
        count: a pair ``[low, high]`` of which the number of strokes of an image is drawn.
        pieces: of a stroke.
        length: a pair ``[low, high]`` of which that of a piece is drawn.
        width: a pair ``[low, high]`` of which that of a stroke is drawn; a brush is at least 1.5 pixels wide.

    Raises:
        ValueError: if counts are not whole and in 1 to 64, or the others not in [0, 1].
    """

    def __init__(
        self,
        count: Sequence[int] = (1, 4),
        pieces: int = 5,
        length: Sequence[float] = (0.1, 0.4),
        width: Sequence[float] = (0.05, 0.15),
    ) -> None:
        require_range(COUNTS, "integer", count=count)
        require_range("[0, 1]", length=length, width=width)
        require_at_least(1, pieces=pieces)
        self.count, self.pieces, self.length, self.width = tuple(count), pieces, tuple(length), tuple(width)

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        corners = self._corners(size, rng)
        radii = (self._uniform(self.width, rng, self.count[1]) * min(size)).clamp(min=1.5) / 2
        used = torch.arange(self.count[1], device=rng.device) < rng.randint(self.count[0], self.count[1] + 1)[:, None]
        radii = radii.masked_fill(~used, -1)
        missing = torch.zeros(len(rng), *size, dtype=torch.bool, device=rng.device)
        for stroke in range(self.count[1]):
            for piece in range(self.pieces):
                start, stop = corners[:, stroke, piece], corners[:, stroke, piece + 1]
                missing |= _distance(size, start, stop) <= radii[:, stroke, None, None]
        return ~missing[:, None]

    def _corners(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """(row, column) of the ends of the pieces, (B, strokes, pieces + 1, 2)."""
        strokes = self.count[1]
        start = rng.rand(strokes, 1, 2) * torch.tensor(size, device=rng.device)
        angle = 2 * math.pi * rng.rand(strokes, self.pieces)
        length = self._uniform(self.length, rng, strokes, self.pieces) * min(size)
        steps = length[..., None] * torch.stack([angle.sin(), angle.cos()], dim=-1)
        return torch.cat([start, start + steps.cumsum(dim=2)], dim=2)

    @staticmethod
    def _uniform(pair: tuple[float, ...], rng: Rng, *shape: int) -> Tensor:
        return pair[0] + (pair[1] - pair[0]) * rng.rand(*shape)


def _distance(size: tuple[int, int], start: Tensor, stop: Tensor) -> Tensor:
    """Of the centre of each pixel from the straight line between two points, each (B, 2): (B, H, W)."""
    rows, columns = (torch.arange(extent, device=start.device) + 0.5 for extent in size)
    down, right = rows[:, None] - start[:, 0, None, None], columns - start[:, 1, None, None]
    along_down, along_right = (stop - start)[..., None, None].unbind(dim=1)
    square = (along_down.square() + along_right.square()).clamp(min=1e-12)
    along = ((down * along_down + right * along_right) / square).clamp(0, 1)
    return torch.hypot(down - along * along_down, right - along * along_right)
