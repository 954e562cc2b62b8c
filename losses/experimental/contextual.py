"""Contextual loss of Mechrez, Talmi, Zelnik-Manor (arXiv 1803.02077): every feature of x finds a like one in x̂."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...checks import require_at_least
from ..distances import (
    Embedding,
    Features,
    at_least_fp32,
    mean_distance,
    require_weights,
    weighted_sum,
    without_autocast,
)

EPSILON = 1e-5  # the paper's, against division by a distance of 0


class Contextual(nn.Module):
    """Σ_l −w_l log CX, with a_i of x̂ and b_j of x the feature vectors of positions, and μ the mean of the b_j.

    Here::

        d_ij = 1 − cos(a_i − μ, b_j − μ)          d̃_ij = d_ij / (min_k d_ik + ε)
        w_ij = exp((1 − d̃_ij) / h)                CX = mean_j max_i (w_ij / Σ_k w_ik)

    CX lies in (0, 1]. It is not symmetric, x̂ first, and no metric: the energy form ``EnergyScore`` of it is no proper
    score, and may prefer another sampler to the posterior.

    Time and memory grow with the square of the positions, so at most ``positions`` of each tap are compared, the same
    set in every image of a size.

    Args:
        features: (N, C, H, W) in [0, 1] to activations (N, C_l, H_l, W_l) of each tap.
        weights: w_l, one a tap; None for 1.
        bandwidth: h.
        positions: most that are compared; drawn once from ``seed``.
        seed: of the set of positions.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(
        self,
        features: Features,
        weights: Sequence[float] | None = None,
        bandwidth: float = 0.5,
        positions: int = 1024,
        seed: int = 0,
    ) -> None:
        super().__init__()
        require_weights(weights)
        require_at_least(1, positions=positions)
        if not bandwidth > 0:
            raise ValueError(f"bandwidth is {bandwidth}; allowed is more than 0")
        self.features, self.weights = features, weights
        self.bandwidth, self.positions, self.seed = bandwidth, positions, seed

    def embed(self, images: Tensor) -> Embedding:
        """Feature vectors of the compared positions, (N, C_l, P) with P at most ``positions``, in fp32 or above."""
        with without_autocast(images):
            return [self._chosen(feature.flatten(2)) for feature in self.features(at_least_fp32(images))]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), at least 0.

        Raises:
            ValueError: if there is not one weight a tap.
        """
        with without_autocast(a[0]):
            return weighted_sum([self._tap(one, other) for one, other in zip(a, b, strict=True)], self.weights)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)

    def _chosen(self, vectors: Tensor) -> Tensor:
        count = vectors.shape[-1]
        if count <= self.positions:
            return vectors
        order = torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))
        return vectors[..., order[: self.positions].to(vectors.device)]

    def _tap(self, a: Tensor, b: Tensor) -> Tensor:
        mean = b.mean(-1, keepdim=True)
        a, b = F.normalize(a - mean, dim=1), F.normalize(b - mean, dim=1)
        d = (1 - a.transpose(1, 2) @ b).clamp(min=0)  # rounding may leave −1e-7
        relative = d / (d.amin(dim=2, keepdim=True) + EPSILON)
        affinity = ((1 - relative) / self.bandwidth).softmax(dim=2)
        return -affinity.amax(dim=1).mean(dim=1).log()
