"""Mean and spread of samples that come one at a time."""

from __future__ import annotations

import torch
from torch import Tensor


class Moments:
    """Of samples (B, C, H, W), in float64; memory does not grow with their number (Welford 1962)."""

    def __init__(self) -> None:
        self.count = 0
        self._mean = self._squares = torch.zeros((), dtype=torch.float64)

    def add(self, sample: Tensor) -> None:
        """One more."""
        sample = sample.double()
        if not self.count:
            self._mean, self._squares = torch.zeros_like(sample), torch.zeros_like(sample)
        self.count += 1
        before = sample - self._mean
        self._mean += before / self.count
        self._squares += before * (sample - self._mean)

    @property
    def mean(self) -> Tensor:
        """(B, C, H, W)."""
        return self._mean

    @property
    def std(self) -> Tensor:
        """With divisor K - 1, root mean square over colours, (B, 1, H, W); 0 for a single sample."""
        return (self._squares / max(self.count - 1, 1)).mean(dim=1, keepdim=True).sqrt()
