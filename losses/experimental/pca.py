"""pcaGAN's terms on the principal directions of a set of samples (arXiv 2411.00605), from its small Gram matrix.

What they showed: beside ``patch_energy`` on the demo nothing (14.76 and 14.84 dB for 14.65, spread / skill 1.12 for
1.16; docs/objectives.md).
"""

from typing import Any

import torch
from torch import Tensor

from ...checks import require_at_least
from ...precision import at_least_fp32


def centred(samples_KBCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Samples without their mean, (B, K, n) with n = CHW, and the mean, (B, n); in fp32 or above."""
    samples_BKn = at_least_fp32(samples_KBCHW).flatten(2).transpose(0, 1)
    mean = samples_BKn.mean(1)
    return samples_BKn - mean.unsqueeze(1), mean


def principal_directions(centred_BKn: Tensor, components: int) -> tuple[Tensor, Tensor]:
    """Eigenpairs of the sample covariance, largest first.

    With A the K centred samples as rows, the eigenpairs (λ, u) of the K x K matrix AAᵀ/(K−1) give those of AᵀA/(K−1),
    which is n x n: the same λ, and v = Aᵀu / √((K−1)λ). Differentiable where the K eigenvalues differ; samples
    that are all equal have no directions, and no finite gradient.

    Args:
        centred_BKn: as ``centred`` gives them.
        components: how many, at most K − 1.

    Returns:
        λ̂, (B, components), the unbiased variances along v̂, and v̂, (B, components, n), orthonormal.
    """
    K = centred_BKn.shape[1]
    gram = (centred_BKn @ centred_BKn.mT).double() / (K - 1)
    eigenvalues, vectors = torch.linalg.eigh(gram)
    variances = eigenvalues[:, -components:].flip(1).to(centred_BKn)
    weights = vectors[:, :, -components:].flip(2).mT.to(centred_BKn)
    tiny = torch.finfo(centred_BKn.dtype).tiny
    return variances, weights @ centred_BKn / ((K - 1) * variances.clamp_min(tiny)).sqrt().unsqueeze(2)


LEAST_IN_HALF = 4  # 1/λ̂ of fewer Gaussian samples has no expectation


class PcaValues:
    """Distance of the variance ratio of truth and samples from 1, along R directions, mean over directions and images.

    Directions v̂ are taken from one half of the samples, variances λ̂ along them from the m samples of the other half,
    then the other way round: in the directions picked for their variance, a sample's variance is too large, and a
    perfect sampler would be pressed to shrink (white noise of n values: by K/n). With t = ⟨v̂, x − μ̂⟩², μ̂ and λ̂ of the m
    samples, the m + 1 vectors {x, x̂₁ ... x̂ₘ} together have the unbiased variance ((m−1)λ̂ + mt/(m+1)) / m::

        λ = (m−1)/m λ̂ + c t/(m+1),    ρ = λ/λ̂,    c = (m−3)/(m−1)

    No gradient goes through λ and v̂. For a perfect sampler of a Gaussian posterior E t/λ̂ = (m+1)/m · (m−1)/(m−3), so
    E ρ = 1 for every m; without c it is 1 + 2/(m(m−3)).

    Args:
        components: R.
        squared: the paper's (1 − ρ)², whose slope E ρ(1−ρ) vanishes where E ρ = E ρ²: with one truth an image, at
            too wide a spread (m = 10: variance 1.26 times the true one). Otherwise 2(ρ − 1 − ln ρ), the same
            near ρ = 1, whose slope E (1−ρ) vanishes at the true spread.
    """

    def __init__(self, components: int = 2, squared: bool = False) -> None:
        require_at_least(1, components=components)
        self.components = components
        self.squared = squared
        self.min_samples = 2 * max(components + 1, LEAST_IN_HALF)

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
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


class PcaVectors:
    """Share of the error of the mean that the first directions of the samples leave unexplained, mean over images.

    With μ̂ the mean of K samples and v̂₁ ... v̂_R the first eigenvectors of their covariance::

        1 − Σᵣ ⟨v̂ᵣ, x − μ̂⟩² / ‖x − μ̂‖²

    no gradient goes through x − μ̂. The truth has no part in v̂, so the expectation is least where v̂ spans the first
    eigenvectors of E[ee' / ‖e‖²] of the true errors e, which for a Gaussian posterior are those of its covariance. The
    value lies in [0, 1] whatever the size of image or error; the paper divides by the error as well, and by R.

    Args:
        components: R, fewer than the samples.
    """

    def __init__(self, components: int = 2) -> None:
        require_at_least(1, components=components)
        self.components = components
        self.min_samples = components + 1

    def __call__(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Any) -> Tensor:
        samples_BKn, mean = centred(samples_KBCHW)
        _, directions = principal_directions(samples_BKn, self.components)
        error = clean.flatten(1) - mean.detach()
        along = (directions @ error.detach().unsqueeze(2)).square().sum((1, 2))
        tiny = torch.finfo(error.dtype).tiny
        return 1 - (along / error.detach().square().sum(1).clamp_min(tiny)).mean()
