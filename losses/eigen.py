"""Principal directions of a set of samples, from its small Gram matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from .precision import at_least_fp32


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
