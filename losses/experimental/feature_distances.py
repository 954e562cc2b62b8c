"""Distances of frozen features beside those of ``perceptual``.

What they showed: beside ``patch_energy`` on the demo each took spread away (alone it has spread / skill 1.16, gain of
averaging 3.09 dB), as every distance to the one truth does: ``Contextual`` 0.66 and 1.26 dB, ``SlicedWasserstein`` 0.56
and 0.94 dB, ``Gram`` 0.22, which also ruined the restorations (4.3 dB for 14.7; docs/objectives.md).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ...checks import require_at_least, require_in
from ..perceptual import FeatureDistance, Features, ProjectedDistributionLoss

EPSILON = 1e-5  # of the contextual loss: the paper's, against division by a distance of 0


class Contextual(FeatureDistance):
    """Contextual loss (Mechrez et al., arXiv 1803.02077): every feature of x finds a like one in x̂.

    Σ_l −w_l log CX, with a_i of x̂ and b_j of x the feature vectors of positions, and μ the mean of the b_j.

    Here::

        d_ij = 1 − cos(a_i − μ, b_j − μ)          d̃_ij = d_ij / (min_k d_ik + ε)
        w_ij = exp((1 − d̃_ij) / h)                CX = mean_j max_i (w_ij / Σ_k w_ik)

    CX lies in (0, 1]. It is not symmetric, x̂ first, and no metric: the energy form ``EnergyScore`` of it is no proper
    score, and may prefer another sampler to the posterior.

    Time and memory grow with the square of the positions, so at most ``positions`` of each tap are compared, the same
    set in every image of a size.

    Args:
        features: see ``FeatureDistance``.
        weights: w_l, one a tap; None for 1.
        bandwidth: h.
        positions: most that are compared; drawn once from ``seed``.
        seed: of the set of positions.
    """

    def __init__(
        self,
        features: Features,
        weights: Sequence[float] | None = None,
        bandwidth: float = 0.5,
        positions: int = 1024,
        seed: int = 0,
    ) -> None:
        super().__init__(features, weights)
        require_at_least(1, positions=positions)
        require_in("(0, inf)", bandwidth=bandwidth)
        self.bandwidth, self.positions, self.seed = bandwidth, positions, seed

    def summary(self, tap: int, activation: Tensor) -> Tensor:
        """Feature vectors of the compared positions, (N, C_l, P) with P at most ``positions``."""
        vectors = activation.flatten(2)
        count = vectors.shape[-1]
        if count <= self.positions:
            return vectors
        order = torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))
        return vectors[..., order[: self.positions].to(vectors.device)]

    def of_tap(self, a: Tensor, b: Tensor) -> Tensor:
        """−log CX, (N,)."""
        mean = b.mean(-1, keepdim=True)
        a, b = F.normalize(a - mean, dim=1), F.normalize(b - mean, dim=1)
        d = (1 - a.transpose(1, 2) @ b).clamp(min=0)  # rounding may leave −1e-7
        relative = d / (d.amin(dim=2, keepdim=True) + EPSILON)
        affinity = ((1 - relative) / self.bandwidth).softmax(dim=2)
        return -affinity.amax(dim=1).mean(dim=1).log()


class Gram(FeatureDistance):
    """Style loss (Gatys et al., arXiv 1508.06576): squared difference of Gram matrices of features.

    Σ_l w_l / (4 C²) Σ_{ij} (G_ij(x̂) − G_ij(x))², where G_ij = mean of f_i f_j over positions of tap l.

    The paper divides by 4 C² M² with G a sum over M positions: the same, and images may differ in size. It is a squared
    distance, so in an energy score it sees the mean of G alone.
    """

    def summary(self, tap: int, activation: Tensor) -> Tensor:
        """G, (N, C_l, C_l)."""
        vectors = activation.flatten(2)
        return vectors @ vectors.transpose(1, 2) / vectors.shape[-1]

    def of_tap(self, a: Tensor, b: Tensor) -> Tensor:
        """(N,), in units of the activations to the fourth power."""
        return (a - b).square().flatten(1).mean(1) / 4


class SlicedWasserstein(ProjectedDistributionLoss):
    """Sliced Wasserstein distance of features (Heitz et al., arXiv 2006.07229).

    ``ProjectedDistributionLoss`` along random directions θ of channel space in place of the channels.

    They also see how channels vary together. They have norm 1, so that for channels that vary alike and apart their
    distances are of the channels' size.

    Args:
        features: see ``FeatureDistance``.
        weights: w_l, one a tap; None for 1.
        p: 1 or 2.
        directions: how many a tap.
        seed: of the directions, which stay the same.
    """

    def __init__(
        self,
        features: Features,
        weights: Sequence[float] | None = None,
        p: int = 1,
        directions: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(features, weights, p, seed=seed)
        require_at_least(1, directions=directions)
        self.directions = directions

    def project(self, tap: int, values: Tensor) -> Tensor:
        """θᵀf, (N, C, P) to (N, D, P)."""
        shape = (self.directions, values.shape[1])
        directions = torch.randn(shape, generator=self.generator(tap), dtype=torch.float64)
        unit: Tensor = directions / directions.norm(dim=1, keepdim=True)
        return unit.to(values) @ values
