"""Quantisation: the tables of a quality, and the cell of coefficients that one level stands for."""

from typing import NamedTuple

import torch
from torch import Tensor

from .coefficients import JpegCoefficients

SCALE = 8.0
"""Integer coefficients are 8 times those of the orthonormal transform, to which tables refer."""

# ITU-T T.81, tables K.1 (luma) and K.2 (chroma), vertical frequency first
LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8 for _ in range(4)),
)


def tables_of_quality(quality: Tensor, components: int) -> Tensor:
    """The tables libjpeg makes of a quality, (B, components, 8, 8) of steps 1..255, from (B,) integers 1..100."""
    percent = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality).view(-1, 1, 1, 1)
    standard = torch.tensor([LUMA, CHROMA, CHROMA][:components], device=quality.device)
    return ((standard * percent + 50) // 100).clamp(1, 255)


class Cell(NamedTuple):
    """The integer coefficients that are quantised to given levels; both bounds belong to it."""

    low: Tensor
    high: Tensor


def cell(levels: Tensor, steps: Tensor, tolerance: float = 0.0) -> Cell:
    """Which integer coefficients (8 times the orthonormal ones) have these levels.

    libjpeg rounds half a step away from 0, so that ties belong to the outer level.

    Args:
        levels: whole numbers.
        steps: of the same shape, or one that broadcasts.
        tolerance: by how many steps the cell is wider at both ends, for encoders that do not round to the nearest.

    Returns:
        Bounds in the dtype of ``levels``.
    """
    width, size = SCALE * steps, levels.abs()
    outer = width * (size + 0.5 + tolerance) - 1
    inner = width * (size - 0.5 - tolerance)
    inner = inner + (inner < 0)  # beyond 0 it is the outer bound of another level
    negative = levels < 0
    return Cell(torch.where(negative, -outer, inner), torch.where(negative, -inner, outer))


def quantise(coefficients: Tensor, steps: Tensor) -> Tensor:
    """Levels of integer coefficients, rounded half away from 0; of the dtype of the coefficients."""
    share = coefficients / (SCALE * steps)
    return share.add_(share.sign().mul_(0.5)).trunc_()


class QualityEstimate(NamedTuple):
    """The quality whose tables are nearest.

    Attributes:
        quality: 1 to 100.
        exact: whether its tables are the very ones.
    """

    quality: int
    exact: bool


def estimate_quality(coefficients: JpegCoefficients) -> QualityEstimate:
    """Of the first picture: least mean absolute difference of logarithms of steps, over all components."""
    tables = coefficients.tables[:1].cpu()
    known = tables_of_quality(torch.arange(1, 101), tables.shape[1])
    distance: Tensor = (known.double().log() - tables.double().log()).abs().mean(dim=(1, 2, 3))
    nearest = int(distance.argmin())
    return QualityEstimate(nearest + 1, torch.equal(known[nearest], tables[0].to(known.dtype)))
