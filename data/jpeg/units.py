"""A picture as its minimum coded units, which libjpeg encodes independently of each other.

A unit is the rectangle of pixels that one chroma block, or at 4:4:4 one luma block, covers. Encoding copies the last
row and column of a picture beyond its edge, so a unit that the edge cuts is itself a picture of a smaller size: a
picture falls into at most four batches of small pictures, of whole units and of those cut at the bottom, at the right,
and at both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from .coded import BLOCK, Coded, blocks


@dataclass(frozen=True)
class Units:
    """The units of equal size of B pictures.

    Attributes:
        top: of the first unit in pixels, ``left`` likewise.
        down: units in a column, ``across`` in a row.
        height: of a unit in pixels, ``width`` likewise.
    """

    top: int
    left: int
    down: int
    across: int
    height: int
    width: int

    def of_picture(self, picture: Tensor) -> Tensor:
        """(B, C, H, W) to (B down across, C, height, width)."""
        channels = picture.shape[1]
        tiles = self._view(picture).permute(0, 2, 4, 1, 3, 5)
        return tiles.reshape(-1, channels, self.height, self.width)

    def put_back(self, tiles: Tensor, picture: Tensor) -> None:
        """Write (B down across, C, height, width) where it was taken from."""
        batch, channels = picture.shape[:2]
        parted = tiles.view(batch, self.down, self.across, channels, self.height, self.width)
        self._view(picture).copy_(parted.permute(0, 3, 1, 4, 2, 5))

    def of_coded(self, coded: Coded) -> Coded:
        """What the file says of each of them."""
        levels = []
        for component, plane in enumerate(coded.levels):
            horizontal, vertical = coded.sampling if component else (1, 1)
            high, wide = blocks(self.height, vertical) * BLOCK, blocks(self.width, horizontal) * BLOCK
            part = plane[:, self.top // vertical :, self.left // horizontal :]
            part = part[:, : self.down * high, : self.across * wide]
            tiles = part.reshape(len(part), self.down, high, self.across, wide).transpose(2, 3)
            levels.append(tiles.reshape(-1, high, wide))
        tables = coded.tables.repeat_interleave(self.down * self.across, dim=0)
        return Coded(levels, tables, coded.sampling, self.height, self.width)

    def _view(self, picture: Tensor) -> Tensor:
        """(B, C, down, height, across, width), of the same memory."""
        part = picture[..., self.top : self.top + self.down * self.height, :]
        part = part[..., self.left : self.left + self.across * self.width]
        return part.view(*part.shape[:2], self.down, self.height, self.across, self.width)


def units(coded: Coded) -> Iterator[Units]:
    """All units of a picture, by size."""
    colour = len(coded.levels) > 1
    high, wide = (BLOCK * (step if colour else 1) for step in (coded.sampling.vertical, coded.sampling.horizontal))
    for top, down, height in _parts(coded.height, high):
        for left, across, width in _parts(coded.width, wide):
            yield Units(top, left, down, across, height, width)


def _parts(extent: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Start, count and size of the whole units, and of the one that the edge cuts."""
    whole, rest = divmod(extent, size)
    if whole:
        yield 0, whole, size
    if rest:
        yield whole * size, 1, rest


def select(coded: Coded, pictures: Tensor | slice) -> Coded:
    """What it says of some of its pictures."""
    levels = [plane[pictures] for plane in coded.levels]
    return Coded(levels, coded.tables[pictures], coded.sampling, coded.height, coded.width)
