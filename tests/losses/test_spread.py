"""Rewards for spread and their controller, in a world where the true spread is known."""

from math import log10, pi, sqrt

import pytest
import torch

from pscgan.losses.experimental.spread_reward import SpreadReward
from pscgan.losses.moments import FirstMoment
from pscgan.losses.penalty import Penalty
from pscgan.losses.spread import RcGAN, SpreadController

from .scalar_world import (
    MU,
    SIGMA,
    assert_expectation,
    best_sigma,
    expectation,
    gaussian_samples,
    gaussian_truth,
    normal,
)

K_VALIDATION = 8
EXACT_DB = 10 * log10(2 * K_VALIDATION / (K_VALIDATION + 1))


def test_controller_moves_by_the_missing_gain():
    controller = SpreadController(scale=1.0, adapt_rate=0.02)
    controller.adapt(gain_db=EXACT_DB - 1.5, gain_db_exact=EXACT_DB)
    assert controller.scale.item() == pytest.approx(1.03)
    controller.adapt(gain_db=EXACT_DB + 0.5, gain_db_exact=EXACT_DB)
    assert controller.scale.item() == pytest.approx(1.02)
    controller.adapt(gain_db=EXACT_DB + 1000, gain_db_exact=EXACT_DB)
    assert controller.scale.item() == 0


def test_damping_follows_the_change_of_the_missing_gain():
    controller = SpreadController(scale=1.0, adapt_rate=0.02, damping=0.1)
    controller.adapt(gain_db=EXACT_DB - 1.5, gain_db_exact=EXACT_DB)
    assert controller.scale.item() == pytest.approx(1 + 0.02 * 1.5 + 0.1 * 1.5)
    controller.adapt(gain_db=EXACT_DB - 0.5, gain_db_exact=EXACT_DB)
    assert controller.scale.item() == pytest.approx(1 + 0.02 * 2 + 0.1 * 0.5)


def test_bad_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match=r"adapt_rate.*-0\.1"):
        SpreadController(adapt_rate=-0.1)
    with pytest.raises(ValueError, match=r"damping.*-1"):
        SpreadReward(damping=-1)
    with pytest.raises(ValueError, match=r"scale.*-1"):
        SpreadController(scale=-1)


@pytest.mark.parametrize("K", [2, 4, 8])
def test_reward_is_the_standard_deviation(K):
    assert_expectation(SpreadReward(scale=2.0), gaussian_samples(K, MU, 0.3), gaussian_truth(), -2 * 0.3)


def gain_db(mu, sigma):
    """What averaging gains for samples N(mu, sigma²) of a truth N(MU, SIGMA²)."""
    floor = SIGMA**2 + (mu - MU) ** 2
    return 10 * log10((floor + sigma**2) / (floor + sigma**2 / K_VALIDATION))


def trained(first_moment, reward, sigma, validations):
    """(mu, sigma) after gradient descent on both, told the gain every 10 steps."""
    parameters = torch.tensor([0.0, sigma], dtype=torch.float64, requires_grad=True)
    draws = normal(0, 1000, 3)
    # mean 0, variance 1 and uncorrelated to the last digit, as the unbiased form is flat on average only
    Q, R = torch.linalg.qr(draws - draws.mean(0))
    truth, *z = (Q * R.diagonal().sign()).mT * 1000**0.5  # the library chooses the signs of Q
    clean, z = (MU + SIGMA * truth)[:, None, None, None], torch.stack(z)
    for step in range(10 * validations):
        samples = (parameters[0] + parameters[1] * z)[:, :, None, None, None]
        loss = first_moment(samples, clean, None) + reward(samples, clean, None)
        (gradient,) = torch.autograd.grad(loss, parameters)
        parameters.data -= 0.05 * gradient
        if step % 10 == 9:
            reward.controller.adapt(gain_db(*parameters.tolist()), EXACT_DB)
    return parameters.tolist()


@pytest.mark.parametrize("start", [0.01, 2.0])
@pytest.mark.parametrize("biased", [False, True])
def test_controller_leads_to_the_true_spread(start, biased):
    """From collapse and from too much; also where a biased first moment pulls towards collapse all the time."""
    reward = SpreadReward(scale=0.0, adapt_rate=0.02, damping=0.2)
    mu, sigma = trained(FirstMoment(biased), reward, start, validations=150)
    assert mu == pytest.approx(MU, abs=0.01)
    assert abs(sigma) == pytest.approx(SIGMA, rel=0.01)
    wanted = 2 * SIGMA / 2 if biased else 0.0  # the slope of σ²/K at the true spread
    assert reward.controller.scale.item() == pytest.approx(wanted, abs=0.1)


def test_without_reward_the_unbiased_first_moment_leaves_the_spread_where_it_is():
    reward = SpreadReward(scale=0.0, adapt_rate=0.0, damping=0.0)
    _, sigma = trained(FirstMoment(), reward, 0.3, validations=50)
    assert sigma == pytest.approx(0.3, rel=1e-9)
    assert reward.controller.scale == 0


def rewarding(scale: float) -> RcGAN:
    estimator = RcGAN()
    estimator.controller.scale.fill_(scale)
    return estimator


def beta(K: int) -> float:
    return sqrt(2 / (pi * K * (K + 1)))


@pytest.mark.parametrize("K", [2, 4, 8])
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_rcgan_expectation(K, factor):
    sigma_G = factor * SIGMA
    exact = sqrt(2 / pi) * sqrt(SIGMA**2 + sigma_G**2 / K) - beta(K) * sigma_G
    assert_expectation(RcGAN(), gaussian_samples(K, MU, sigma_G), gaussian_truth(), exact)


@pytest.mark.parametrize("K", [2, 4, 8])
def test_rcgan_reward_is_the_standard_deviation(K):
    def reward(samples, clean, measurement):
        return (rewarding(0.0)(samples, clean, None) - RcGAN()(samples, clean, None)) / beta(K)

    assert_expectation(reward, gaussian_samples(K, MU, 0.3), gaussian_truth(), 0.3)


@pytest.mark.parametrize("K", [2, 4, 8])
def test_rcgan_best_spread_is_the_true_one(K):
    assert best_sigma(RcGAN(), K) == 1.0
    assert best_sigma(rewarding(0.0), K) == 0.0
    assert best_sigma(rewarding(0.8), K) == 0.8
    assert best_sigma(rewarding(1.2), K) == 1.25


@pytest.mark.parametrize("K", [2, 8])
def test_rcgan_best_mean_is_the_true_one(K):
    shifts = (-0.2, -0.1, 0.0, 0.1, 0.2)
    truth = gaussian_truth()
    assert min(shifts, key=lambda d: expectation(RcGAN(), gaussian_samples(K, MU + d), truth)[0]) == 0.0


def test_rcgan_reward_can_be_fixed():
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
