"""The 8 x 8 discrete cosine transform of libjpeg ("islow", after Loeffler, Ligtenberg and Moschytz 1989).

Its butterflies of 13-bit constants compute, before each rounding, a sum of whole numbers times whole numbers: the
matrix below. Sums of whole numbers under 2^53 are exact in float64 in any order, and float64 is left alone by autocast
and by reduced-precision matrix units; so two matrix products and two floors give libjpeg's bits on any device.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from .coefficients import BLOCK

# rows: frequencies 0 to 7; 2^13 sqrt(8) times the orthonormal transform, rounded as the butterflies round
MATRIX = (
    (8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363),
    (10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703),
    (9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633),
    (8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437),
    (4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433),
    (2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260),
)
AFTER_FIRST, AFTER_BOTH = 2.0**-11, 2.0**-15  # bits dropped: 2 of the 13 are kept between the passes
INVERSE_AFTER_BOTH = 2.0**-18  # and 3 more for the scale of 8


@cache
def _matrix(device: torch.device, scale: float) -> Tensor:
    return torch.tensor(MATRIX, dtype=torch.float64, device=device) * scale


def forward(plane: Tensor) -> Tensor:
    """Integer coefficients, 8 times the orthonormal ones, of whole numbers -128..127; (..., 8 rows, 8 columns)."""
    along_rows = _rows(plane, _matrix(plane.device, AFTER_FIRST))
    return _columns(along_rows, _matrix(plane.device, AFTER_BOTH))


def inverse(coefficients: Tensor) -> Tensor:
    """Whole numbers, neither shifted nor clipped, of dequantised integer coefficients; (..., 8 rows, 8 columns)."""
    along_columns = _columns(coefficients, _matrix(coefficients.device, AFTER_FIRST).T)
    return _rows(along_columns, _matrix(coefficients.device, INVERSE_AFTER_BOTH).T)


def _rows(plane: Tensor, matrix: Tensor) -> Tensor:
    """The product with every 8 neighbours of a row, rounded half up."""
    return (plane.reshape(-1, BLOCK) @ matrix.T).add_(0.5).floor_().view(plane.shape)


def _columns(plane: Tensor, matrix: Tensor) -> Tensor:
    """The same along columns."""
    blocks = plane.reshape(-1, BLOCK, plane.shape[-1])
    return (matrix @ blocks).add_(0.5).floor_().view(plane.shape)
