"""JPEG without its rounding: a differentiable map from pictures to coefficients, its right inverse, a projection."""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from ..luma import BT601
from ..straight_through_clamp import straight_through_clamp
from .codec import by_rows, extend, spread
from .coefficients import BLOCK, JpegCoefficients, Sampling, blocks

TO_YCC = (BT601, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def project(restored: Tensor, coefficients: JpegCoefficients, tolerance: float = 0.0) -> Tensor:
    """Every coefficient moved into its interval of one quantisation step; differentiable.

    The correction alone is added, so chroma finer than its sampling, of which the file says nothing, stays as it is.
    Exact where sizes are multiples of a unit (16 pixels at 4:2:0), up to the rounding of ``restored``'s dtype. Pixels
    are neither clipped nor rounded: for files, see ``exact_projection``.

    Args:
        restored: (B, C, H, W) float in 0..255.
        coefficients: what the files say.
        tolerance: by how many steps the intervals are wider at both ends.

    Returns:
        (B, C, H, W), at least fp32.
    """
    with torch.autocast(restored.device.type, enabled=False):
        restored = restored.float() if restored.dtype.itemsize < 4 else restored
        moves = []
        for component, plane in enumerate(analyse(restored, coefficients.sampling)):
            blocks, levels = by_rows(plane), by_rows(coefficients.levels[component].to(plane))
            steps = spread(coefficients.tables[:, component], plane)
            low, high = ((levels + side * (0.5 + tolerance)) * steps for side in (-1, 1))
            moves.append((straight_through_clamp(blocks, low, high) - blocks).flatten(1, 2))
        return restored + synthesise(moves, coefficients.sampling, coefficients.height, coefficients.width)


def analyse(picture: Tensor, sampling: Sampling) -> list[Tensor]:
    """Orthonormal coefficients of (B, C, H, W) in 0..255, by component as in ``JpegCoefficients.levels``."""
    height, width = picture.shape[-2:]
    if picture.shape[1] == 1:
        return [_transform(picture[:, 0] - 128, height, width)]
    horizontal, vertical = sampling
    wide = blocks(width, horizontal) * BLOCK * horizontal
    high = -(-height // vertical) * vertical
    ycc = _mix(extend(picture, high, wide), _to_ycc(picture))
    luma = _transform(ycc[:, 0, :height, :width] - 128, height, width)
    chroma = F.avg_pool2d(ycc[:, 1:], (vertical, horizontal))
    return [luma, *_transform(chroma, *chroma.shape[-2:]).unbind(1)]


def synthesise(planes: list[Tensor], sampling: Sampling, height: int, width: int) -> Tensor:
    """The picture, without the grey of 128, whose coefficients are nearest to these, (B, C, height, width).

    Where blocks reach beyond the edge, the last row and column stand for all that ``analyse`` copies from them. Without
    such, and with even sizes where chroma is shrunk, ``analyse`` returns the very coefficients. Chroma is repeated.
    """
    luma = fold(_inverse(planes[0]), height, width)
    if len(planes) == 1:
        return luma[:, None]
    horizontal, vertical = sampling
    blue_red = fold(_inverse(torch.stack(planes[1:], dim=1)), -(-height // vertical), -(-width // horizontal))
    large = blue_red.repeat_interleave(vertical, dim=2).repeat_interleave(horizontal, dim=3)[..., :height, :width]
    ycc = torch.cat([luma[:, None], large], dim=1)
    return _mix(ycc, _to_rgb(ycc))


def fold(plane: Tensor, height: int, width: int) -> Tensor:
    """(..., height, width), whose last row and column are the means of those that are left out."""
    if plane.shape[-2] > height:
        plane = torch.cat([plane[..., : height - 1, :], plane[..., height - 1 :, :].mean(-2, keepdim=True)], dim=-2)
    if plane.shape[-1] > width:
        plane = torch.cat([plane[..., : width - 1], plane[..., width - 1 :].mean(-1, keepdim=True)], dim=-1)
    return plane


def _transform(plane: Tensor, height: int, width: int) -> Tensor:
    """Coefficients of (..., height, width), whose last row and column fill up the blocks."""
    whole, basis = extend(plane, blocks(height) * BLOCK, blocks(width) * BLOCK), _basis(plane)
    return _columns(_rows(whole, basis), basis)


def _inverse(coefficients: Tensor) -> Tensor:
    basis = _basis(coefficients).T
    return _rows(_columns(coefficients, basis), basis)


def _rows(plane: Tensor, basis: Tensor) -> Tensor:
    return (plane.reshape(-1, BLOCK) @ basis.T).view(plane.shape)


def _columns(plane: Tensor, basis: Tensor) -> Tensor:
    return (basis @ plane.reshape(-1, BLOCK, plane.shape[-1])).view(plane.shape)


def _basis(like: Tensor) -> Tensor:
    """The orthonormal DCT-II, (8 frequencies, 8 places)."""
    return _constants(like.dtype, like.device)[0]


def _to_ycc(like: Tensor) -> Tensor:
    return _constants(like.dtype, like.device)[1]


def _to_rgb(like: Tensor) -> Tensor:
    return _constants(like.dtype, like.device)[2]


@cache
def _constants(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, ...]:
    """Computed once: the exact projection asks for them thousands of times."""
    with torch.inference_mode(mode=False):  # else the first caller decides whether gradients can flow
        frequency, place = torch.arange(BLOCK, dtype=torch.float64), torch.arange(BLOCK, dtype=torch.float64)
        basis = torch.cos(math.pi / BLOCK * (place + 0.5) * frequency[:, None]) / 2
        basis[0] *= math.sqrt(0.5)
        to_ycc = torch.tensor(TO_YCC, dtype=torch.float64)
        return tuple(matrix.to(device, dtype) for matrix in (basis, to_ycc, torch.linalg.inv(to_ycc)))


def _mix(picture: Tensor, matrix: Tensor) -> Tensor:
    """A 3 x 3 matrix applied to the colours of every pixel."""
    return torch.bmm(matrix.expand(len(picture), 3, 3), picture.flatten(2)).view_as(picture)
