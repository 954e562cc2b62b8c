"""The omnibus test of normality of D'Agostino and Pearson (Biometrika 1973), for many samples at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEAST_VALUES = 20  # below, the law of the kurtosis is too far from its approximation


def normality_p(values: Tensor) -> Tensor:
    """p-value of each row under the hypothesis that its values are independent and Gaussian, of any mean and variance.

    K² = Z(skewness)² + Z(kurtosis)² is about χ² with two degrees of freedom, so p = exp(−K²/2).

    Args:
        values: (rows, n).

    Returns:
        (rows,) float64 in [0, 1]; 0 where all values of a row are equal.

    Raises:
        ValueError: if n is below 20.
    """
    if values.shape[1] < LEAST_VALUES:
        raise ValueError(f"values has {values.shape[1]} in a row; allowed is {LEAST_VALUES} or more")
    centred = values.double() - values.double().mean(dim=1, keepdim=True)
    square = centred.square()
    variance = square.mean(dim=1)
    skewness = (square * centred).mean(dim=1) / variance**1.5
    kurtosis = square.square().mean(dim=1) / variance.square()
    n = values.shape[1]
    return (-0.5 * (_z_of_skewness(skewness, n).square() + _z_of_kurtosis(kurtosis, n).square())).exp().nan_to_num(0.0)


def _z_of_skewness(skewness: Tensor, n: int) -> Tensor:
    """Standard normal for Gaussian values (D'Agostino, Biometrika 1970)."""
    standardised = skewness * math.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    fourth = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w_squared = math.sqrt(2 * (fourth - 1)) - 1
    return torch.asinh(standardised * math.sqrt((w_squared - 1) / 2)) / math.sqrt(0.5 * math.log(w_squared))


def _z_of_kurtosis(kurtosis: Tensor, n: int) -> Tensor:
    """Standard normal for Gaussian values (Anscombe and Glynn, Biometrika 1983)."""
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    standardised = (kurtosis - 3 * (n - 1) / (n + 1)) / math.sqrt(variance)
    skewness = 6 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9)) * math.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6 + 8 / skewness * (2 / skewness + math.sqrt(1 + 4 / skewness**2))
    ratio = (1 - 2 / a) / (1 + standardised * math.sqrt(2 / (a - 4)))
    return (1 - 2 / (9 * a) - ratio.sign() * ratio.abs() ** (1 / 3)) / math.sqrt(2 / (9 * a))
