"""Bootstrap intervals: their length against theory, paired differences, and what cannot be said."""

import math

import pytest
import torch
from scipy.stats import binom, ttest_1samp

from pscgan.train.evaluation.statistics import Interval, interval, resampled, student


def test_every_replicate_draws_as_many_images_and_the_same_again():
    weights = resampled(7, 50, seed=3)
    assert weights.shape == (50, 7)
    assert weights.sum(dim=1).tolist() == [7] * 50
    assert weights.max() > 1
    assert torch.equal(weights, resampled(7, 50, seed=3))
    assert not torch.equal(weights, resampled(7, 50, seed=4))


def test_the_interval_of_a_mean_is_as_long_as_theory_says():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    means = (resampled(400, 4000, seed=0) @ values / 400).tolist()
    found = interval(float(values.mean()), means, 400)
    error = float(values.std(correction=0)) / math.sqrt(400)
    assert found.low == pytest.approx(float(values.mean()) - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(float(values.mean()) + 1.96 * error, abs=0.1 * error)


def test_pairing_cancels_what_images_have_in_common():
    generator = torch.Generator().manual_seed(0)
    difficulty = 10 * torch.randn(50, generator=generator, dtype=torch.float64)
    one, other = (difficulty + 0.1 * torch.randn(50, generator=generator, dtype=torch.float64) + b for b in (0, 0.2))
    weights = resampled(50, 1000, seed=0) / 50
    apart, paired = (interval(float(values.mean()), (weights @ values).tolist(), 50) for values in (one, one - other))
    assert apart.high - apart.low > 3
    assert paired.high - paired.low < 0.1
    assert paired.high < 0


@pytest.mark.parametrize("images", [2, 3, 5, 8, 16])
def test_the_mean_of_normal_values_is_held_as_often_as_is_said(images):
    """19 times in 20 whatever the number of images; percentiles of 2 hold it every second time."""
    values = torch.randn(2000, images, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    means = values @ resampled(images, 400, seed=0).T / images
    intervals = [interval(*pair, images) for pair in zip(values.mean(dim=1).tolist(), means.tolist(), strict=True)]
    low, high = binom.interval(1 - 1e-6, 2000, 0.95)
    assert low - 20 < sum(found.holds(0) for found in intervals) < high + 20  # 400 replicates are 1 % off


@pytest.mark.parametrize("images", [2, 7])
def test_the_interval_of_a_mean_is_that_of_students_test(images):
    values = torch.randn(images, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = interval(float(values.mean()), (resampled(images, 20000, seed=0) @ values / images).tolist(), images)
    expected = ttest_1samp(values.numpy(), 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.02)


def test_few_replicates_widen_it_as_few_images_do():
    assert interval(0.0, [-1.0, 1.0], 1000) == pytest.approx(student(0.0, math.sqrt(2 * 1000 / 999), 1))


@pytest.mark.parametrize("values", [[], [0.0], [1.0, math.nan], [math.inf, 0.0]])
def test_nothing_is_said_where_nothing_is_known(values):
    assert interval(0.0, values, 5) is interval(math.nan, [0.0, 1.0], 5) is interval(0.0, [0.0, 1.0], 1) is None
    assert student(0.0, 1.0, 0) is None
    assert len(resampled(1, 100, seed=0)) == 0


def test_what_an_interval_holds():
    assert Interval(0, 1).holds(1)
    assert not Interval(0, 1).holds(1.01)
