"""A layer of a recognition network, averaged over places."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...checks import require_at_least
from .frozen import FrozenFeatures


class PooledFeatures(nn.Module):
    """Global average of one layer of a timm network: an ``Extractor``.

    Images are resized to a square, whatever their shape, by antialiased bicubic interpolation, then clamped to [0, 1];
    they are not rounded to 8 bits.

    Args:
        network: name of the network in timm.
        layer: name of its module whose output is averaged.
        weights: "hub", "package", "random", or a file's path, as ``FrozenFeatures`` takes them.
        side: of the square, in pixels.
        seed: of random weights.

    Raises:
        ValueError: if there is no such network, layer or weights, or ``side`` is smaller than the layer takes.
    """

    def __init__(self, network: str, layer: str, weights: str = "hub", side: int = 224, seed: int = 0) -> None:
        super().__init__()
        self.features = FrozenFeatures(network, [layer], weights, seed)
        require_at_least(self.features.min_size, side=side)
        self.side = side
        self.weights_hash = self.features.weights_hash
        resize = f"resized to {side} x {side} (bicubic, antialiased, clamped, not rounded)"
        self.identity = f"{self.features.identity}, averaged over places, images {resize}"
        self.dimensions = self(torch.zeros(1, 3, side, side)).shape[1]

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Vectors (N, d) of images (N, C, H, W) in [0, 1] with C of 1 or 3.

        Raises:
            ValueError: if the images are no such batch.
        """
        if images.ndim != 4 or not images.is_floating_point():
            raise ValueError(f"images is {tuple(images.shape)} of {images.dtype}; allowed are floats (N, C, H, W)")
        square = F.interpolate(images.float(), (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)
        (activation,) = self.features(square)
        vectors: Tensor = activation.float().mean(dim=(2, 3))
        return vectors


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
