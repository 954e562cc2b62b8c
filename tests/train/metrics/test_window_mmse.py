"""The bound without a model, where the MMSE is known."""

import pytest
import torch

from pscgan.data.toy_posteriors.fields import noisy_field
from pscgan.rng import Rng
from pscgan.train.metrics.window_mmse import window_mmse


def rows(covariance, count, stream):
    """Windows of one image each, as from one generator."""
    white = Rng(0, stream, [0]).randn(count, len(covariance))[0].double()
    return 0.5 + white @ torch.linalg.cholesky(covariance).T


@pytest.mark.parametrize("side", [1, 2])
def test_it_is_that_of_a_gaussian_field_within_its_standard_errors(side):
    problem = noisy_field(side)
    x, library = (rows(problem.covariance, n, name).view(n, 1, side, side) for n, name in ((1000, "x"), (10_000, "l")))
    noisy = x + problem.sigma * Rng(0, "noise", [0]).randn(*x.shape)[0]
    found = window_mmse(x, noisy, library, problem.sigma)
    exact = float(problem.posterior_covariance[-1, -1])  # of the pixel (side // 2, side // 2)
    assert abs(found.lower - exact) < 4 * found.lower_error < 0.05 * exact
    assert abs(found.upper - exact) < 4 * found.upper_error


def test_the_standard_error_counts_the_chance_in_the_library():
    """Over 40 libraries of 500 the lower end is off by its error: the RMS of the ratio is 1 within 4 of √(1/80)."""
    problem, ratios = noisy_field(1), []
    exact = float(problem.posterior_covariance[0, 0])
    for number in range(40):
        x, library = (rows(problem.covariance, 500, f"{name} {number}").view(-1, 1, 1, 1) for name in "xl")
        noisy = x + problem.sigma * Rng(0, f"noise {number}", [0]).randn(*x.shape)[0]
        found = window_mmse(x, noisy, library, problem.sigma)
        ratios.append((found.lower - exact) / found.lower_error)
    assert torch.tensor(ratios).square().mean().sqrt() == pytest.approx(1, abs=4 / 80**0.5)


def test_a_library_that_is_too_small_shows():
    """One window counts: its variance is nothing, and its error what the distance to it is."""
    x = rows(torch.eye(9, dtype=torch.float64), 50, "x").view(50, 1, 3, 3)
    found = window_mmse(x, x, x.flip(0) + 10, 0.01)
    assert found.effective == pytest.approx(1, abs=1e-6)
    assert found.lower < 1e-6
    assert found.upper > 50


def test_channels_are_averaged():
    """Three channels that are equal, each noisy: the MMSE of one seen three times."""
    x, library = (rows(torch.eye(1, dtype=torch.float64), n, name) for n, name in ((1000, "x"), (5000, "library")))
    colour, atoms = (images.expand(-1, 3).reshape(-1, 3, 1, 1) for images in (x, library))
    noisy = colour + Rng(0, "noise", [0]).randn(*colour.shape)[0]
    found = window_mmse(colour, noisy, atoms, 1.0)
    assert abs(found.lower - 1 / 4) < 4 * found.lower_error
