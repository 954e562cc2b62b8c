"""Fair CRPS of Haar wavelet coefficients: calibrated spread at every scale and orientation, not only in every pixel."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..bounds import require_at_least
from .fair_crps import FairCRPS


class WaveletCRPS:
    """Fair CRPS of pixels plus fair CRPS of orthonormal Haar coefficients, half each."""

    min_samples = 2

    def __init__(self, levels: int = 3, alpha: float = 1.0, pixels: float = 0.5) -> None:
        require_at_least(1, levels=levels)
        self.levels = levels
        self.pixels = pixels
        self.crps = FairCRPS(alpha)

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        score = 0.0
        n = clean[0].numel()
        s, x = samples_KBCHW, clean
        for _ in range(self.levels):
            s, sb = _haar(s)
            x, xb = _haar(x)
            score = score + self.crps(sb, xb, None) * (xb[0].numel() / n)
        score = score + self.crps(s, x, None) * (x[0].numel() / n)
        return self.pixels * self.crps(samples_KBCHW, clean, None) + (1 - self.pixels) * score


def _haar(x):
    a, b, c, d = x[..., 0::2, 0::2], x[..., 0::2, 1::2], x[..., 1::2, 0::2], x[..., 1::2, 1::2]
    return (a + b + c + d) / 2, torch.cat([a + b - c - d, a - b + c - d, a - b - c + d], dim=-3) / 2
