"""First-moment penalty of PSCGAN (arXiv 2103.04192): the mean of the samples near the clean image, each sample free."""

from __future__ import annotations

from typing import Any

from torch import Tensor


class FirstMoment:
    """Squared error of the mean of K samples, averaged over images, channels and pixels.

    With x̄ = 1/K Σᵢ x̂ᵢ and s² = 1/(K−1) Σᵢ (x̂ᵢ − x̄)²::

        biased    (x − x̄)²                                       E = E(x − E x̂)² + Var(x̂)/K
        unbiased  (x − x̄)² − s²/K                                E = E(x − E x̂)²
                  = 1/(K(K−1)) Σ_{i≠j} (x − x̂ᵢ)(x − x̂ⱼ)

    The biased form is the paper's. Its Var/K rewards samples that do not differ; on average the unbiased one leaves
    the spread to the other terms, and single values of it may be negative.

    Args:
        biased: the paper's form. With K = 1 it is the plain mean squared error.
    """

    def __init__(self, biased: bool = False) -> None:
        self.biased = biased
        self.min_samples = 1 if biased else 2

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        """The penalty, a scalar."""
        squared_error = (clean - samples_KBCHW.mean(0)).square()
        if self.biased:
            return squared_error.mean()
        return (squared_error - samples_KBCHW.var(0) / len(samples_KBCHW)).mean()
