"""How far samples are from a posterior that is known: in mean, spread, shape and rank, and points from their law."""

import math

import torch
from torch import Tensor

from .decibels import decibels
from .feature_sets import PrecisionRecall
from .frechet import bures

RANKED = 19  # samples a truth is ranked among: 20 bins, of which the central 18 are nominal coverage 0.9
AVERAGED = 64  # samples of the mean whose loss in dB is given
DIRECTIONS = 128  # of slices of images; a pixel has few channels
PIXEL_DIRECTIONS = 16
POINTS, NEIGHBOURS = 1000, 5  # of precision and recall of points, as arXiv 2211.08944 has them


def mean_error(samples_KBCHW: Tensor, posterior_mean: Tensor) -> float:
    """E (E[x̂ | y] − E[x | y])², a value, without the error of a finite K: the variance of x̄ is taken off."""
    K = len(samples_KBCHW)
    error = (samples_KBCHW.mean(dim=0) - posterior_mean).square().mean()
    return float(error - samples_KBCHW.var(dim=0).mean() / K) if K > 1 else float(error)


def loss_db(samples_KBCHW: Tensor, posterior_mean: Tensor, mmse: float) -> float:
    """What the mean of K samples loses to the posterior mean in PSNR: 10 log10(1 + E (x̄ − E[x | y])² / MMSE).

    For exact samples 10 log10(1 + 1/K): 0.07 dB for K = 64.
    """
    return decibels(1 + float((samples_KBCHW.mean(dim=0) - posterior_mean).square().mean()) / mmse)


def pooled_covariance(samples_KBCHW: Tensor) -> Tensor:
    """Covariance of samples around the mean of their own y, averaged over y, (n, n) with n = C H W."""
    K, B = samples_KBCHW.shape[:2]
    residuals = (samples_KBCHW - samples_KBCHW.mean(dim=0)).flatten(2).flatten(0, 1)
    return residuals.T @ residuals / (B * max(K - 1, 1))


def gaussian_w2(samples_KBCHW: Tensor, posterior_mean: Tensor, posterior_covariance: Tensor) -> float:
    """W2 from the Gaussian of the samples' moments to a Gaussian posterior of one covariance, root mean square a value.

    The mean is that of each y, the covariance that of all y together; the distance of the true distributions is at
    least this (Gelbrich 1990).
    """
    error = max(mean_error(samples_KBCHW, posterior_mean), 0.0)
    return math.sqrt(error + bures(pooled_covariance(samples_KBCHW), posterior_covariance))


def sliced_w1(samples_KBCHW: Tensor, exact_KBCHW: Tensor, pointwise: bool, seed: int = 0) -> float:
    """Mean over y and random directions of the 1-D Wasserstein distance between as many samples and exact ones.

    Args:
        samples_KBCHW: of each y.
        exact_KBCHW: as many, from the true posterior.
        pointwise: directions are in the space of a pixel's channels; otherwise in that of all values of an image.
        seed: of the directions.
    """
    views = [images.movedim(2, -1) if pointwise else images.flatten(2) for images in (samples_KBCHW, exact_KBCHW)]
    n = views[0].shape[-1]
    count = 1 if n == 1 else PIXEL_DIRECTIONS if pointwise else DIRECTIONS
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(n, count, generator=generator, dtype=torch.float64)
    directions = directions / directions.norm(dim=0)
    samples, exact = ((view @ directions).sort(dim=0).values for view in views)
    return float((samples - exact).abs().mean())


def spectrum_error_db(samples_KBCHW: Tensor, exact_KBCHW: Tensor) -> float:
    """Root mean square over bands of frequency of the power of samples around their mean, in dB of the exact power."""
    ratio = radial_power(samples_KBCHW) / radial_power(exact_KBCHW)
    return float((10 * ratio.clamp(min=1e-3).log10()).square().mean().sqrt())


def radial_power(samples_KBCHW: Tensor) -> Tensor:
    """Mean power of residuals x̂ − x̄ at frequencies of 0, 1, 2 ... cycles an image, to half the sampling rate."""
    residuals = samples_KBCHW - samples_KBCHW.mean(dim=0)
    power = torch.fft.fft2(residuals, norm="ortho").abs().square().mean(dim=(0, 1, 2))
    rows, columns = (torch.fft.fftfreq(side, 1 / side, dtype=power.dtype) for side in power.shape)
    band = (rows[:, None].square() + columns.square()).sqrt().round().long()
    kept = band <= min(power.shape) // 2
    count = torch.bincount(band[kept])
    return torch.bincount(band[kept], weights=power[kept]) / count


def coverage(histogram: Tensor) -> float:
    """Share of truths within the interval that leaves one of the ranks out on each side; nominal (K − 1)/(K + 1)."""
    return float(histogram[1:-1].sum())


def nearest_distribution(samples_KBCHW: Tensor, exact_KBCHW: Tensor, posterior_mean: Tensor) -> str:
    """Which of three the samples of a pixel are most like: ``posterior``, ``gaussian`` of its moments, ``mean`` alone.

    By the sliced W1 distance, pixel by pixel. Of a Gaussian posterior the first two are one.
    """
    noise = torch.randn(exact_KBCHW.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gaussian = posterior_mean + exact_KBCHW.std(dim=0) * noise
    candidates = {"posterior": exact_KBCHW, "gaussian": gaussian, "mean": posterior_mean.expand_as(exact_KBCHW)}
    return min(candidates, key=lambda name: sliced_w1(samples_KBCHW, candidates[name], pointwise=True))


def precision_recall(restored: Tensor, clean: Tensor) -> dict[str, float]:
    """``precision`` and ``recall`` (k-nearest neighbours) of the first ``POINTS`` pixels, channels as coordinates.

    Args:
        restored: a sample of each y, (B, C, H, W).
        clean: images of the same number, none of them the truth of one of these y.
    """
    metric = PrecisionRecall(clean.shape[1], NEIGHBOURS)
    for images, real in ((restored, False), (clean, True)):
        metric.update(images.movedim(1, -1).flatten(0, 2)[:POINTS], real=real)
    values: dict[str, float] = metric.compute()
    return values
