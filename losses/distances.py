"""The seam of distances between images: embed each image once, compare embeddings as often as needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Features = Callable[[Tensor], Sequence[Tensor]]
"""(N, C, H, W) in [0, 1] -> activations (N, C_l, H_l, W_l) of each tap l."""

Embedding = Sequence[Tensor]
"""What a distance remembers of N images: tensors (N, ...)."""


@runtime_checkable
class Distance(Protocol):
    """How far images are from each other. ``between`` of images that are equal is 0, up to rounding."""

    def embed(self, images: Tensor) -> Embedding:
        """What is compared, of (N, C, H, W) in [0, 1]."""
        ...

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """Distances of the images of ``a`` (restored) from those of ``b`` (clean), pair by pair: (N,), at least 0."""
        ...


def mean_distance(distance: Distance, restored: Tensor, clean: Tensor) -> Tensor:
    """Of two batches (N, C, H, W), a scalar."""
    return distance.between(distance.embed(restored), distance.embed(clean)).mean()


def without_autocast(tensor: Tensor) -> torch.autocast:
    """Matrix products and convolutions within keep the precision of their inputs."""
    return torch.autocast(tensor.device.type, enabled=False)


def require_same_shapes(a: Embedding, b: Embedding) -> None:
    """Refuse embeddings that cannot be compared place by place.

    Raises:
        ValueError: naming the first shapes that differ.
    """
    for one, other in zip(a, b, strict=True):
        if one.shape != other.shape:
            raise ValueError(
                f"restored gives {tuple(one.shape)} and clean {tuple(other.shape)}; this distance compares place by "
                "place, and takes images of one size"
            )


def require_weights(weights: Sequence[float] | None) -> None:
    """Refuse tap weights below 0, or no weight above 0.

    Raises:
        ValueError: naming them.
    """
    if weights is not None and (not all(weight >= 0 for weight in weights) or not any(weights)):
        raise ValueError(f"weights is {list(weights)}; allowed are numbers of at least 0, one of them above 0, or null")


def weighted_sum(terms: Sequence[Tensor], weights: Sequence[float] | None) -> Tensor:
    """Sum of the distances of taps, each (N,), times their weights; None weighs all taps 1.

    Raises:
        ValueError: if there is not one weight a tap.
    """
    factors = [1.0] * len(terms) if weights is None else weights
    if len(factors) != len(terms):
        raise ValueError(f"weights has {len(factors)} numbers; the features have {len(terms)} taps")
    return torch.stack([factor * term for factor, term in zip(factors, terms, strict=True)]).sum(0)


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


class PatchDistance(nn.Module):
    """Root mean square of a − b over a patch, averaged over overlapping patches of several sizes.

    A norm for every patch, over its channels and pixels, so the energy score of this distance is least for the true
    joint law of every patch and no other (Gneiting and Raftery 2007, section 4.3; a sum of proper scores is proper).
    One norm over the whole image would ask for the joint law of all pixels, but tell little of it: norms of many values
    hardly vary. With ``sides`` [1] each pixel's colours are judged together and nothing else.

    Args:
        sides: of the patches, in pixels; patches are half their side apart. Rows and columns that fill no patch are
            left out.

    Raises:
        ValueError: if there is no side, or one is below 1.
    """

    def __init__(self, sides: Sequence[int] = (1, 2, 4, 8)) -> None:
        super().__init__()
        if not sides or min(sides) < 1:
            raise ValueError(f"sides is {list(sides)}; allowed are one or more sides of at least 1 pixel")
        self.sides = tuple(sides)

    def embed(self, images: Tensor) -> Embedding:
        """The images, in fp32 or above.

        Raises:
            ValueError: if the largest patch does not fit into them.
        """
        if max(self.sides) > min(images.shape[-2:]):
            raise ValueError(f"sides is {list(self.sides)}; images of {tuple(images.shape[-2:])} hold no such patch")
        return [at_least_fp32(images)]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the images; the gradient of patches that are equal is 0.

        Raises:
            ValueError: if the images differ in size.
        """
        require_same_shapes(a, b)
        squares = (a[0] - b[0]).square().mean(dim=1, keepdim=True)
        roots = [safe_root(F.avg_pool2d(squares, side, max(1, side // 2))) for side in self.sides]
        return torch.stack([root.mean(dim=(1, 2, 3)) for root in roots]).mean(dim=0)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)


def safe_root(squares: Tensor) -> Tensor:
    """Square root of numbers of at least 0; a zero passes no gradient."""
    positive = squares > 0
    return torch.where(positive, torch.where(positive, squares, 1.0).sqrt(), 0.0)


def at_least_fp32(tensor: Tensor) -> Tensor:
    """Raise fp16 and bf16 to fp32; leave fp32 and float64 as they are.

    Raises:
        ValueError: if it holds whole numbers, as images of 0 to 255 do.
    """
    if not tensor.is_floating_point():
        raise ValueError(f"images are {tensor.dtype}; allowed are floating-point values in [0, 1]")
    return tensor.float() if tensor.dtype.itemsize < 4 else tensor


class Reference(nn.Module):
    """Mean distance of each sample to the truth, 1/K Σᵢ d(x, x̂ᵢ), averaged over images.

    It rewards collapse: for one y its expectation is least where every sample is the same image, the one nearest on
    average to all that y allows. For samplers, ``EnergyScore`` over the same distance has no such preference.

    Args:
        distance: what is compared; a module moves with the penalty.
    """

    min_samples = 1

    def __init__(self, distance: Distance) -> None:
        super().__init__()
        self.distance = distance

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The mean distance, a scalar; no gradient goes to ``clean``.

        Raises:
            ValueError: if the images are whole numbers.
        """
        K = len(samples_KBCHW)
        with torch.no_grad():
            truth = self.distance.embed(at_least_fp32(clean))
        drawn = self.distance.embed(at_least_fp32(samples_KBCHW).flatten(0, 1))
        return self.distance.between(drawn, [x.repeat(K, *[1] * (x.dim() - 1)) for x in truth]).mean()
