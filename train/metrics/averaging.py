"""What averaging samples gains: the error of the mean of n, and its two parts."""

import torch
from torch import Tensor

from ...data.measurement import Measurement
from .decibels import psnr
from .image_metric import ImageMetric, full_precision


class Averaging(ImageMetric):
    """Mean squared error of the mean of n samples, for n = 1, 2, 4 ... up to K.

    Samples that are independent given y have::

        MSE(n) = a + b / n,    a = E (x − E[x̂ | y])²,    b = E Var[x̂ | y]

    An exact sampler's a is the MMSE, and b = a; a sampler with less spread than the posterior has b < a. Both are
    estimated without bias from the K samples, b as their variance and a as the error of their mean less b / K.
    MSE(n) is the mean over disjoint groups of n, as it was measured.

    Args:
        samples_per_image: K, at least 2.
    """

    squared_errors: Tensor
    error_of_all: Tensor
    values: Tensor

    def __init__(self, samples_per_image: int) -> None:
        super().__init__()
        self.counts = [2**power for power in range(samples_per_image.bit_length())]
        self.samples_per_image = samples_per_image
        self.add_sums(["squared_errors"], len(self.counts))
        self.add_sums(["error_of_all", "values"])

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        self.add(
            squared_errors=_squared_errors(samples_KBCHW, clean, len(self.counts)),
            error_of_all=_sum_of_squares(samples_KBCHW.mean(dim=0) - clean),
            values=clean.numel(),
        )

    def compute(self) -> dict[str, float | list[float]]:
        """``n``, and for each the pooled ``mse`` and ``psnr`` in dB; ``a``, its ``psnr_a``, ``b`` and ``b_over_a``."""
        k, mse = self.samples_per_image, (self.squared_errors / self.values).tolist()
        of_all = float(self.error_of_all / self.values)
        b = (mse[0] - of_all) * k / (k - 1)  # the mean of (x − x̂)² is (x − x̄)² and the samples' variance around x̄
        a = of_all - b / k
        return {
            "n": [float(count) for count in self.counts],
            "mse": mse,
            "psnr": [psnr(error) for error in mse],
            "a": a,
            "b": b,
            "psnr_a": psnr(a),
            "b_over_a": b / max(a, 1e-20),
        }


def _squared_errors(samples_KBCHW: Tensor, clean: Tensor, levels: int) -> Tensor:
    """Summed over values and averaged over the disjoint groups of 1, 2, 4 ... samples, (levels,).

    Groups are paired as soon as they are there, so that what is worked on stays in the processor's cache.
    """
    waiting: list[Tensor | None] = [None] * levels
    sums, groups = (torch.zeros(levels, dtype=torch.float64, device=clean.device) for _ in range(2))
    for group in samples_KBCHW:
        for level in range(levels):
            sums[level] += _sum_of_squares(group - clean)
            groups[level] += 1
            other = waiting[level]
            if other is None:
                waiting[level] = group
                break
            waiting[level] = None
            group = (group + other) / 2
    return sums / groups


def _sum_of_squares(differences: Tensor) -> Tensor:
    """Squared in place: rows in fp32, which is fast, their sums in float64."""
    return differences.square_().sum(dim=-1).sum(dtype=torch.float64)
