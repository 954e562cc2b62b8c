"""Whether the truth is one of the samples: its rank among them, coverage, spread against error; at two scales."""

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ...data.measurement import Measurement
from .distortion import mean_and_variance
from .image_metric import ImageMetric, full_precision

SCALES = ("pixels", "blocks")
BLOCK = 8
"""Pixels a side over which blocks are means: these see whether neighbours err together."""

MAIN_COVERAGE = 0.9
"""Of the intervals, that nearest to it is the one of which a single figure is made."""


class Calibration(ImageMetric):
    """Rank histograms, coverage of central intervals, and spread over skill.

    The truth is ranked among the K samples at each value; where it equals some of them its count is shared by the ranks
    it might have. If x and the samples are draws from one distribution all K + 1 ranks are equally likely (Talagrand;
    Hamill 2001). Samples with too little spread leave the truth outside, so the histogram is a bowl; with too much it
    is a hill. The interval between the j-th smallest and the j-th largest sample holds the truth with probability 1 −
    2j / (K + 1), whatever the distribution.

    Spread over skill is √((K + 1) / K · E s² / E (x − x̄)²), 1 for an exact sampler; s² is the variance of
    the samples. That of pixels is in ``Distortion``, here is that of blocks.

    Args:
        samples_per_image: K, at least 2.
    """

    pixels_ranks: Tensor
    blocks_ranks: Tensor
    blocks_variance: Tensor
    blocks_squared_error: Tensor

    def __init__(self, samples_per_image: int) -> None:
        super().__init__()
        self.samples_per_image = samples_per_image
        self.add_sums([f"{scale}_ranks" for scale in SCALES], samples_per_image + 1)
        self.add_sums(["blocks_variance", "blocks_squared_error"])

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        """Add a batch; images smaller than a block count at the scale of pixels alone."""
        clean = clean.float()
        self.add(pixels_ranks=ranks_of(clean, samples_KBCHW))
        if min(clean.shape[-2:]) < BLOCK:
            return
        truth, samples = avg_pool2d(clean, BLOCK), torch.stack([avg_pool2d(sample, BLOCK) for sample in samples_KBCHW])
        mean, variance = mean_and_variance(samples)
        self.add(
            blocks_ranks=ranks_of(truth, samples),
            blocks_variance=variance.sum(dtype=torch.float64),
            blocks_squared_error=(mean - truth).square().sum(dtype=torch.float64),
        )

    def compute(self) -> dict[str, float | list[float]]:
        """By scale ``ranks`` as shares, ``coverage`` of ``nominal`` intervals, ``_at`` near 0.9; ``spread_skill``."""
        k = self.samples_per_image
        nominal = nominal_coverage(k)
        at = min(range(len(nominal)), key=lambda place: abs(nominal[place] - MAIN_COVERAGE))
        figures: dict[str, float | list[float]] = {"nominal": nominal, "nominal_at": nominal[at]}
        for scale in SCALES:
            counts = getattr(self, f"{scale}_ranks")
            if not counts.sum():
                continue
            shares = counts / counts.sum()
            figures[f"{scale}_ranks"] = shares.tolist()
            coverage = [float(shares[j : k + 1 - j].sum()) for j in _places(k)]
            figures[f"{scale}_coverage"], figures[f"{scale}_coverage_at"] = coverage, coverage[at]
        if self.blocks_ranks.sum():
            ratio = float(self.blocks_variance) / max(float(self.blocks_squared_error), 1e-20)
            figures["blocks_spread_skill"] = math.sqrt((k + 1) / k * ratio)
        return figures


def nominal_coverage(num_samples: int) -> list[float]:
    """1 − 2j / (K + 1) for j = 1 ... K / 2, increasing."""
    return [1 - 2 * j / (num_samples + 1) for j in _places(num_samples)]


def ranks_of(truth: Tensor, samples: Tensor) -> Tensor:
    """Counts of the K + 1 ranks of (...) among (K, ...), float64; of equal values each possible rank has its share."""
    k = len(samples)
    below, not_above = (torch.zeros_like(truth, dtype=torch.int16) for _ in range(2))
    for sample in samples:
        below += sample < truth
        not_above += sample <= truth
    below, not_above = below.flatten().long(), not_above.flatten().long()
    share = 1 / (not_above - below + 1).double()
    changes = torch.bincount(below, share, k + 2) - torch.bincount(not_above + 1, share, k + 2)
    return changes.cumsum(dim=0)[:-1]


def _places(k: int) -> range:
    return range(k // 2, 0, -1)
