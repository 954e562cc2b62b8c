"""What y leaves open, by block side, and how spread and error of the mean stand to it: Tweedie's formula."""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from ...data.measurement import Measurement
from ...rng import Rng
from .calibration import SIDES, block_means
from .distortion import mean_and_variance
from .image_metric import ImageMetric, full_precision

STEP = 0.1  # of sigma: small beside the noise, large beside the rounding of bf16


class Tweedie(ImageMetric):
    """Posterior variance of block means from the restorer's own derivative (Manor and Michaeli, arXiv 2309.13598).

    Under white Gaussian noise the mean over a block b of n x n pixels has the variance, J being dD/dy::

        v_b = σ² / n⁴ · 1ᵀ J 1  ≈  σ² / n² · r_b · (mean over b of D(y + ε R) − D(y)) / ε

    with R a random sign r_b on each block. D is a mean of samples, the same z at both. Spread/skill is a product of
    ``spread``, √(E s² / E v), and ``mean``, √(E v / E (x − E[x̂ | y])²), without what a finite K adds, both 1 for an
    exact sampler. As far as D is no posterior mean, v is that of its derivative.

    Args:
        restore: (measurement, number of samples, seeds) to (K, B, C, H, W).
        num_samples: of which the mean is D; each is drawn seven times.
    """

    def __init__(self, restore: Callable[[Measurement, int, Sequence[int]], Tensor], num_samples: int) -> None:
        super().__init__()
        self.restore, self.num_samples = restore, num_samples
        self.add_sums(["spread", "error", "left_open", "values"], len(SIDES))

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        """Add a batch; signs and z are functions of the seed that y itself is."""
        y = measurement.degraded
        seeds = [zlib.crc32(image.cpu().contiguous().numpy()) for image in y]
        signs, sigma = Rng.of_images(seeds, "tweedie"), measurement.params["sigma"].to(y).view(-1, 1, 1, 1)
        before = self._mean(measurement, seeds)
        sums = {name: torch.zeros_like(getattr(self, name)) for name in self.metric_state}
        for row, (truth, samples) in enumerate(zip(block_means(clean), block_means(samples_KBCHW), strict=True)):
            side = SIDES[row]
            r = (2 * signs.randint(0, 2, *truth.shape[1:]) - 1).to(y)
            R = r.repeat_interleave(side, -1).repeat_interleave(side, -2)
            R = pad(R, (0, y.shape[-1] - R.shape[-1], 0, y.shape[-2] - R.shape[-2]))
            after = self._mean(replace(measurement, degraded=y + STEP * sigma * R), seeds)
            mean, variance = mean_and_variance(samples)
            error = (mean - truth).square() - variance / len(samples)
            left_open = sigma / STEP / side**2 * r * avg_pool2d(after - before, side)
            for name, values in zip(sums, (variance, error, left_open, torch.ones_like(truth)), strict=True):
                sums[name][row] = values.sum(dtype=torch.float64)
        self.add(**sums)

    def _mean(self, measurement: Measurement, seeds: Sequence[int]) -> Tensor:
        return self.restore(measurement, self.num_samples, seeds).mean(dim=0)

    def compute(self) -> dict[str, float]:
        """``spread/SIDE`` and ``mean/SIDE``, and √v as ``std/SIDE``, where v is positive."""
        figures = {}
        for row, side in enumerate(SIDES):
            spread, error, left_open, values = (float(getattr(self, name)[row]) for name in self.metric_state)
            if left_open > 0:
                figures[f"spread/{side}"] = math.sqrt(spread / left_open)
                figures[f"mean/{side}"] = math.sqrt(left_open / max(error, 1e-20))
                figures[f"std/{side}"] = math.sqrt(left_open / values)
        return figures
