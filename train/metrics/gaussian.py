"""Gaussians fitted to features, from sums, and how far apart their covariances are."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_and_covariance(count: Tensor, total: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d) of n vectors, from n, Σ v and Σ v vᵀ, all float64."""
    mean = total / count
    return mean, (products - count * torch.outer(mean, mean)) / (count - 1)


def squared_bures(covariance: Tensor, other: Tensor) -> Tensor:
    """Squared W2 distance of two centred Gaussians, Tr(A + B − 2 (A^½ B A^½)^½), a scalar of at least 0.

    With A = F Fᵀ and B = G Gᵀ the last root has the trace of the singular values of Fᵀ G. They are exact to rounding
    where covariances are singular, as those of fewer vectors than dimensions are; roots of the eigenvalues of a
    product of covariances keep half the digits there.
    """
    cross: Tensor = torch.linalg.svdvals(_factor(covariance).T @ _factor(other)).sum()
    return (covariance.trace() + other.trace() - 2 * cross).clamp(min=0)


def bures(covariance: Tensor, other: Tensor) -> float:
    """``squared_bures`` a value: over the n of the covariances."""
    return float(squared_bures(covariance, other)) / len(other)


def _factor(covariance: Tensor) -> Tensor:
    """F (d, r) with F Fᵀ the covariance, from its eigenvectors; those with eigenvalues of rounding are left out."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1]
    return vectors[:, kept] * values[kept].sqrt()
