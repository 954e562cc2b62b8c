"""Luma of ITU-R BT.601: the brightness of colours, by which colour becomes grey everywhere."""

from __future__ import annotations

from torch import Tensor

BT601 = (0.299, 0.587, 0.114)
"""Weights of red, green and blue."""


def luma(image: Tensor, weights: tuple[float, ...] = BT601) -> Tensor:
    """Brightness of (B, 3, H, W), (B, 1, H, W)."""
    return (image.new_tensor(weights).view(1, -1, 1, 1) * image).sum(dim=1, keepdim=True)
