"""Eigenvector term of pcaGAN (arXiv 2411.00605): the samples vary along the directions in which they err."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..bounds import require_at_least
from .eigen import centred, principal_directions


class PcaVectors:
    """Share of the error of the mean that the first directions of the samples leave unexplained, mean over images.

    With μ̂ the mean of K samples and v̂₁ ... v̂_R the first eigenvectors of their covariance::

        1 − Σᵣ ⟨v̂ᵣ, x − μ̂⟩² / ‖x − μ̂‖²

    no gradient goes through x − μ̂. The truth has no part in v̂, so the expectation is least where v̂ spans the first
    eigenvectors of E[ee' / ‖e‖²] of the true errors e, which for a Gaussian posterior are those of its covariance. The
    value lies in [0, 1] whatever the size of image or error; the paper divides by the error as well, and by R.

    Args:
        components: R, fewer than the samples.

    Raises:
        ValueError: if ``components`` is below 1.
    """

    def __init__(self, components: int = 2) -> None:
        require_at_least(1, components=components)
        self.components = components
        self.min_samples = components + 1

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The share, a scalar."""
        samples_BKn, mean = centred(samples_KBCHW)
        _, directions = principal_directions(samples_BKn, self.components)
        error = clean.flatten(1) - mean.detach()
        along = (directions @ error.detach().unsqueeze(2)).square().sum((1, 2))
        tiny = torch.finfo(error.dtype).tiny
        return 1 - (along / error.detach().square().sum(1).clamp_min(tiny)).mean()
