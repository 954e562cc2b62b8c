"""Reward for spread and its controller, in a world where the true spread is known."""

from math import log10

import pytest
import torch

from pscgan.losses.experimental.spread_reward import SpreadReward
from pscgan.losses.moments import FirstMoment
from pscgan.losses.spread import SpreadController

from .scalar_world import MU, SIGMA, assert_expectation, gaussian_samples, gaussian_truth, normal

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
    truth, *z = torch.linalg.qr(draws - draws.mean(0)).Q.mT * 1000**0.5
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
