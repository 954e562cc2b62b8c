"""Holes filled smoothly from what is around them (pull-push: Gortler et al., "The Lumigraph", SIGGRAPH 1996)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def pull_push(values: Tensor, known: Tensor) -> Tensor:
    """What is known as it is; the rest from means of what is known, as coarse as the hole is deep.

    Close to the harmonic fill (Laplace's equation in the hole) for the price of a few averages, where the harmonic one
    takes a linear solve for every image. What is filled in lies between the least and the greatest known value.

    Args:
        values: (B, C, H, W).
        known: (B, 1, H, W) bool.

    Returns:
        (B, C, H, W); 1/2 where nothing of an image is known.
    """
    if values.shape[-2:] == (1, 1):
        return torch.where(known, values, 0.5)
    weight = F.avg_pool2d(known.to(values), 2, ceil_mode=True)
    total = F.avg_pool2d(values * known, 2, ceil_mode=True)
    coarse = pull_push(total / weight.masked_fill(weight == 0, 1), weight > 0)
    height, width = values.shape[-2:]
    fine = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return torch.where(known, values, fine)
