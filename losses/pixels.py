"""Distances of pixel values; with the energy score (Gneiting and Raftery 2007) the L1 is the CRPS of every pixel."""

from __future__ import annotations

from torch import Tensor, nn

from .distance import Embedding, mean_distance, require_same_shapes
from .precision import at_least_fp32
from .safe_root import safe_root


class PixelL1(nn.Module):
    """Mean absolute difference of an image's values. In an energy score: the fair CRPS, which sees no dependence."""

    def embed(self, images: Tensor) -> Embedding:
        """The images, in fp32 or above."""
        return [at_least_fp32(images)]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the images.

        Raises:
            ValueError: if the images differ in size.
        """
        require_same_shapes(a, b)
        return (a[0] - b[0]).abs().flatten(1).mean(1)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)


class PixelL2(nn.Module):
    """Root mean square difference of an image's values: the Euclidean norm / sqrt(n), of one scale at any size.

    Not squared: in an energy score (Gneiting and Raftery 2007) the norm is strictly proper for the joint law of the
    pixels, while its square sees their means alone.
    """

    def embed(self, images: Tensor) -> Embedding:
        """The images, in fp32 or above."""
        return [at_least_fp32(images)]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the images; the gradient where both are equal is 0.

        Raises:
            ValueError: if the images differ in size.
        """
        require_same_shapes(a, b)
        return safe_root((a[0] - b[0]).square().flatten(1).mean(1))

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)
