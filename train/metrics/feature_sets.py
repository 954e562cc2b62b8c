"""Two sets of feature vectors, kept whole, in an order of their own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from ...checks import require_at_least
from .fid import require_vectors


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
