"""Bias of the published penalty, and its absence from the other."""

import pytest
import torch

from pscgan.losses.moments import FirstMoment

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

BIASED, UNBIASED = FirstMoment(biased=True), FirstMoment(biased=False)


@pytest.mark.parametrize("K", [2, 3, 8])
def test_unbiased_equals_the_pairwise_products(K):
    samples, clean = normal(0, K, 2, 3, 4, 4), normal(1, 2, 3, 4, 4)
    residuals = clean - samples
    pairs = [(residuals[i] * residuals[j]).mean() for i in range(K) for j in range(K) if i != j]
    assert torch.allclose(UNBIASED(samples, clean, None), torch.stack(pairs).mean(), rtol=1e-12)


def test_one_biased_sample_is_the_mean_squared_error():
    samples, clean = normal(2, 1, 2, 3, 4, 4), normal(3, 2, 3, 4, 4)
    assert torch.allclose(BIASED(samples, clean, None), torch.nn.functional.mse_loss(samples[0], clean), rtol=1e-12)


@pytest.mark.parametrize("K", [2, 4, 8])
@pytest.mark.parametrize(("mu", "factor"), [(MU, 1.0), (MU + 0.3, 0.5), (MU, 2.0)])
def test_expectations(K, mu, factor):
    samples, truth = gaussian_samples(K, mu, factor * SIGMA), gaussian_truth()
    exact = (MU - mu) ** 2 + SIGMA**2
    assert_expectation(UNBIASED, samples, truth, exact)
    assert_expectation(BIASED, samples, truth, exact + (factor * SIGMA) ** 2 / K)


@pytest.mark.parametrize("K", [2, 4, 8])
def test_biased_likes_collapse_best(K):
    assert best_sigma(BIASED, K) == 0


@pytest.mark.parametrize("K", [2, 4, 8])
def test_unbiased_is_flat_in_the_spread(K):
    truth = gaussian_truth()
    collapsed, _ = expectation(UNBIASED, gaussian_samples(K, MU, 0.0), truth)
    for factor in (0.5, 1.0, 2.0):
        samples = gaussian_samples(K, MU, factor * SIGMA)
        difference, error = expectation(lambda s, x, m: UNBIASED(s, x, m) - (x - MU).square().mean(), samples, truth)
        assert abs(difference) < 4 * error, factor
        assert 4 * error < (factor * SIGMA) ** 2 / K  # the biased form would have been caught
    assert collapsed == pytest.approx((truth - MU).square().mean().item(), rel=1e-9)
