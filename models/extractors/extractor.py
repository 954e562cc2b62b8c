"""The seam of feature extractors."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Extractor(Protocol):
    """Gives one vector an image.

    Attributes:
        identity: network, layer, source and hash of the weights, and how images are resized, in one line. Figures are
            compared only where it is the same.
        dimensions: d, length of the vector.
        weights_hash: of the whole network, the same for any layer.
    """

    identity: str
    dimensions: int
    weights_hash: str

    def __call__(self, images: Tensor) -> Tensor:
        """Vectors (N, d) fp32 of images (N, C, H, W) in [0, 1] with C of 1 or 3, any H and W; no gradients."""
        ...
