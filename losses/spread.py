"""How far samples lie from each other."""

from __future__ import annotations

from math import pi, sqrt

from torch import Tensor


def deviation(samples_KBCHW: Tensor) -> Tensor:
    """S = γ Σᵢ |x̂ᵢ − x̄| with γ = √(π / (2K(K−1))) at every pixel, (B, C, H, W); K is at least 2.

    For Gaussian samples E S is their standard deviation for every K (rcGAN, arXiv 2210.13389), where the root of the
    unbiased variance falls short of it.
    """
    K = len(samples_KBCHW)
    return sqrt(pi / (2 * K * (K - 1))) * (samples_KBCHW - samples_KBCHW.mean(0)).abs().sum(0)
