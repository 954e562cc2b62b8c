"""Contextual loss of Mechrez, Talmi, Zelnik-Manor (arXiv 1803.02077): every feature of x finds a like one in x̂.

What it showed: beside ``patch_energy`` on the demo it took spread away (spread / skill 0.66, gain of averaging 1.26 dB;
without it 1.16 and 3.09 dB), as every distance to the one truth does (docs/objectives.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ...checks import require_at_least
from ..perceptual import FeatureDistance, Features

EPSILON = 1e-5  # the paper's, against division by a distance of 0


class Contextual(FeatureDistance):
    """Σ_l −w_l log CX, with a_i of x̂ and b_j of x the feature vectors of positions, and μ the mean of the b_j.

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
        if not bandwidth > 0:
            raise ValueError(f"bandwidth must be > 0, got {bandwidth}")
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
