"""The seam of distances between images: embed each image once, compare embeddings as often as needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

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
