"""Distance of every sample from the clean image: the plain, reference-based form of a perceptual loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .distance import Distance


class Reference(nn.Module):
    """1/K Σᵢ d(x̂ᵢ, x), the mean over images. Least, for a fixed y, at one answer: it rewards samples that agree.

    Args:
        distance: d.
    """

    min_samples = 1

    def __init__(self, distance: Distance) -> None:
        super().__init__()
        self.distance = distance

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The mean distance, a scalar."""
        truth = self.distance.embed(clean)
        return torch.stack([self.distance.between(self.distance.embed(x), truth).mean() for x in samples_KBCHW]).mean()
