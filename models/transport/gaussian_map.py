"""Optimal transport between Gaussians in closed form (Olkin and Pukelsheim 1982), also of singular ones; float64."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Gaussian(NamedTuple):
    """Mean (D,) and covariance (D, D), float64."""

    mean: Tensor
    covariance: Tensor


class GaussianMap(NamedTuple):
    """v to ``matrix`` v + ``offset`` + ``noise`` n with n ~ N(0, I), (D, D), (D,) and (D, r); r is 0 without noise."""

    matrix: Tensor
    offset: Tensor
    noise: Tensor


def optimal_transport(source: Gaussian, target: Gaussian) -> GaussianMap:
    """The map of least mean squared change that takes one Gaussian to the other.

    With covariances Cs and Ct, and W = U Vᵀ of the singular vectors of Ct^½ Cs^½, the matrix is Ct^½ W Cs^-½. This is::

        T = Cs^-½ (Cs^½ Ct Cs^½)^½ Cs^-½

    where Cs has an inverse; where it has none, Ct T* Cs⁺ of arXiv 2306.02342, T* being the T of the way back, and the
    variance of Ct that no linear map can reach is drawn: Ct^½ (I − W Wᵀ) Ct^½, the noise there.
    """
    source_root, source_inverse = _roots(source.covariance)
    target_root, _ = _roots(target.covariance)
    left, values, right = torch.linalg.svd(target_root @ source_root)
    reached = int((values > _rounding(values)).sum())
    matrix = target_root @ left[:, :reached] @ right[:reached] @ source_inverse
    axes, lengths, _ = torch.linalg.svd(target_root @ left[:, reached:], full_matrices=False)
    drawn = lengths > len(values) * torch.finfo(lengths.dtype).eps * target_root.diagonal().max()
    return GaussianMap(matrix, target.mean - matrix @ source.mean, (axes * lengths)[:, drawn])


def shrunk(gaussian: Gaussian, count: float, fourth: float) -> Gaussian:
    """The covariance S of few vectors drawn towards that of no direction, as far as is best in the mean square.

    (1 − ρ) S + ρ m P with m the mean variance, ρ = min(1, E‖vvᵀ − S‖² / (n ‖S − m P‖²)) (Ledoit and Wolf 2004). Here
    P is not I but the projection onto what the vectors span: what never varies in them stays without variance.

    Args:
        gaussian: moments of n vectors, with divisor n.
        count: n.
        fourth: mean of |v − mean|⁴.
    """
    covariance = gaussian.covariance
    values, vectors = torch.linalg.eigh(covariance)
    spanned = vectors[:, values > _rounding(values)]
    sphere = covariance.trace() / max(spanned.shape[1], 1) * (spanned @ spanned.T)
    error = (fourth - covariance.square().sum()).clamp(min=0) / count
    away = (covariance - sphere).square().sum()
    share = torch.where(away > error, error / away, 1.0)
    return Gaussian(gaussian.mean, (1 - share) * covariance + share * sphere)


def _roots(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """C^½ and its pseudo-inverse."""
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > _rounding(values)
    roots, vectors = values[kept].sqrt(), vectors[:, kept]
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T


def _rounding(values: Tensor) -> Tensor:
    """Below it eigenvalues or singular values are rounding."""
    least: Tensor = len(values) * torch.finfo(values.dtype).eps * values.max()
    return least
