"""How far samples lie from each other."""

from math import pi, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from ..checks import require_at_least


def deviation(samples_KBCHW: Tensor) -> Tensor:
    """S = γ Σᵢ |x̂ᵢ − x̄| with γ = √(π / (2K(K−1))) at every pixel, (B, C, H, W); K is at least 2.

    For Gaussian samples E S is their standard deviation for every K (rcGAN, arXiv 2210.13389), where the root of the
    unbiased variance falls short of it.
    """
    K = len(samples_KBCHW)
    return sqrt(pi / (2 * K * (K - 1))) * (samples_KBCHW - samples_KBCHW.mean(0)).abs().sum(0)


class SpreadController(nn.Module):
    """A factor on a reward for spread that follows the gain measured at each validation.

    The mean of K samples of any posterior gains 10 log10(2K/(K+1)) dB over one of them; a sampler with less spread than
    the posterior gains less. With e the missing gain in dB, and e' what it was the time before, 0 at first::

        c ← max(minimum, c + rate · e + damping · (e − e'))

    The factor is a buffer, so it is saved with the run. Rate alone is rcGAN's rule (arXiv 2210.13389). It needs a term
    that holds the spread; where nothing does, the factor is the speed of the spread, and rate alone swings about
    the target for ever: damping ends that.

    Attributes:
        scale: c.

    Args:
        scale: c at the start.
        adapt_rate: rate; change of c for each dB of missing gain at each validation.
        damping: change of c for each dB by which the missing gain has changed.
        minimum: c stays at or above it; below 0 the reward is a penalty.
    """

    scale: Tensor
    missing_db: Tensor

    def __init__(
        self, scale: float = 1.0, adapt_rate: float = 0.02, damping: float = 0.0, minimum: float = 0.0
    ) -> None:
        super().__init__()
        require_at_least(0, adapt_rate=adapt_rate, damping=damping)
        require_at_least(minimum, scale=scale)
        self.adapt_rate, self.damping, self.minimum = adapt_rate, damping, minimum
        self.register_buffer("scale", torch.tensor(float(scale)))
        self.register_buffer("missing_db", torch.zeros(()))

    def adapt(self, gain_db: float, gain_db_exact: float) -> None:
        """Move the factor after a validation; the same on all ranks.

        Args:
            gain_db: PSNR of the mean of some K samples minus PSNR of one sample, as measured.
            gain_db_exact: the same for the true posterior, 10 log10(2K/(K+1)) with that K.
        """
        missing_db = gain_db_exact - gain_db
        self.scale.add_(self.adapt_rate * missing_db + self.damping * (missing_db - self.missing_db))
        self.scale.clamp_(min=self.minimum)
        self.missing_db.fill_(missing_db)


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
    """

    min_samples = 2

    def __init__(self, adapt_rate: float = 0.02) -> None:
        super().__init__()
        self.controller = SpreadController(scale=1.0, adapt_rate=adapt_rate)

    def forward(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        K = len(samples_KBCHW)
        beta = self.controller.scale * sqrt(2 / (pi * K * (K + 1)))
        return ((clean - samples_KBCHW.mean(0)).abs() - beta * deviation(samples_KBCHW)).mean()
