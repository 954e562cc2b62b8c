"""Fréchet distances of Gaussians fitted to features, from sums: FID, and CFID given y."""

import torch
from torch import Tensor

from ...checks import require_at_least
from .image_metric import ImageMetric

SIDES = ("restored", "clean")


class FID(ImageMetric):
    """Squared Wasserstein-2 distance of the Gaussians fitted to two sets of features (arXiv 1706.08500), float64 sums.

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
        require_at_least(2, **{f"number of {side} images": int(getattr(self, f"{side}_count")) for side in SIDES})
        sums = [[getattr(self, f"{side}_{name}") for name in ("count", "sum", "products")] for side in SIDES]
        (mean, covariance), (other_mean, other) = (mean_and_covariance(*side) for side in sums)
        return {"fid": float((mean - other_mean).square().sum() + squared_bures(covariance, other))}


def require_vectors(features: Tensor, dimensions: int) -> None:
    """Raise a ValueError unless features are (N, dimensions)."""
    if features.ndim != 2 or features.shape[1] != dimensions:
        raise ValueError(f"features must be (N, {dimensions}), got {tuple(features.shape)}")


class CFID(ImageMetric):
    """CFID (arXiv 2103.11521) of features a of truths, b of samples and c of conditions; float64 sums.

    The mean over c of the squared Wasserstein-2 distance of the Gaussians fitted to a given c and to b given c::

        |m_a − m_b|² + Tr[(Σ_ac − Σ_bc) Σ_cc⁻¹ (Σ_ca − Σ_cb)]
        + Tr[Σ_a|c + Σ_b|c − 2 (Σ_a|c^½ Σ_b|c Σ_a|c^½)^½],    Σ_a|c = Σ_aa − Σ_ac Σ_cc⁻¹ Σ_ca

    Unlike FID it sees a sample that is sharp and of another y. Directions in which c does not vary say nothing, so the
    inverse is a pseudo-inverse. Biased upward unless n is far above D: compare at equal n and D, and with its floor.

    Args:
        dimensions: d of the features.
        kept: D, how many dimensions are compared: the first of a random rotation of the features, the same for all
            three and for any D. None is all of them, as they are.
        seed: of the rotation.

    Raises:
        ValueError: if ``kept`` is not in [1, ``dimensions``].
    """

    count: Tensor
    sum: Tensor
    products: Tensor

    def __init__(self, dimensions: int, kept: int | None = None, seed: int = 0) -> None:
        super().__init__()
        self.dimensions, self.kept = dimensions, dimensions if kept is None else kept
        if not 1 <= self.kept <= dimensions:
            raise ValueError(f"kept must be in [1, {dimensions}], got {kept}")
        self._projection = None if kept is None else rotation(dimensions, kept, seed)
        for name, shape in (("count", ()), ("sum", (3 * self.kept,)), ("products", (3 * self.kept, 3 * self.kept))):
            self.add_sums([name], *shape)

    @property
    def least_images(self) -> int:
        """2 D + 1: with fewer, the joint covariance of a and c is singular and what c leaves of a is made of error."""
        return 2 * self.kept + 1

    def update(self, truth: Tensor, sample: Tensor, condition: Tensor) -> None:
        """Add features a, b and c of the same images, (N, d) each.

        Raises:
            ValueError: if they have another shape, or not as many vectors.
        """
        for features in (truth, sample, condition):
            require_vectors(features, self.dimensions)
        if not len(truth) == len(sample) == len(condition):
            raise ValueError(f"there are {len(truth)} truths, {len(sample)} samples and {len(condition)} conditions")
        joint = torch.cat([self._projected(features.double()) for features in (truth, sample, condition)], dim=1)
        self.add(count=len(joint), sum=joint.sum(0), products=joint.T @ joint)

    def _projected(self, features: Tensor) -> Tensor:
        return features if self._projection is None else features @ self._projection.to(features.device)

    def compute(self) -> dict[str, float]:
        """``cfid``, at least 0.

        Raises:
            ValueError: if there are fewer than ``least_images``.
        """
        require_at_least(self.least_images, **{"number of images": int(self.count)})
        mean, covariance = mean_and_covariance(self.count, self.sum, self.products)
        blocks = covariance.view(3, self.kept, 3, self.kept).transpose(1, 2)
        (aa, _, ac), (_, bb, bc), (_, _, cc) = blocks
        inverse = torch.linalg.pinv(cc, hermitian=True)
        mean_a, mean_b, _ = mean.view(3, self.kept)
        explained = ((ac - bc) @ inverse * (ac - bc)).sum()
        left = squared_bures(aa - ac @ inverse @ ac.T, bb - bc @ inverse @ bc.T)
        return {"cfid": float((mean_a - mean_b).square().sum() + explained + left)}


def rotation(dimensions: int, kept: int, seed: int) -> Tensor:
    """Orthonormal columns (dimensions, kept), float64; those of a smaller ``kept`` are the first of a larger one's."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randn(dimensions, generator=generator, dtype=torch.float64) for _ in range(kept)]
    columns, triangle = torch.linalg.qr(torch.stack(rows, dim=1))
    turned: Tensor = columns * triangle.diagonal().sign()
    return turned


def mean_and_covariance(count: Tensor, total: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d) of n vectors, from n, Σ v and Σ v vᵀ, all float64."""
    mean = total / count
    return mean, (products - count * torch.outer(mean, mean)) / (count - 1)


def squared_bures(covariance: Tensor, other: Tensor) -> Tensor:
    """Squared W2 distance of two centred Gaussians, Tr(A + B − 2 (A^½ B A^½)^½), a scalar of at least 0.

    With A = F Fᵀ and B = G Gᵀ the last root has the trace of the singular values of Fᵀ G. They are exact to rounding
    where covariances are singular, as those of fewer vectors than dimensions are; roots of the eigenvalues of a
    product of covariances keep half the digits there.
    """
    cross: Tensor = torch.linalg.svdvals(_factor(covariance).T @ _factor(other)).sum()
    return (covariance.trace() + other.trace() - 2 * cross).clamp(min=0)


def bures(covariance: Tensor, other: Tensor) -> float:
    """``squared_bures`` a value: over the n of the covariances."""
    return float(squared_bures(covariance, other)) / len(other)


def _factor(covariance: Tensor) -> Tensor:
    """F (d, r) with F Fᵀ the covariance, from its eigenvectors; those with eigenvalues of rounding are left out."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1]
    return vectors[:, kept] * values[kept].sqrt()
