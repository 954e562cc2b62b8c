"""Intervals from the bootstrap over images, and paired differences of methods."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ...rng import key

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """It holds what all images of the kind would give 95 times in 100."""

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


def interval(value: float, replicates: Sequence[float], images: int) -> Interval | None:
    """Student's interval from the standard error that the replicates give; None of one image, or what is not finite.

    Their variance is that of a mean times (n - 1)/n for n images (Hesterberg 2014, arXiv 1411.5279). Percentiles of
    them hold the mean of normal values 48 times in 100 for 2 images, 84 for 5, 92 for 16; this interval 95 for any n.
    Both hold less of skewed values, of log-normal ones of sigma 1 and 8 images 78 and 83.
    """
    if min(images, len(replicates)) < 2 or not all(map(math.isfinite, (value, *replicates))):
        return None
    error = math.sqrt(float(torch.tensor(replicates, dtype=torch.float64).var()) * images / (images - 1))
    return student(value, error, min(images, len(replicates)) - 1)


def student(value: float, error: float, freedom: int) -> Interval | None:
    """That of a value with a standard error of so many degrees of freedom; None for none."""
    from scipy.special import stdtrit  # of the extra ``evaluate``

    margin = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error if freedom > 0 else math.inf
    return Interval(value - margin, value + margin) if math.isfinite(margin) else None
