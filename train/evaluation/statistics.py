"""Intervals by the bootstrap over images, and paired differences of methods."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ...rng import key

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Where 95 % of the replicates lie."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies in it."""
        return self.low <= value <= self.high


def holds_zero(low: float, high: float, digits: int) -> bool:
    """Whether an interval holds 0, its ends rounded as they are shown: less than that is rounding, no difference."""
    return round(low, digits) <= 0 <= round(high, digits)


def resampled(images: int, replicates: int, seed: int) -> Tensor:
    """How often each image is drawn when as many are drawn with replacement, (replicates, images) float64.

    The same for all methods, so that their differences are paired (Efron and Tibshirani 1993, 8.3). Of one image
    nothing can be said: no replicate.
    """
    if images < 2:
        return torch.zeros(0, images, dtype=torch.float64)
    generator = torch.Generator().manual_seed(key(seed, "bootstrap", 0))
    drawn = torch.randint(images, (replicates, images), generator=generator)
    times = torch.zeros(replicates, images, dtype=torch.float64)
    return times.scatter_add_(1, drawn, torch.ones(replicates, images, dtype=torch.float64))


def interval(replicates: Sequence[float]) -> Interval | None:
    """Percentiles of a metric's replicates; None where there are none, or not all are finite."""
    if not replicates or not all(math.isfinite(value) for value in replicates):
        return None
    tails = torch.tensor([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], dtype=torch.float64)
    low, high = torch.quantile(torch.tensor(replicates, dtype=torch.float64), tails).tolist()
    return Interval(low, high)
