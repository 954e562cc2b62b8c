"""Conditional Fréchet distance between truth and sample given y, from one sample a y (arXiv 2103.11521)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...checks import require_at_least
from .fid import require_vectors
from .gaussian import mean_and_covariance, squared_bures
from .image_metric import ImageMetric


class CFID(ImageMetric):
    """CFID of features a of truths, b of samples and c of conditions, from float64 sums of all cross products.

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
            raise ValueError(f"kept is {kept}; allowed is 1 to {dimensions}, the dimensions of the features")
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
