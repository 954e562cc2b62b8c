"""Sums of a distance whose values are known."""

import pytest
import torch

from pscgan.data.measurement import Measurement
from pscgan.train.metrics.perceptual import Perceptual


class MeanDifference:
    identity = "mean absolute difference"

    def __call__(self, a, b):
        return (a - b).abs().mean(dim=(1, 2, 3))


def test_figures_are_means_over_images_of_what_is_seen():
    clean = torch.full((3, 1, 4, 4), 0.5)
    offsets = torch.tensor([0.1, 0.2, 0.9]).view(3, 1, 1, 1)
    samples = torch.stack([clean + offsets, clean - offsets])
    measurement = Measurement(clean - 2 * offsets)
    metric = Perceptual(MeanDifference(), "difference")
    for part in (slice(0, 1), slice(1, 3)):
        metric.update(samples[:, part], clean[part], measurement[part])
    scores = metric.compute()
    # the third image is clamped: 0.5 + 0.9 is seen as 1, 0.5 - 1.8 as 0
    assert scores == pytest.approx(
        {
            "difference_degraded": (0.2 + 0.4 + 0.5) / 3,
            "difference_sample": (0.1 + 0.2 + 0.5) / 3,
            "difference_mean": 0,
        },
        abs=1e-6,
    )
