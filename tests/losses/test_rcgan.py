"""The spread that rcGAN's regulariser prefers, and the controller of its reward."""

from math import pi, sqrt

import pytest
import torch

from pscgan.losses.penalty import Penalty
from pscgan.losses.spread import RcGAN

from .scalar_world import MU, SIGMA, assert_expectation, best_sigma, expectation, gaussian_samples, gaussian_truth


def rewarding(scale: float) -> RcGAN:
    estimator = RcGAN()
    estimator.controller.scale.fill_(scale)
    return estimator


def beta(K: int) -> float:
    return sqrt(2 / (pi * K * (K + 1)))


@pytest.mark.parametrize("K", [2, 4, 8])
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_expectation(K, factor):
    sigma_G = factor * SIGMA
    exact = sqrt(2 / pi) * sqrt(SIGMA**2 + sigma_G**2 / K) - beta(K) * sigma_G
    assert_expectation(RcGAN(), gaussian_samples(K, MU, sigma_G), gaussian_truth(), exact)


@pytest.mark.parametrize("K", [2, 4, 8])
def test_reward_is_the_standard_deviation(K):
    def reward(samples, clean, measurement):
        return (rewarding(0.0)(samples, clean, None) - RcGAN()(samples, clean, None)) / beta(K)

    assert_expectation(reward, gaussian_samples(K, MU, 0.3), gaussian_truth(), 0.3)


@pytest.mark.parametrize("K", [2, 4, 8])
def test_best_spread_is_the_true_one(K):
    assert best_sigma(RcGAN(), K) == 1.0
    assert best_sigma(rewarding(0.0), K) == 0.0
    assert best_sigma(rewarding(0.8), K) == 0.8
    assert best_sigma(rewarding(1.2), K) == 1.25


@pytest.mark.parametrize("K", [2, 8])
def test_best_mean_is_the_true_one(K):
    shifts = (-0.2, -0.1, 0.0, 0.1, 0.2)
    truth = gaussian_truth()
    assert min(shifts, key=lambda d: expectation(RcGAN(), gaussian_samples(K, MU + d), truth)[0]) == 0.0


def test_reward_can_be_fixed():
    estimator = RcGAN(adapt_rate=0)
    estimator.controller.adapt(gain_db=0.0, gain_db_exact=2.5)
    assert estimator.controller.scale.item() == 1
    with pytest.raises(ValueError, match=r"adapt_rate.*-0\.1"):
        RcGAN(adapt_rate=-0.1)


def test_factor_of_the_reward_is_saved_with_the_penalty():
    penalty, resumed = Penalty(RcGAN()), Penalty(RcGAN())
    penalty.estimator.controller.adapt(gain_db=0.0, gain_db_exact=2.5)
    resumed.load_state_dict(penalty.state_dict())
    assert torch.equal(resumed.estimator.controller.scale, penalty.estimator.controller.scale)
    assert resumed.estimator.controller.scale != 1
