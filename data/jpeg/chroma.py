"""Chroma at a lower resolution, and back: libjpeg's rounding."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .coefficients import Sampling

SHORTEST_SMOOTHED = 3  # narrower chroma is repeated, not interpolated


def shrink(plane: Tensor, sampling: Sampling) -> Tensor:
    """Means of neighbours, (B, C, H, W) to (B, C, H / vertical, W / horizontal), of whole numbers.

    A half is rounded down in even columns and up in odd ones, which leaves no bias.
    """
    if sampling.horizontal == 1:
        return plane
    total = plane[..., 0::2] + plane[..., 1::2]
    bias = torch.arange(total.shape[-1], device=plane.device) % 2
    if sampling.vertical == 2:
        total, bias = total[..., 0::2, :] + total[..., 1::2, :], bias + 1
    return total.add_(bias).mul_(1 / (2 * sampling.vertical)).floor_()


def enlarge(plane: Tensor, sampling: Sampling) -> Tensor:
    """The "fancy" triangle filter, (B, C, h, w) to (B, C, vertical h, horizontal w), of whole numbers."""
    if sampling.horizontal == 1:
        return plane
    if plane.shape[-1] < SHORTEST_SMOOTHED:
        return plane.repeat_interleave(sampling.vertical, dim=2).repeat_interleave(sampling.horizontal, dim=3)
    if sampling.vertical == 1:
        return _double(plane, before=1, after=2, divisor=4)
    rows = _double(plane.mT, before=0, after=0, divisor=1).mT
    return _double(rows, before=8, after=7, divisor=16)


def _double(plane: Tensor, before: int, after: int, divisor: int) -> Tensor:
    """Twice as wide: of each pixel, three times itself plus its neighbour before, and plus that after."""
    padded = F.pad(plane, (1, 1, 0, 0), mode="replicate")
    wide = plane.new_empty(*plane.shape, 2)
    for side, (neighbour, offset) in enumerate(((padded[..., :-2], before), (padded[..., 2:], after))):
        torch.add(neighbour, plane, alpha=3, out=wide[..., side]).add_(offset)
    return wide.flatten(-2) if divisor == 1 else wide.flatten(-2).div_(divisor).floor_()
