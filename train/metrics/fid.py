"""Fréchet distance of two sets of features (arXiv 1706.08500), called FID on those of Inception."""

from __future__ import annotations

from torch import Tensor

from ...checks import require_at_least
from .gaussian import mean_and_covariance, squared_bures
from .image_metric import ImageMetric

LEAST = 2  # vectors a set: what a covariance needs
SIDES = ("restored", "clean")


class FID(ImageMetric):
    """Squared Wasserstein-2 distance of the Gaussians fitted to restored and clean features, from float64 sums.

    With means m and unbiased covariances Σ::

        |m₁ − m₂|² + Tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½)

    Biased upward by what n vectors say too little, the more the fewer they are: compared at equal n only. torchmetrics'
    own works on images, takes roots of eigenvalues of Σ₁Σ₂ and rounds to the type of the features.

    Args:
        dimensions: d of the features.

    Raises:
        ValueError: if ``dimensions`` is below 1.
    """

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        require_at_least(1, dimensions=dimensions)
        self.dimensions = dimensions
        for side in SIDES:
            for name, shape in (("count", ()), ("sum", (dimensions,)), ("products", (dimensions, dimensions))):
                self.add_sums([f"{side}_{name}"], *shape)

    def update(self, features: Tensor, real: bool) -> None:
        """Add vectors (N, d); ``real`` for those of clean images.

        Raises:
            ValueError: if they have another shape.
        """
        require_vectors(features, self.dimensions)
        vectors, side = features.double(), SIDES[real]
        sums: dict[str, Tensor | float] = {
            "count": len(vectors),
            "sum": vectors.sum(0),
            "products": vectors.T @ vectors,
        }
        self.add(**{f"{side}_{name}": value for name, value in sums.items()})

    def compute(self) -> dict[str, float]:
        """``fid``, at least 0.

        Raises:
            ValueError: if a side has fewer than 2 vectors.
        """
        require_at_least(LEAST, **{f"number of {side} images": int(getattr(self, f"{side}_count")) for side in SIDES})
        sums = [[getattr(self, f"{side}_{name}") for name in ("count", "sum", "products")] for side in SIDES]
        (mean, covariance), (other_mean, other) = (mean_and_covariance(*side) for side in sums)
        return {"fid": float((mean - other_mean).square().sum() + squared_bures(covariance, other))}


def require_vectors(features: Tensor, dimensions: int) -> None:
    """Refuse what are no vectors of so many dimensions.

    Raises:
        ValueError: naming shape and what is allowed.
    """
    if features.ndim != 2 or features.shape[1] != dimensions:
        raise ValueError(f"features is {tuple(features.shape)}; allowed is (N, {dimensions})")
