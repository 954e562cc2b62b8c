"""What an attack on y did: to the samples of one z, and to their distribution."""

import math

import torch
from torch import Tensor

from .decibels import psnr
from .image_metric import ImageMetric, full_precision

SUMS = ("images", "values", "attack", "change", "w2", "variance", "variance_attacked", "error", "error_attacked")


class Robustness(ImageMetric):
    """Figures of one attack at one budget, from float64 sums. Everything is pooled over values, images and samples."""

    def __init__(self) -> None:
        super().__init__()
        self.add_sums(SUMS)

    @full_precision
    def update(
        self, samples_KBCHW: Tensor, same_z_KBCHW: Tensor, other_z_KBCHW: Tensor, clean: Tensor, attack: Tensor
    ) -> None:
        """Add a batch.

        Args:
            samples_KBCHW: at y.
            same_z_KBCHW: at y + d, from the z of ``samples_KBCHW``.
            other_z_KBCHW: at y + d, from as many independent z; with K = 1 the restorer is taken as deterministic.
            clean: x, (B, C, H, W).
            attack: d, (B, C, H, W).
        """
        before, same, other = (samples.double() for samples in (samples_KBCHW, same_z_KBCHW, other_z_KBCHW))
        sums = {
            "attack": attack.double().square(),
            "change": (same - before).square().mean(dim=0),
            "w2": squared_w2(before, other),
            "variance": _variance(before),
            "variance_attacked": _variance(other),
            "error": (before - clean).square().mean(dim=0),
            "error_attacked": (other - clean).square().mean(dim=0),
        }
        self.add(images=len(clean), values=clean.numel(), **{name: values.sum() for name, values in sums.items()})

    def compute(self) -> dict[str, float]:
        """All figures by name.

        ``ai_psnr`` is that of y + d against y, ``robustness_db`` that of samples at y + d against those of the same z
        at y. ``distribution_distance`` is the root mean square W2 distance between the Gaussian distributions of a
        value at y and at y + d, ``std`` and ``std_attacked`` are their spreads, ``psnr`` and ``psnr_attacked`` those of
        one sample.
        """
        total = self.totals(SUMS)
        mean = {name: total[name] / total["values"] for name in SUMS[2:]}
        return {
            "ai_psnr": psnr(mean["attack"]),
            "robustness_db": psnr(mean["change"]),
            "distribution_distance": math.sqrt(max(mean["w2"], 0.0)),
            "std": math.sqrt(mean["variance"]),
            "std_attacked": math.sqrt(mean["variance_attacked"]),
            "psnr": psnr(mean["error"]),
            "psnr_attacked": psnr(mean["error_attacked"]),
        }


def squared_w2(samples_KBCHW: Tensor, other_KBCHW: Tensor) -> Tensor:
    """(μ − μ')² + (σ − σ')² of every value, (B, C, H, W), without the error of a finite K.

    For independent Gaussian samples its expectation is exact for every K ≥ 2: the mean's own variance is taken off, and
    σσ' is s s' over the square of c₄ = E s / σ. A single estimate may be negative.
    """
    K = len(samples_KBCHW)
    shift = (samples_KBCHW.mean(dim=0) - other_KBCHW.mean(dim=0)).square()
    if K == 1:
        return shift
    variance, other = _variance(samples_KBCHW), _variance(other_KBCHW)
    c4 = math.sqrt(2 / (K - 1)) * math.exp(math.lgamma(K / 2) - math.lgamma((K - 1) / 2))
    return shift + (1 - 1 / K) * (variance + other) - 2 * (variance * other).sqrt() / c4**2


def _variance(samples_KBCHW: Tensor) -> Tensor:
    return samples_KBCHW.var(dim=0) if len(samples_KBCHW) > 1 else torch.zeros_like(samples_KBCHW[0])
