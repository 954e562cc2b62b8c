"""Kernel distance of two sets of features (arXiv 1801.01401), called KID on those of Inception."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...checks import require_at_least
from .feature_sets import FeatureSets

ROWS = 1024  # of the kernel matrix, held at once


class KID(FeatureSets):
    """Squared maximum mean discrepancy under k(a, b) = (aᵀb / d + 1)³: the unbiased U-statistic of all vectors.

    Its expectation is 0 for equal distributions at any n, so a value below 0 says no difference. The field prints it
    times 1,000; this is the plain value. The error is what ``subsets`` disjoint subsets say: the standard deviation of
    their values over √subsets. Where the distributions are equal it is too large, by about the same root.

    Args:
        dimensions: d of the features.
        subsets: disjoint ones for the error.
        seed: of the subsets.

    Raises:
        ValueError: if ``dimensions`` is below 1 or ``subsets`` below 2.
    """

    def __init__(self, dimensions: int, subsets: int = 10, seed: int = 0) -> None:
        super().__init__(dimensions)
        require_at_least(2, subsets=subsets)
        self.subsets, self.seed = subsets, seed

    def compute(self) -> dict[str, float]:
        """``kid`` and ``kid_error``.

        Raises:
            ValueError: if a side has fewer than two vectors a subset.
        """
        restored, clean = self.sets(least=2 * self.subsets)
        generator = torch.Generator().manual_seed(self.seed)
        parts = [
            vectors[torch.randperm(len(vectors), generator=generator).to(vectors.device)].tensor_split(self.subsets)
            for vectors in (restored, clean)
        ]
        values = torch.tensor([squared_mmd(a, b) for a, b in zip(*parts, strict=True)], dtype=torch.float64)
        return {"kid": squared_mmd(restored, clean), "kid_error": float(values.std()) / self.subsets**0.5}


def squared_mmd(a: Tensor, b: Tensor) -> float:
    """The unbiased estimate from (n, d) and (m, d), each of at least 2."""
    n, m = len(a), len(b)
    within = (_kernel_sum(a, a) - _own(a)) / (n * (n - 1)) + (_kernel_sum(b, b) - _own(b)) / (m * (m - 1))
    return within - 2 * _kernel_sum(a, b) / (n * m)


def _kernel_sum(a: Tensor, b: Tensor) -> float:
    """Of k over all pairs."""
    return math.fsum(float((rows @ b.T / b.shape[1] + 1).pow(3).sum()) for rows in torch.split(a, ROWS))


def _own(a: Tensor) -> float:
    """Of k over the pairs of each vector with itself."""
    return float((a.square().mean(1) + 1).pow(3).sum())
