"""Mean absolute difference of frozen features, place by place: the plain perceptual loss (arXiv 1603.08155, in L1)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .distance import (
    Embedding,
    Features,
    mean_distance,
    require_same_shapes,
    require_weights,
    weighted_sum,
    without_autocast,
)
from .precision import at_least_fp32


class FeatureL1(nn.Module):
    """Σ_l w_l mean |f_l(x̂) − f_l(x)|, the mean over channels and positions of tap l.

    Alone it is least, for a fixed y, at one answer, the median of every feature. In an energy score it is the CRPS of
    every feature.

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
        """The activations, in fp32 or above."""
        with without_autocast(images):
            return self.features(at_least_fp32(images))

    def between(self, a: Embedding, b: Embedding) -> Tensor:
        """(N,), in units of the activations.

        Raises:
            ValueError: if the images differ in size, or there is not one weight a tap.
        """
        require_same_shapes(a, b)
        terms = [(one - other).abs().flatten(1).mean(1) for one, other in zip(a, b, strict=True)]
        return weighted_sum(terms, self.weights)

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Mean over the batch, a scalar."""
        return mean_distance(self, restored, clean)
