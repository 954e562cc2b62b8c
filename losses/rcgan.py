"""Regulariser of rcGAN (arXiv 2210.13389): L1 on the mean of the samples, less a reward for their spread."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from ..bounds import require_at_least


class RcGAN(nn.Module):
    """L1 minus standard-deviation reward, averaged over images, channels and pixels.

    With x̄ = 1/K Σᵢ x̂ᵢ and r = ``reward_scale``::

        |x − x̄| − β S,    S = γ Σᵢ |x̂ᵢ − x̄|,    γ = √(π / (2K(K−1))),    β = r √(2 / (πK(K+1)))

    For Gaussian samples E S is their standard deviation, and with r = 1 the expectation is least at the true mean and
    spread of a Gaussian posterior, for every K. Posteriors of images are not Gaussian, so the paper steers r by what
    must hold for any posterior: the mean of K true samples gains 10 log10(2K/(K+1)) dB over one. Less is too little
    spread.

    Attributes:
        reward_scale: r, a buffer, so that it is saved with the run.

    Args:
        adapt_rate: change of r for each dB of missing gain in one call of ``adapt``; 0 keeps r at 1.

    Raises:
        ValueError: if ``adapt_rate`` is negative.
    """

    min_samples = 2
    reward_scale: Tensor

    def __init__(self, adapt_rate: float = 0.02) -> None:
        super().__init__()
        require_at_least(0, adapt_rate=adapt_rate)
        self.adapt_rate = adapt_rate
        self.register_buffer("reward_scale", torch.ones(()))

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The regulariser, a scalar."""
        K = len(samples_KBCHW)
        mean = samples_KBCHW.mean(0)
        beta = self.reward_scale * sqrt(2 / (pi * K * (K + 1)))
        S = sqrt(pi / (2 * K * (K - 1))) * (samples_KBCHW - mean).abs().sum(0)
        return ((clean - mean).abs() - beta * S).mean()

    def adapt(self, gain_db: float, gain_db_exact: float) -> None:
        """Move r after a validation: r ← max(0, r + adapt_rate (gain_db_exact − gain_db)); the same on all ranks.

        Args:
            gain_db: PSNR of the mean of some K samples minus PSNR of one sample, as measured.
            gain_db_exact: the same for the true posterior, 10 log10(2K/(K+1)) with that K.
        """
        self.reward_scale.add_(self.adapt_rate * (gain_db_exact - gain_db)).clamp_(min=0)
