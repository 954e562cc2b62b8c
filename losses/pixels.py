"""Distances between images pixel by pixel."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from .distance import Embedding


class PixelL1:
    """Mean |a − b| over channels and pixels."""

    def embed(self, images: Tensor) -> Embedding:
        """The pixels themselves, (N, C, H, W)."""
        return [images]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in the unit of the images."""
        return (a[0] - b[0]).abs().flatten(1).mean(1)


class PixelL2:
    """Root mean square of a − b over channels and pixels: ‖a − b‖₂/√n, one vector norm an image."""

    def embed(self, images: Tensor) -> Embedding:
        """The pixels themselves, (N, C, H, W)."""
        return [images]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in the unit of the images; has derivative 0 where a = b."""
        difference = (a[0] - b[0]).flatten(1)
        norm: Tensor = torch.linalg.vector_norm(difference, dim=1)
        return norm / sqrt(difference.shape[1])
