"""Squared difference of Gram matrices of features: the style loss of Gatys, Ecker, Bethge (arXiv 1508.06576)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..distances import (
    Embedding,
    Features,
    at_least_fp32,
    mean_distance,
    require_weights,
    weighted_sum,
    without_autocast,
)


class Gram(nn.Module):
    """Σ_l w_l / (4 C²) Σ_{ij} (G_ij(x̂) − G_ij(x))², where G_ij = mean of f_i f_j over positions of tap l.

    The paper divides by 4 C² M² with G a sum over M positions: the same, and images may differ in size. It is a squared
    distance, so in an energy score it sees the mean of G alone.

    Args:
        features: (N, C, H, W) in [0, 1] to activations (N, C_l, H_l, W_l) of each tap.
        weights: w_l, one a tap; None for 1.

    Raises:
        ValueError: if a weight is negative or all are 0.
    """

    def __init__(self, features: Features, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        require_weights(weights)
        self.features, self.weights = features, weights

    def embed(self, images: Tensor) -> Embedding:
        """G of each tap, (N, C_l, C_l), in fp32 or above."""
        with without_autocast(images):
            flat = [feature.flatten(2) for feature in self.features(at_least_fp32(images))]
            return [feature @ feature.transpose(1, 2) / feature.shape[-1] for feature in flat]

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the activations to the fourth power.

        Raises:
            ValueError: if there is not one weight a tap.
        """
        terms = [(one - other).square().flatten(1).mean(1) / 4 for one, other in zip(a, b, strict=True)]
        return weighted_sum(terms, self.weights)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)
