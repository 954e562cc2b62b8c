"""Precision and recall of a set of features (arXiv 1904.06991)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...checks import require_at_least
from .feature_sets import FeatureSets

ROWS = 256  # of distances, held at once


class PrecisionRecall(FeatureSets):
    """Share of restored vectors within the clean ones' manifold, and of clean within the restored ones'.

    The manifold of a set is the union of closed balls around its vectors, each reaching to the k-th nearest other
    vector of the set. Compared at equal n only: more vectors have smaller balls.

    Args:
        dimensions: d of the features.
        neighbours: k.

    Raises:
        ValueError: if an argument is below 1.
    """

    def __init__(self, dimensions: int, neighbours: int = 3) -> None:
        super().__init__(dimensions)
        require_at_least(1, neighbours=neighbours)
        self.neighbours = neighbours

    def compute(self) -> dict[str, float]:
        """``precision`` and ``recall``, shares in [0, 1].

        Raises:
            ValueError: if a side has fewer than k + 1 vectors.
        """
        restored, clean = self.sets(least=self.neighbours + 1)
        return {
            "precision": _share_within(restored, clean, _radii(clean, self.neighbours)),
            "recall": _share_within(clean, restored, _radii(restored, self.neighbours)),
        }


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean, from differences: of equal vectors exactly 0, where the expanded square leaves a rest."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def _radii(vectors: Tensor, neighbours: int) -> Tensor:
    """Distance of each vector from its k-th nearest other, (n,); it is its own nearest."""
    return torch.cat([_distances(rows, vectors).kthvalue(neighbours + 1).values for rows in torch.split(vectors, ROWS)])


def _share_within(vectors: Tensor, centres: Tensor, radii: Tensor) -> float:
    """Of vectors that lie in a ball around a centre."""
    within = [(_distances(rows, centres) <= radii).any(dim=1) for rows in torch.split(vectors, ROWS)]
    return float(torch.cat(within).double().mean())
