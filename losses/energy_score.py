"""Energy score (Gneiting and Raftery 2007) of K samples against one truth, in any distance."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from .distance import Distance


class EnergyScore(nn.Module):
    """1/K Σᵢ d(x̂ᵢ, x) − (1 − ε) / (K(K−1)) Σ_{i<j} d(x̂ᵢ, x̂ⱼ), ε = (1 − α)/K, the mean over images.

    Args:
        distance: d, a metric of negative type for the score to be proper.
        alpha: 1 is the fair score, 0 the standard one.

    Raises:
        ValueError: if ``alpha`` leaves [0, 1].
    """

    min_samples = 2

    def __init__(self, distance: Distance, alpha: float = 1.0) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha is {alpha}; allowed is a number in [0, 1]")
        self.distance, self.alpha = distance, alpha

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The score, a scalar."""
        truth = self.distance.embed(clean)
        samples = [self.distance.embed(x) for x in samples_KBCHW]
        error = torch.stack([self.distance.between(x, truth).mean() for x in samples]).mean()
        apart = torch.stack([self.distance.between(a, b).mean() for a, b in combinations(samples, 2)]).mean()
        return error - (1 - (1 - self.alpha) / len(samples)) / 2 * apart
