"""Anscombe's transform against sums over the law of counts: its variance, the bias of its inverse, and the rule."""

import math

import pytest
import torch

from pscgan.linear_problem import PoissonProblem
from pscgan.models.baselines.anscombe import Anscombe, anscombe, unbiased_inverse
from pscgan.rng import Rng

COUNTS = torch.arange(400, dtype=torch.float64)


def of_poisson(values, mean):
    """E of a function of counts, exactly but for a tail below 1e-12."""
    law = torch.exp(COUNTS * math.log(mean) - mean - torch.lgamma(COUNTS + 1))
    return float((law * values).sum())


@pytest.mark.parametrize(("mean", "variance"), [(1, 0.72), (3, 0.98), (10, 1.00), (30, 1.00)])
def test_counts_have_a_variance_of_one(mean, variance):
    f = anscombe(COUNTS)
    found = of_poisson(f.square(), mean) - of_poisson(f, mean) ** 2
    assert found == pytest.approx(variance, abs=0.01)  # two digits


@pytest.mark.parametrize("mean", [1, 2, 3, 3.5, 4, 6, 10, 30, 100, 200])
def test_the_inverse_is_unbiased_where_the_algebraic_one_is_not(mean):
    stabilised = of_poisson(anscombe(COUNTS), mean)
    assert abs(unbiased_inverse(torch.tensor(stabilised).double()).item() - mean) < 0.01
    assert stabilised**2 / 4 - 3 / 8 - mean < -0.17


def test_no_count_is_black():
    assert unbiased_inverse(torch.tensor([0.0, 2 * math.sqrt(3 / 8)])).tolist() == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 0.05])
def test_noise_is_as_strong_as_the_denoiser_is_told_and_its_mean_leads_to_that_of_the_image(sigma):
    """One flat image: the best denoiser is the mean, and what it removes has the level it was called with."""
    p, white, shape, calls = 30.0, 0.4, (1, 200, 200), []
    rng = Rng(0, "counts", [0])
    y = rng.poisson(torch.full((1, *shape), p * white)) / p + sigma * rng.randn(*shape)

    def denoise(x, s):
        calls.append((s, x.std().item()))
        return x.mean().expand_as(x)

    (found,) = Anscombe().sample_counts(denoise, PoissonProblem(y, p, sigma), 1, Rng(0, "none", [0]))
    error = math.sqrt((white / p + sigma**2) / 200**2)
    assert found.mean().item() == pytest.approx(white, abs=4 * error)
    ((level, deviation),) = calls
    assert deviation == pytest.approx(level, rel=4 / math.sqrt(2 * 200**2) + 0.005)  # sampling, and 1 % of variance


def test_samples_are_one_image():
    y = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    samples = Anscombe().sample_counts(lambda x, s: x, PoissonProblem(y, 20.0, 0.0), 3, Rng(0, "none", [0, 1]))
    assert samples.shape == (3, 2, 1, 4, 4)
    assert torch.equal(samples[0], samples[2])
