"""The seam of distances between images: embed each image once, compare as often as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

Embedding = Sequence[Tensor]
"""What an image is compared by: tensors whose first axis is the image, each (N, ...)."""


class Distance(Protocol):
    """d(a, b) of images, symmetric, 0 for equal ones; a frozen network is the object's own business."""

    def embed(self, images: Tensor) -> Embedding:
        """What is compared of (N, C, H, W) in [0, 1]."""
        ...

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """Image by image, (N,), not negative."""
        ...
