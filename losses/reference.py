"""A distance to the one truth there is, as losses for deterministic restorers use it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .distance import Distance
from .precision import at_least_fp32


class Reference(nn.Module):
    """Mean distance of each sample to the truth, 1/K Σᵢ d(x, x̂ᵢ), averaged over images.

    It rewards collapse: for one y its expectation is least where every sample is the same image, the one nearest on
    average to all that y allows. For samplers, ``EnergyScore`` over the same distance has no such preference.

    Args:
        distance: what is compared; a module moves with the penalty.
    """

    min_samples = 1

    def __init__(self, distance: Distance) -> None:
        super().__init__()
        self.distance = distance

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The mean distance, a scalar; no gradient goes to ``clean``.

        Raises:
            ValueError: if the images are whole numbers.
        """
        K = len(samples_KBCHW)
        with torch.no_grad():
            truth = self.distance.embed(at_least_fp32(clean))
        drawn = self.distance.embed(at_least_fp32(samples_KBCHW).flatten(0, 1))
        return self.distance.between([x.repeat(K, *[1] * (x.dim() - 1)) for x in truth], drawn).mean()
