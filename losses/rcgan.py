"""Regulariser of rcGAN (arXiv 2210.13389): L1 on the mean of the samples, less a reward for their spread."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from torch import Tensor, nn

from .spread import deviation
from .spread_controller import SpreadController


class RcGAN(nn.Module):
    """L1 minus standard-deviation reward, averaged over images, channels and pixels.

    With x̄ = 1/K Σᵢ x̂ᵢ and r the factor of its ``SpreadController``::

        |x − x̄| − β S,    S the standard deviation (``deviation``),    β = r √(2 / (πK(K+1)))

    For Gaussian samples E S is their standard deviation, and with r = 1 the expectation is least at the true mean and
    spread of a Gaussian posterior, for every K. Posteriors of images are not Gaussian, so the paper steers r by what
    must hold for any posterior: the mean of K true samples gains 10 log10(2K/(K+1)) dB over one. Less is too little
    spread.

    Args:
        adapt_rate: change of r for each dB of missing gain at a validation; 0 keeps r at 1.

    Raises:
        ValueError: if ``adapt_rate`` is negative.
    """

    min_samples = 2

    def __init__(self, adapt_rate: float = 0.02) -> None:
        super().__init__()
        self.controller = SpreadController(scale=1.0, adapt_rate=adapt_rate)

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The regulariser, a scalar."""
        K = len(samples_KBCHW)
        beta = self.controller.scale * sqrt(2 / (pi * K * (K + 1)))
        return ((clean - samples_KBCHW.mean(0)).abs() - beta * deviation(samples_KBCHW)).mean()
