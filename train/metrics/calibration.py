"""Whether the truth is one of the samples: its rank among them, coverage, spread against error; by scale."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ...data.measurement import Measurement
from .distortion import mean_and_variance
from .image_metric import ImageMetric, full_precision

SIDES = (1, 2, 4, 8, 16, 32)  # of blocks, in pixels: large ones see whether neighbours err together
SHOWN = (1, 8, 32)  # in a line, or where each has a panel
GIVEN = 0.02 / 255  # spread and error below it are rounding: y determines such means
GIVEN_BY_Y = "given by y"
MAIN_COVERAGE = 0.9  # of the interval nearest to it a single figure is made


def scale(side: int) -> str:
    """In words."""
    return f"blocks of {side}" if side > 1 else "pixels"


def block_means(images: Tensor) -> Iterator[Tensor]:
    """Of (..., H, W) over blocks of each of ``SIDES`` that fits; rows and columns that fill no block are left out."""
    for side in SIDES:
        if side > 1:
            if min(images.shape[-2:]) < 2:
                return
            means = avg_pool2d(images.flatten(end_dim=-3), 2).double()  # what is small is not to be lost in rounding
            images = means.view(*images.shape[:-2], *means.shape[-2:])
        yield images


class Calibration(ImageMetric):
    """Rank histograms, coverage of central intervals, and spread over skill, of means over blocks of each side.

    The truth is ranked among the K samples at each value; where it equals some of them its count is shared by the ranks
    it might have. If x and the samples are draws from one distribution all K + 1 ranks are equally likely (Talagrand;
    Hamill 2001). Samples with too little spread leave the truth outside, so the histogram is a bowl; with too much it
    is a hill. The interval between the j-th smallest and the j-th largest sample holds the truth with probability 1 −
    2j / (K + 1), whatever the distribution.

    Spread over skill is √((K + 1) / K · E s² / E (x − x̄)²), 1 for an exact sampler; s² is the variance of
    the samples. Where y determines a mean both are rounding, and there is no number; without spread alone it is 0.

    Args:
        samples_per_image: K, at least 2.
    """

    ranks: Tensor
    variance: Tensor
    squared_error: Tensor
    values: Tensor

    def __init__(self, samples_per_image: int) -> None:
        super().__init__()
        self.samples_per_image = samples_per_image
        self.add_sums(["variance", "squared_error", "values"], len(SIDES))
        self.add_sums(["ranks"], len(SIDES), samples_per_image + 1)

    @full_precision
    def update(self, samples_KBCHW: Tensor, clean: Tensor, measurement: Measurement) -> None:
        """Add a batch; images count at the sides that fit into them."""
        sums = {name: torch.zeros_like(getattr(self, name)) for name in self.metric_state}
        scales = zip(block_means(clean.float()), block_means(samples_KBCHW), strict=True)
        for row, (truth, samples) in enumerate(scales):
            mean, variance = mean_and_variance(samples)
            sums["ranks"][row] = ranks_of(truth, samples)
            sums["variance"][row] = variance.sum(dtype=torch.float64)
            sums["squared_error"][row] = (mean - truth).square_().sum(dtype=torch.float64)
            sums["values"][row] = truth.numel()
        self.add(**sums)

    def compute(self) -> dict[str, float | list[float] | None]:
        """``spread_skill/SIDE``; ``ranks/SIDE`` as shares, ``intervals/SIDE`` and, near 0.9, ``coverage/SIDE``.

        Those of ``nominal`` are what an exact sampler's hold. Both single figures are None where y determines the mean:
        at ``given_by_y`` pixels a side and above, which is absent where it determines none.
        """
        k = self.samples_per_image
        nominal = nominal_coverage(k)
        at = min(range(len(nominal)), key=lambda place: abs(nominal[place] - MAIN_COVERAGE))
        figures: dict[str, float | list[float] | None] = {"intervals/nominal": nominal, "coverage/nominal": nominal[at]}
        for row, side in enumerate(SIDES):
            if not (values := float(self.values[row])):
                continue
            variance, error = float(self.variance[row]) / values, float(self.squared_error[row]) / values
            if max(variance, error) < GIVEN**2:
                figures |= {f"spread_skill/{side}": None, f"coverage/{side}": None}
                figures.setdefault("given_by_y", float(side))
                continue
            shares = self.ranks[row] / self.ranks[row].sum()
            intervals = [float(shares[j : k + 1 - j].sum()) for j in _places(k)]
            figures[f"spread_skill/{side}"] = math.sqrt((k + 1) / k * variance / max(error, 1e-20))
            figures |= {f"ranks/{side}": shares.tolist(), f"intervals/{side}": intervals}
            figures[f"coverage/{side}"] = intervals[at]
        return figures


def in_words(scores: Mapping[str, Any]) -> str:
    """Of single figures, "spread/skill 0.93 (1), given by y (8, 32), coverage ...": in brackets sides in pixels."""
    parts = []
    for figure, exact in {"spread_skill": 1.0, "coverage": scores.get("coverage/nominal", math.nan)}.items():
        words = [f"{scores[name]:.2f} ({side})" for side in SHOWN if (name := f"{figure}/{side}") in scores]
        given = [str(side) for side in SHOWN if side >= scores.get("given_by_y", math.inf)]
        words += [f"{GIVEN_BY_Y} ({', '.join(given)})"] if given else []
        parts.append(f"{figure.replace('_', '/')} {', '.join(words)}, exact {exact:.2f}")
    return "; ".join(parts)


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
