"""Grey pictures before a network that knows only colour."""

from __future__ import annotations

from torch import Tensor

from .jpeg.linear import TO_YCC


def luma(image: Tensor) -> Tensor:
    """Of (B, 3, H, W), (B, 1, H, W): ITU-R 601."""
    weights = image.new_tensor(TO_YCC[0]).view(1, -1, 1, 1)
    return (weights * image).sum(dim=1, keepdim=True)
