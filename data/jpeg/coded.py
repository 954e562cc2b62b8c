"""What a .jpg says, as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

BLOCK = 8


class Sampling(NamedTuple):
    """How many luma pixels a chroma pixel is wide and high."""

    horizontal: int
    vertical: int


SAMPLINGS = {"4:4:4": Sampling(1, 1), "4:2:2": Sampling(2, 1), "4:2:0": Sampling(2, 2)}
"""By the name the field gives them; a grey picture has 4:4:4."""


@dataclass(frozen=True)
class Coded:
    """B pictures of one size and sampling, as JPEG stores them.

    Attributes:
        levels: by component (Y; or Y, Cb, Cr), quantised DCT coefficients, (B, 8 rows, 8 columns) int16: a picture of
            its blocks, in which entry (8 i + u, 8 j + v) is vertical frequency u and horizontal frequency v of block
            (i, j). Components have their own sizes: chroma at 4:2:0 has half the luma's rows and columns, rounded up.
        tables: quantisation steps, (B, components, 8, 8), vertical frequency first, each 1 or more.
        sampling: of the chroma components.
        height: of the pictures in pixels; blocks may reach beyond it.
        width: likewise.
    """

    levels: list[Tensor]
    tables: Tensor
    sampling: Sampling
    height: int
    width: int


def blocks(extent: int, subsampling: int = 1) -> int:
    """How many blocks cover so many pixels in a component with that subsampling."""
    return -(-extent // (BLOCK * subsampling))
