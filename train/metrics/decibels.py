"""Squared errors in decibels, and what averaging samples must gain."""

from __future__ import annotations

import math

from torch import Tensor


def psnr(mean_squared_error: float | Tensor) -> float:
    """In dB, for images in [0, 1]."""
    return -10 * math.log10(max(float(mean_squared_error), 1e-20))


def gain_db_exact(num_samples: int) -> float:
    """What averaging K samples gains over one if they are exact: MSE_K = (1 + 1/K) MMSE, so 10 log10(2K / (K + 1))."""
    return 10 * math.log10(2 * num_samples / (num_samples + 1))
