"""A grey .jpg, told to a network that knows only colour."""

from __future__ import annotations

import torch

from .coded import BLOCK, Coded, Sampling, blocks


def grey_as_colour(coded: Coded, sampling: Sampling) -> Coded:
    """The same pictures with chroma whose levels are all 0, which is the truth: grey has none.

    A chroma table is not in the file. The network must be told one like those it has seen, and the luma's is: of the
    same quality, with steps in the same range.

    Args:
        coded: of one component.
        sampling: of the chroma; any tells the truth, take one that the network has seen.
    """
    (luma,) = coded.levels
    rows, columns = blocks(coded.height, sampling.vertical), blocks(coded.width, sampling.horizontal)
    chroma = torch.zeros(len(luma), BLOCK * rows, BLOCK * columns, dtype=luma.dtype, device=luma.device)
    return Coded([luma, chroma, chroma], coded.tables.expand(-1, 3, -1, -1), sampling, coded.height, coded.width)
