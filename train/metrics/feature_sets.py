"""Distances of two sets of feature vectors that are kept whole: KID, precision and recall."""

import math

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from ...checks import require_at_least
from .frechet import require_vectors

ROWS = 1024  # of the kernel matrix, held at once
FEW_ROWS = 256  # of distances, which take no matrix product


class FeatureSets(Metric):
    """Restored and clean features, in fp32. They are kept flat, so that a rank may have none: it gathers as it should.

    Args:
        dimensions: d of the features.

    Raises:
        ValueError: if ``dimensions`` is below 1.
    """

    full_state_update = False
    restored: list[Tensor]
    clean: list[Tensor]

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        require_at_least(1, dimensions=dimensions)
        self.dimensions = dimensions
        for side in ("restored", "clean"):
            self.add_state(side, [], dist_reduce_fx="cat")

    def update(self, features: Tensor, real: bool) -> None:
        """Add vectors (N, d); ``real`` for those of clean images.

        Raises:
            ValueError: if they have another shape.
        """
        require_vectors(features, self.dimensions)
        (self.clean if real else self.restored).append(features.float().flatten())

    def sets(self, least: int) -> tuple[Tensor, Tensor]:
        """Restored (n, d) and clean (m, d), float64, sorted by value: any order of updates gives the same.

        Args:
            least: vectors a set.

        Raises:
            ValueError: if a set has fewer.
        """
        restored, clean = (
            dim_zero_cat(side).view(-1, self.dimensions) if len(side) else torch.zeros(0, self.dimensions)
            for side in (self.restored, self.clean)
        )
        require_at_least(least, **{"number of restored images": len(restored), "number of clean images": len(clean)})
        return _sorted(restored.double()), _sorted(clean.double())


def _sorted(vectors: Tensor) -> Tensor:
    """Rows in lexicographic order."""
    return vectors[torch.from_numpy(np.lexsort(vectors.T.flip(0).cpu().numpy())).to(vectors.device)]


class KID(FeatureSets):
    """Squared maximum mean discrepancy under k(a, b) = (aᵀb / d + 1)³: the unbiased U-statistic (arXiv 1801.01401).

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


class PrecisionRecall(FeatureSets):
    """Share of restored vectors within the clean ones' manifold, and the reverse (arXiv 1904.06991).

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
    return torch.cat(
        [_distances(rows, vectors).kthvalue(neighbours + 1).values for rows in torch.split(vectors, FEW_ROWS)]
    )


def _share_within(vectors: Tensor, centres: Tensor, radii: Tensor) -> float:
    """Of vectors that lie in a ball around a centre."""
    within = [(_distances(rows, centres) <= radii).any(dim=1) for rows in torch.split(vectors, FEW_ROWS)]
    return float(torch.cat(within).double().mean())
