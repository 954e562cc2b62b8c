"""The Wiener filter, against the closed form of a Gaussian world."""

import torch

from pscgan.data.convergence_fields import convergence_power
from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.shear import Shear
from pscgan.data.toy_posteriors.fields import sheared_field
from pscgan.models.baselines.wiener import wiener
from pscgan.rng import Rng


def test_it_is_the_posterior_mean_of_a_masked_convergence_field():
    problem, rng = sheared_field(15, hole=4), Rng(0, "world", range(3))
    measurement = problem.degradation(problem.draw(rng).double(), rng)
    known = problem.degradation.maps.bool().expand(3, -1, -1, -1)
    measured = torch.zeros(3, 2, 15, 15, dtype=torch.float64)
    measured[known.expand(-1, 2, -1, -1)] = measurement.params["values"].flatten()
    shear = Linear(Shear(), sigma=12.75)
    found = wiener(shear.linear_problem(shear.measure(measured, {"known": known}, (15, 15))), convergence_power(15))
    torch.testing.assert_close(found, problem.posterior_mean(measurement), rtol=0, atol=1e-6)


def test_of_white_noise_it_shrinks_each_frequency():
    """S / (S + σ²) of the coefficients; two channels are two fields."""
    shear, power = Linear(Shear(), sigma=20), convergence_power(9)
    measurement = shear(Rng(0, "picture", [0]).rand(2, 9, 9).double(), Rng(0, "noise", [0]))
    spectrum = torch.fft.fft2(measurement.degraded - 0.5) * power / (power + (20 / 255) ** 2)
    found = wiener(shear.linear_problem(measurement), power)
    torch.testing.assert_close(found, 0.5 + torch.fft.ifft2(spectrum).real, rtol=0, atol=1e-9)
