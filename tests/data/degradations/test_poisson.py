"""The law of photons and of read noise."""

import pytest
import torch
from scipy import stats

from pscgan.data.degradations.poisson import Poisson
from pscgan.rng import Rng


def rng(*numbers):
    return Rng(0, "degradation", numbers)


def test_counts_follow_the_law_of_poisson():
    counts = Poisson(10)(torch.full((1, 1, 200, 200), 0.4), rng(0)).degraded.flatten() * 10
    assert (counts - counts.round()).abs().max() < 1e-5
    observed = torch.bincount(counts.round().long(), minlength=14)[:14].double()
    law = torch.from_numpy(stats.poisson(4).pmf(range(14)))
    statistic = ((observed - law * 40_000).square() / (law * 40_000)).sum()
    assert statistic < stats.chi2(13).isf(1e-4)


@pytest.mark.parametrize(("photons", "sigma"), [(30, 0), (1000, 0), (30, 12), (200, 5)])
@pytest.mark.parametrize("x", [0.1, 0.7])
def test_mean_and_variance(photons, sigma, x):
    noise = Poisson(photons, sigma)(torch.full((2, 1, 200, 200), x, dtype=torch.float64), rng(0, 1)).degraded - x
    variance, n = x / photons + (sigma / 255) ** 2, noise.numel()
    assert abs(noise.mean()) < 4 * (variance / n) ** 0.5
    fourth = 1 / (photons * x)  # excess kurtosis of Poisson counts; read noise only makes it less
    assert abs(noise.square().mean() / variance - 1) < 4 * ((2 + fourth) / n) ** 0.5


def test_the_residual_is_one_for_the_truth():
    clean = 0.1 + 0.9 * rng(*range(4)).rand(3, 64, 64)
    for degradation in (Poisson(50), Poisson([20, 500], sigma=8)):
        measurement = degradation(clean, rng(*range(4)))
        assert ((degradation.residual(clean, measurement) - 1).abs() < 4 * (2.2 / clean[0].numel()) ** 0.5).all()
        assert (degradation.residual((clean + 0.5).clamp(max=1.5), measurement) > 1.5).all()
        assert degradation.project(clean, measurement) is clean


def test_black_is_measured_as_black_and_has_a_finite_residual():
    degradation, black = Poisson(30), torch.zeros(1, 3, 8, 8)
    measurement = degradation(black, rng(0))
    assert (measurement.degraded == 0).all()
    assert degradation.residual(black, measurement) == 0
    assert degradation.residual(black - 1, measurement).isfinite().all()


def test_a_range_gives_a_map_of_the_deviation_at_white():
    measurement = Poisson([10, 1000])(torch.ones(64, 1, 32, 32), rng(*range(64)))
    photons = measurement.params["photons"]
    assert 10 <= photons.min() < 20
    assert 500 < photons.max() <= 1000  # 15 % of the draws are above
    assert torch.equal(measurement.maps, photons.rsqrt().view(64, 1, 1, 1).expand(64, 1, 32, 32))
    spread = (measurement.degraded - 1).square().mean((1, 2, 3)).sqrt() / measurement.maps[:, 0, 0, 0]
    assert ((spread - 1).abs() < 5 * (2.1 / 4 / 1024) ** 0.5).all()


@pytest.mark.parametrize("photons", [0, -1, 0.5, 2e6, [100, 10], [10], [1, 2, 3], [], float("nan")])
def test_wrong_photons_are_refused(photons):
    with pytest.raises(ValueError, match=r"photons must be "):
        Poisson(photons)


@pytest.mark.parametrize("sigma", [-1, 256, float("nan")])
def test_wrong_sigmas_are_refused(sigma):
    with pytest.raises(ValueError, match=r"sigma must be "):
        Poisson(30, sigma)
