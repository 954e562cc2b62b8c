"""First-moment penalty of PSCGAN (arXiv 2103.04192): the mean of the samples near the clean image, each sample free."""

from typing import Any

from torch import Tensor

from ..checks import require_in


class FirstMoment:
    """Squared error of the mean of K samples, averaged over images, channels and pixels.

    With x̄ = 1/K Σᵢ x̂ᵢ, and what each form is on average::

        biased    (x − x̄)²                                E(x − E x̂)² + Var(x̂)/K
        unbiased  1/(K(K−1)) Σ_{i≠j} (x − x̂ᵢ)(x − x̂ⱼ)     E(x − E x̂)²

    The biased form is the paper's. Its Var(x̂)/K rewards samples that do not differ; the unbiased one leaves the
    spread to the other terms, and single values of it may be negative.

    Args:
        biased: the paper's form. With K = 1 it is the plain mean squared error.
        data_std: σd of images. If given, the term of each image is divided by σd² s / √(s² + σd²), s being its noise
            level: that grows as the MMSE of photographs does, up to their variance, so that every level counts alike
            (EDM2 learns this weight, arXiv 2312.02696, section 3.2). ``measurement`` must know sigma.
    """

    def __init__(self, biased: bool = False, data_std: float | None = None) -> None:
        if data_std is not None:
            require_in("(0, inf)", data_std=data_std)
        self.biased, self.data_std = biased, data_std
        self.min_samples = 1 if biased else 2

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        K, residuals = len(samples_KBCHW), clean - samples_KBCHW
        if self.data_std is not None:
            residuals = residuals / _expected(measurement, self.data_std).sqrt()
        if self.biased:
            return residuals.mean(0).square().mean()
        # Σ_{i≠j} rᵢ rⱼ = (Σ r)² − Σ r²
        return (residuals.sum(0).square() - residuals.square().sum(0)).mean() / (K * (K - 1))


def _expected(measurement: Any, data_std: float) -> Tensor:
    """(B, 1, 1, 1)."""
    if "sigma" not in measurement.params:
        raise ValueError(f"data_std is {data_std:g}, for measurements that know sigma, as those of GaussianNoise")
    s: Tensor = measurement.params["sigma"].view(-1, 1, 1, 1)
    return data_std**2 * s / (s.square() + data_std**2).sqrt()
