"""Bootstrap intervals: their length against theory, paired differences, and what cannot be said."""

import math

import pytest
import torch

from pscgan.train.evaluation.statistics import Interval, interval, resampled


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
    found = interval(means)
    error = float(values.std(correction=0)) / math.sqrt(400)
    assert found.low == pytest.approx(float(values.mean()) - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(float(values.mean()) + 1.96 * error, abs=0.1 * error)


def test_pairing_cancels_what_images_have_in_common():
    generator = torch.Generator().manual_seed(0)
    difficulty = 10 * torch.randn(50, generator=generator, dtype=torch.float64)
    one, other = (difficulty + 0.1 * torch.randn(50, generator=generator, dtype=torch.float64) + b for b in (0, 0.2))
    weights = resampled(50, 1000, seed=0) / 50
    apart, paired = interval((weights @ one).tolist()), interval((weights @ (one - other)).tolist())
    assert apart.high - apart.low > 3
    assert paired.high - paired.low < 0.1
    assert paired.high < 0


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf, 0.0]])
def test_nothing_is_said_where_nothing_is_known(values):
    assert interval(values) is None
    assert len(resampled(1, 100, seed=0)) == 0


def test_what_an_interval_holds():
    assert Interval(0, 1).holds(1)
    assert not Interval(0, 1).holds(1.01)
