"""A part of a picture as a .jpg of its own."""

from __future__ import annotations

from .coded import BLOCK, Coded, blocks


def unit(coded: Coded) -> int:
    """Pixels to whose multiples parts are cut: a block of the chroma."""
    return BLOCK * max(coded.sampling)


def crop(coded: Coded, top: int, left: int, height: int, width: int) -> Coded:
    """What a file of this part alone would say, with the same levels.

    Args:
        coded: of B pictures.
        top: a multiple of ``unit``.
        left: likewise.
        height: a multiple of ``unit``, or what is left of the picture.
        width: likewise.
    """
    planes = []
    for component, plane in enumerate(coded.levels):
        horizontal, vertical = coded.sampling if component else (1, 1)
        row, column = top // vertical, left // horizontal
        rows, columns = blocks(height, vertical) * BLOCK, blocks(width, horizontal) * BLOCK
        planes.append(plane[:, row : row + rows, column : column + columns])
    return Coded(planes, coded.tables, coded.sampling, height, width)
