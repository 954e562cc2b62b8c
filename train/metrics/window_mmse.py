"""The least error of any denoiser that sees a window of so many pixels, from a sample of clean windows alone."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

AT_ONCE = 64  # noisy windows compared with the whole library


class WindowMMSE(NamedTuple):
    """Mean squared error a value of the central pixel; in expectation the MMSE lies between, if all are of one law.

    Attributes:
        lower: mean variance of what the library holds near y; below the MMSE by about its ``effective``-th part.
        lower_error: its standard error, by chance in the windows and in the library.
        upper: mean squared error of the estimate that the library makes; above the MMSE by about as much.
        upper_error: its standard error, by chance in the windows, for this library.
        effective: windows of the library that count at a y, the median of 1 / Σw²: where these are few, nothing is
            known of the MMSE, and both ends say so by standing apart.
    """

    lower: float
    lower_error: float
    upper: float
    upper_error: float
    effective: float


def window_mmse(clean: Tensor, noisy: Tensor, library: Tensor, sigma: float) -> WindowMMSE:
    """MMSE of the central pixel of a window under white noise, without a model (Levin and Nadler, CVPR 2011).

    ::

        wᵢ(y) ∝ p(y | xᵢ),    μ̂(y) = Σ wᵢ xᵢ,    lower = E Σ wᵢ (xᵢ − μ̂)²,    upper = E (μ̂ − x)²

    Images of more context can be restored better: it bounds only what sees no more than the window.

    Args:
        clean: windows x, (M, C, k, k), of other images than the library, lest they be found in it.
        noisy: y = x + sigma n.
        library: clean windows xᵢ, (N, C, k, k).
        sigma: in the unit of the images.
    """
    row, column = (side // 2 for side in library.shape[-2:])
    atoms, centres = library.flatten(1), library[..., row, column]
    lower, upper, effective = [], [], []
    influence = torch.zeros_like(centres)  # of each atom on the sum of the variances: they all see the same library
    pairs = zip(torch.split(noisy, AT_ONCE), torch.split(clean[..., row, column], AT_ONCE), strict=True)
    for y, x in pairs:
        energy = atoms.square().sum(dim=1) / 2 - y.flatten(1) @ atoms.T
        w = torch.softmax(-energy / sigma**2, dim=1)
        mean = w @ centres
        variance = w @ centres.square() - mean.square()
        influence += w.sum(dim=0)[:, None] * centres.square() - 2 * centres * (w.T @ mean)
        influence += w.T @ (mean.square() - variance)
        lower.append(variance.mean(dim=1))
        upper.append((mean - x).square().mean(dim=1))
        effective.append(1 / w.square().sum(dim=1))
    low, low_error = _mean(torch.cat(lower))
    of_library = float(influence.mean(dim=1).norm()) / len(noisy)
    found = (low, math.hypot(low_error, of_library), *_mean(torch.cat(upper)))
    return WindowMMSE(*found, float(torch.cat(effective).median()))


def _mean(values: Tensor) -> tuple[float, float]:
    """And its standard error."""
    return float(values.mean()), float(values.std()) / math.sqrt(len(values))
