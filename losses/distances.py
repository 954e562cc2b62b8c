"""Distances between images: each image is embedded once, embeddings are compared as often as needed."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..precision import at_least_fp32

Embedding = Sequence[Tensor]
"""What a distance keeps of N images: tensors (N, ...)."""


@runtime_checkable
class Distance(Protocol):
    """How far images are from each other; of equal images 0, up to rounding."""

    def embed(self, images: Tensor) -> Embedding:
        """What is compared, of (N, C, H, W) in [0, 1]."""
        ...

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """Distances of the images of ``a`` (restored) from those of ``b`` (clean), pair by pair: (N,), at least 0."""
        ...


class DistanceLoss(nn.Module):
    """A ``Distance`` that is a loss as well; subclasses define ``between``, and ``embed`` if it is not the images."""

    def embed(self, images: Tensor) -> Embedding:
        """The images, in fp32 or above."""
        return [at_least_fp32(images)]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        raise NotImplementedError

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean distance of two (N, C, H, W) batches, image by image, a scalar."""
        return self.between(self.embed(restored), self.embed(clean)).mean()


class PixelL2(DistanceLoss):
    """Root mean square difference of an image's values: the Euclidean norm / sqrt(n), of one scale at any size.

    Not squared: in an energy score (Gneiting and Raftery 2007) the norm is strictly proper for the joint distribution
    of the pixels, while its square sees their means alone.
    """

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the images; the gradient where both are equal is 0.

        Raises:
            ValueError: if the images differ in size.
        """
        require_same_shapes(a, b)
        return safe_root((a[0] - b[0]).square().flatten(1).mean(1))


class PatchDistance(DistanceLoss):
    """Root mean square of a − b over a patch, averaged over overlapping patches of several sizes.

    A norm for every patch, over its channels and pixels, so the energy score of this distance is least for the true
    joint distribution of every patch and no other (Gneiting and Raftery 2007, section 4.3; a sum of proper scores is
    proper). One norm over the whole image would ask for the joint distribution of all pixels, but tell little of it:
    norms of many values hardly vary. With ``sides`` [1] each pixel's colours are judged together and nothing else.

    Args:
        sides: of the patches, in pixels; patches are half their side apart. Rows and columns that fill no patch are
            left out.
    """

    def __init__(self, sides: Sequence[int] = (1, 2, 4, 8)) -> None:
        super().__init__()
        if not sides or min(sides) < 1:
            raise ValueError(f"sides must be one or more, each >= 1 pixel, got {list(sides)}")
        self.sides = tuple(sides)

    def embed(self, images: Tensor) -> Embedding:
        """The images, in fp32 or above.

        Raises:
            ValueError: if the largest patch does not fit into them.
        """
        if max(self.sides) > min(images.shape[-2:]):
            size, largest = tuple(images.shape[-2:]), max(self.sides)
            raise ValueError(f"images must have sides >= {largest} for sides={list(self.sides)}, got {size}")
        return super().embed(images)

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the images; the gradient of patches that are equal is 0.

        Raises:
            ValueError: if the images differ in size.
        """
        require_same_shapes(a, b)
        squares = (a[0] - b[0]).square().mean(dim=1, keepdim=True)
        roots = [safe_root(F.avg_pool2d(squares, side, max(1, side // 2))) for side in self.sides]
        return torch.stack([root.mean(dim=(1, 2, 3)) for root in roots]).mean(dim=0)


def safe_root(squares: Tensor) -> Tensor:
    """Square root of numbers of at least 0; a zero passes no gradient."""
    positive = squares > 0
    return torch.where(positive, torch.where(positive, squares, 1.0).sqrt(), 0.0)


def require_same_shapes(a: Embedding, b: Embedding) -> None:
    """Refuse embeddings that cannot be compared place by place.

    Raises:
        ValueError: naming the first shapes that differ.
    """
    for one, other in zip(a, b, strict=True):
        if one.shape != other.shape:
            raise ValueError(f"restored must have the size of clean: {tuple(one.shape)} and {tuple(other.shape)}")


class MeanDistance(nn.Module):
    """Mean distance of each sample to the truth, 1/K Σᵢ d(x, x̂ᵢ), averaged over images.

    It rewards collapse: for one y its expectation is least where every sample is the same image, the one nearest on
    average to all that y allows. For samplers, ``EnergyScore`` over the same distance has no such preference.

    Args:
        distance: what is compared; if it is a module, part of the penalty.
    """

    min_samples = 1

    def __init__(self, distance: Distance) -> None:
        super().__init__()
        self.distance = distance

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The mean distance, a scalar; no gradient goes to ``clean``.

        Raises:
            ValueError: if the images are integers.
        """
        samples, truth = embed_samples(self.distance, samples_KBCHW, clean)
        return self.distance.between(samples, truth).mean()


def embed_samples(distance: Distance, samples_KBCHW: Tensor, clean: Tensor) -> tuple[Embedding, Embedding]:
    """Embeddings of K * B samples, and of the truth of each without a graph; every image is embedded once."""
    K = len(samples_KBCHW)
    with torch.no_grad():
        truth = distance.embed(at_least_fp32(clean))
    samples = distance.embed(at_least_fp32(samples_KBCHW).flatten(0, 1))
    return samples, [x.repeat(K, *[1] * (x.dim() - 1)) for x in truth]
