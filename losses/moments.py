"""First-moment penalty of PSCGAN (arXiv 2103.04192): the mean of the samples near the clean image, each sample free."""

from typing import Any

from torch import Tensor


class FirstMoment:
    """Squared error of the mean of K samples, averaged over images, channels and pixels.

    With x̄ = 1/K Σᵢ x̂ᵢ, and what each form is on average::

        biased    (x − x̄)²                                E(x − E x̂)² + Var(x̂)/K
        unbiased  1/(K(K−1)) Σ_{i≠j} (x − x̂ᵢ)(x − x̂ⱼ)     E(x − E x̂)²

    The biased form is the paper's. Its Var(x̂)/K rewards samples that do not differ; the unbiased one leaves the
    spread to the other terms, and single values of it may be negative.

    Args:
        biased: the paper's form. With K = 1 it is the plain mean squared error.
    """

    def __init__(self, biased: bool = False) -> None:
        self.biased = biased
        self.min_samples = 1 if biased else 2

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        K, residuals = len(samples_KBCHW), clean - samples_KBCHW
        if self.biased:
            return residuals.mean(0).square().mean()
        # Σ_{i≠j} rᵢ rⱼ = (Σ r)² − Σ r²
        return (residuals.sum(0).square() - residuals.square().sum(0)).mean() / (K * (K - 1))
