"""SURE against the squared error it estimates: exact where the divergence is, in expectation for any denoiser."""

import pytest
import torch

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.block_average import BlockAverage
from pscgan.data.degradations.poisson import Poisson
from pscgan.losses.sure import SURE
from pscgan.rng import Rng

from .scalar_world import normal

IMAGES, SIGMA = 200, 0.4  # of a block, of the noise


def value_of(denoise, measurement, seed=0):
    restore = lambda y: denoise(y)[None]  # noqa: E731
    samples_KBCHW = restore(measurement.degraded)
    return SURE()(restore, samples_KBCHW, measurement, Rng(seed, "penalty sure", range(len(measurement))))


def noisy(clean, seed):
    """y = x + σn in float64."""
    degraded = clean + SIGMA * normal(seed, *clean.shape)
    return GaussianNoise(255 * SIGMA).at_levels(degraded, degraded.new_full((len(clean),), SIGMA))


def linear(y):
    """All four pixels of an image mix."""
    W = normal(7, 4, 4) / 2
    return (y.flatten(1) @ W.mT).view_as(y)


def nonlinear(y):
    """Shrinks by what its neighbours are."""
    return y * torch.sigmoid(3 * y.roll(1, -1).square() - 1)


def rectified(y, threshold=0.3):
    """Shrinks each value by a threshold (Donoho)."""
    return torch.relu(y - threshold) - torch.relu(-y - threshold)


def test_of_a_diagonal_denoiser_the_divergence_and_the_value_are_exact():
    gains, measurement = normal(1, 1, 4, 4), noisy(normal(2, 3, 1, 4, 4), 3)
    y = measurement.degraded
    expected = ((gains - 1) * y).square().mean() - SIGMA**2 + 2 * SIGMA**2 * gains.mean()
    assert torch.allclose(value_of(lambda y: gains * y, measurement), expected, rtol=1e-12)


@pytest.mark.parametrize("denoise", [linear, nonlinear, rectified])
def test_its_expectation_is_the_squared_error(denoise):
    """The same x again and again, with other noise and another probe; 4 standard errors of 200 blocks."""
    clean = normal(0, 1, 1, 2, 2).expand(IMAGES, -1, -1, -1)
    misses, errors = [], []
    for block in range(200):
        measurement = noisy(clean, 1 + block)
        errors.append((denoise(measurement.degraded) - clean).square().mean())
        misses.append(value_of(denoise, measurement, block) - errors[-1])
    miss, standard_error = torch.stack(misses).mean(), torch.stack(misses).std() / len(misses) ** 0.5
    assert standard_error < 0.02 * torch.stack(errors).mean()
    assert miss.abs() < 4 * standard_error


def test_its_gradient_leads_to_the_wiener_gain():
    """Of D(y) = w y it is (w − 1)²|y|²/N + σ²(2w − 1), least at w = 1 − σ²N/|y|²."""
    measurement, w = noisy(normal(4, 5, 3, 4, 4), 5), torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(value_of(lambda y: w * y, measurement), w)
    power = measurement.degraded.square().mean()
    assert torch.allclose(gradient, 2 * (w - 1) * power + 2 * SIGMA**2, rtol=1e-12)


def test_its_gradient_is_that_of_the_squared_error_where_rectifiers_switch():
    """The derivative of ReLU is 0 or 1 whatever the threshold: by it the gradient would not know of σ."""
    clean, threshold = normal(0, 1000, 1, 2, 2), torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    misses, errors = [], []
    for block in range(100):
        measurement = noisy(clean, 1 + block)
        squared = (rectified(measurement.degraded, threshold) - clean).square().mean()
        value = value_of(lambda y: rectified(y, threshold), measurement, block)
        (found,), (expected,) = (torch.autograd.grad(term, threshold) for term in (value, squared))
        misses.append(found - expected)
        errors.append(expected)
    miss, standard_error = torch.stack(misses).mean(), torch.stack(misses).std() / len(misses) ** 0.5
    assert standard_error < 0.1 * torch.stack(errors).mean().abs()
    assert miss.abs() < 4 * standard_error


def test_each_image_has_its_own_level():
    levels = torch.tensor([0.1, 0.5], dtype=torch.float64)
    measurement = GaussianNoise([10, 200]).at_levels(normal(6, 2, 3, 4, 4), levels)
    value = value_of(lambda y: levels.view(-1, 1, 1, 1) * y, measurement)
    errors = [
        ((s - 1) * y).square().mean() + s**2 * (2 * s - 1) for s, y in zip(levels, measurement.degraded, strict=True)
    ]
    assert torch.allclose(value, torch.stack(errors).mean(), rtol=1e-12)


@pytest.mark.parametrize(
    ("degradation", "known"),
    [(Linear(BlockAverage(2), 25.0), "measured"), (Linear(BlockAverage(2)), "measured"), (Poisson(30), "photons")],
)
def test_another_degradation_is_refused(degradation, known):
    measurement = degradation(torch.rand(2, 3, 4, 4), Rng(0, "degradation", range(2)))
    with pytest.raises(ValueError, match="epsilon must be a number in"):
        SURE(0)
    with pytest.raises(ValueError, match=f"SURE needs degradation=gaussian_noise.*{known}"):
        value_of(lambda y: y, measurement)
