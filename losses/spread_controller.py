"""What a sampler's spread is paid follows what averaging its samples gains."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..bounds import require_at_least


class SpreadController(nn.Module):
    """A factor on a reward for spread, told the measured gain after each validation.

    The mean of K samples of any posterior gains 10 log10(2K/(K+1)) dB over one of them; a sampler with less spread than
    the posterior gains less. With e the missing gain in dB, and e' what it was the time before, 0 at first::

        c ← max(least, c + rate · e + damping · (e − e'))

    The factor is a buffer, so it is saved with the run. Rate alone is rcGAN's rule (arXiv 2210.13389). It needs a term
    that holds the spread; where nothing does, the factor is the speed of the spread, and rate alone swings about
    the target for ever: damping ends that.

    Attributes:
        scale: c.

    Args:
        scale: c at the start.
        adapt_rate: rate; change of c for each dB of missing gain at each validation.
        damping: change of c for each dB by which the missing gain has changed.
        least: c stays at or above it; below 0 a reward is a price.

    Raises:
        ValueError: if ``adapt_rate`` or ``damping`` is negative or ``scale`` is below ``least``.
    """

    scale: Tensor
    missing_db: Tensor

    def __init__(self, scale: float = 1.0, adapt_rate: float = 0.02, damping: float = 0.0, least: float = 0.0) -> None:
        super().__init__()
        require_at_least(0, adapt_rate=adapt_rate, damping=damping)
        require_at_least(least, scale=scale)
        self.adapt_rate, self.damping, self.least = adapt_rate, damping, least
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
        self.scale.clamp_(min=self.least)
        self.missing_db.fill_(missing_db)
