"""Eigenvalue term of pcaGAN (arXiv 2411.00605): along their own directions, samples vary as much as the truth."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..bounds import require_at_least
from .eigen import centred, principal_directions

LEAST_IN_HALF = 4  # 1/λ̂ of fewer Gaussian samples has no expectation


class PcaValues:
    """Distance of the variance ratio of truth and samples from 1, along R directions, mean over directions and images.

    Directions v̂ are taken from one half of the samples, variances λ̂ along them from the m samples of the other half,
    then the other way round: in the directions picked for their variance, a sample's variance is too large, and a
    perfect sampler would be told to shrink (white noise of n values: by K/n). With t = ⟨v̂, x − μ̂⟩², μ̂ and λ̂ of the m
    samples, the m + 1 vectors {x, x̂₁ ... x̂ₘ} together have the unbiased variance ((m−1)λ̂ + mt/(m+1)) / m::

        λ = (m−1)/m λ̂ + c t/(m+1),    ρ = λ/λ̂,    c = (m−3)/(m−1)

    No gradient goes through λ and v̂. For a perfect sampler of a Gaussian posterior E t/λ̂ = (m+1)/m · (m−1)/(m−3), so
    E ρ = 1 for every m; without c it is 1 + 2/(m(m−3)).

    Args:
        components: R.
        squared: the paper's (1 − ρ)², whose slope E ρ(1−ρ) vanishes where E ρ = E ρ²: with one truth an image, at
            too wide a spread (m = 10: variance 1.26 times the true one). Otherwise 2(ρ − 1 − ln ρ), the same
            near ρ = 1, whose slope E (1−ρ) vanishes at the true spread.

    Raises:
        ValueError: if ``components`` is below 1.
    """

    def __init__(self, components: int = 2, squared: bool = False) -> None:
        require_at_least(1, components=components)
        self.components = components
        self.squared = squared
        self.min_samples = 2 * max(components + 1, LEAST_IN_HALF)

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The distance, a scalar."""
        rho = self.ratios(samples_KBCHW, clean)
        distance = (1 - rho).square() if self.squared else 2 * (rho - 1 - rho.log())
        return distance.mean()

    def ratios(self, samples_KBCHW: Tensor, clean: Tensor) -> Tensor:
        """ρ, (B, 2R): both halves, directions largest first."""
        half = len(samples_KBCHW) // 2
        first, second = samples_KBCHW[:half], samples_KBCHW[half:]
        return torch.cat([self._ratios(*pair, clean) for pair in ((first, second), (second, first))], dim=1)

    def _ratios(self, others_KBCHW: Tensor, samples_mBCHW: Tensor, clean: Tensor) -> Tensor:
        m = len(samples_mBCHW)
        _, directions = principal_directions(centred(others_KBCHW.detach())[0], self.components)
        samples_Bmn, mean = centred(samples_mBCHW)
        variance = (samples_Bmn @ directions.mT).square().sum(1) / (m - 1)
        t = (directions @ (clean.flatten(1) - mean).unsqueeze(2)).square().squeeze(2)
        target = (m - 1) / m * variance + (m - 3) / (m - 1) * t / (m + 1)
        return target.detach() / variance
