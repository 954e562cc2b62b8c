"""Impulses: how often, what stays known, and what saturated truths mean."""

import pytest
import torch

from pscgan.data.degradations.salt_and_pepper import SaltAndPepper
from pscgan.rng import Rng


def rng(*numbers):
    return Rng(0, "degradation", numbers)


@pytest.mark.parametrize("rate", [0.1, 0.6])
def test_half_of_the_impulses_are_white(rate):
    degraded = SaltAndPepper(rate)(torch.full((2, 3, 100, 100), 0.4), rng(0, 1)).degraded
    n = degraded.numel()
    for value, share in [(0, rate / 2), (1, rate / 2), (0.4, 1 - rate)]:
        found = (degraded == value).double().mean()
        assert abs(found - share) < 4 * (share * (1 - share) / n) ** 0.5
    assert torch.isin(degraded, torch.tensor([0, 1, 0.4])).all()


def test_the_projection_pastes_what_is_known():
    clean, start = 0.1 + 0.8 * rng(0, 1).rand(3, 16, 16), rng(2, 3).randn(3, 16, 16)
    degradation = SaltAndPepper(0.3)
    measurement = degradation(clean, rng(0, 1))
    projected = degradation.project(start, measurement)
    known = (measurement.degraded > 0) & (measurement.degraded < 1)
    assert torch.equal(projected[known], clean[known])
    assert torch.equal(projected[~known], start[~known])
    assert (degradation.residual(projected, measurement) == 0).all()
    assert (degradation.residual(clean, measurement) == 0).all()


def test_saturated_truths_explain_what_is_measured_of_them():
    clean = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).round()
    degradation = SaltAndPepper(0.2)
    measurement = degradation(clean, rng(0))
    assert torch.equal(degradation.project(clean, measurement), clean)  # nothing is known, nothing is overwritten
    assert degradation.residual(clean, measurement) == 0
    assert (measurement.degraded == clean).float().mean() > 0.8


def test_the_residual_is_in_grey_levels():
    clean = torch.full((2, 3, 16, 16), 0.5)
    degradation = SaltAndPepper(0.3)
    residual = degradation.residual(clean + 2 / 255, degradation(clean, rng(0, 1)))
    torch.testing.assert_close(residual, torch.full((2,), 2.0), rtol=1e-4, atol=0)


def test_gradients_pass_where_nothing_is_known():
    clean = torch.full((1, 1, 8, 8), 0.5)
    degradation = SaltAndPepper(0.5)
    measurement = degradation(clean, rng(0))
    start = torch.zeros_like(clean, requires_grad=True)
    degradation.project(start, measurement).sum().backward()
    assert torch.equal(start.grad, (measurement.degraded != 0.5).float())


def test_a_range_gives_a_map_of_the_rate():
    measurement = SaltAndPepper([0.1, 0.5])(torch.full((32, 1, 64, 64), 0.5), rng(*range(32)))
    rate = measurement.params["rate"]
    assert 0.1 <= rate.min() < 0.2
    assert 0.4 < rate.max() <= 0.5
    assert torch.equal(measurement.maps, rate.view(32, 1, 1, 1).expand(32, 1, 64, 64))
    found = (measurement.degraded != 0.5).float().mean((1, 2, 3))
    assert ((found - rate).abs() < 5 * (0.25 / 4096) ** 0.5).all()


@pytest.mark.parametrize("rate", [0, 1, -0.1, [0.5, 0.1], [0.1], [], float("nan")])
def test_wrong_rates_are_refused(rate):
    with pytest.raises(ValueError, match=r"rate must be "):
        SaltAndPepper(rate)
