"""Distances in decibels. Programs that only restore use them too, so nothing here needs torchmetrics.

PSNR of images in [0, 1] is −10 log10(MSE). Ratios and errors below 1e-20 count as 1e-20, which is 200 dB, so that
tables and JSON files stay finite.
"""

import math

from torch import Tensor

SMALLEST = 1e-20


def decibels(ratio: float | Tensor) -> float:
    """10 log10 of a ratio of powers."""
    return 10 * math.log10(max(float(ratio), SMALLEST))


def psnr(mean_squared_error: float | Tensor) -> float:
    """In dB, for images in [0, 1]."""
    return -decibels(mean_squared_error)


def gain_db_exact(num_samples: int) -> float:
    """What averaging K samples gains over one if they are exact: MSE_K = (1 + 1/K) MMSE, so 10 log10(2K / (K + 1))."""
    return 10 * math.log10(2 * num_samples / (num_samples + 1))
