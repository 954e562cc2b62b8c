"""The steps on the data term, against dense matrices, the Fourier transform and masks."""

import pytest
import torch

from pscgan.linear_problem import denoising_problem, unmeasured_problem

from .models.baselines.denoiser_worlds import GaussianVectors, blurred, normal


def test_the_proximal_map_solves_the_normal_equations():
    prior = GaussianVectors()
    problem, x, beta = prior.problem(), normal(5, 3, 1, 4, 4).double(), 7.0
    H = prior.A.T @ prior.A / prior.sigma**2 + beta * torch.eye(16).double()
    right = problem.measured @ prior.A / prior.sigma**2 + beta * x.flatten(1)
    torch.testing.assert_close(problem.proximal(x, beta).flatten(1), torch.linalg.solve(H, right.T).T)


def test_the_proximal_map_of_a_blur_leaves_no_gradient():
    kernel = torch.zeros(8, 8).double()
    kernel[:2, :3] = torch.tensor([[0.4, 0.2, 0.1], [0.1, 0.1, 0.1]])
    problem = blurred(normal(6, 2, 3, 8, 8).double(), torch.fft.fft2(kernel), 0.05)
    x, beta = normal(7, 2, 3, 8, 8).double(), 40.0
    z = problem.proximal(x, beta)
    assert (problem.data_gradient(z) + beta * (z - x)).abs().max() < 1e-9 * problem.data_gradient(x).abs().max()


def test_the_proximal_map_of_denoising_is_a_weighted_mean():
    y, x = torch.rand(2, 3, 5, 4), torch.rand(2, 3, 5, 4)
    problem = denoising_problem(y, 0.5)
    torch.testing.assert_close(problem.proximal(x, 12.0), (4 * y + 12 * x) / 16)
    assert torch.equal(problem.pseudoinverse(problem.forward(y)), y)


def test_the_gradient_is_that_of_the_energy():
    problem = GaussianVectors().problem()
    x = torch.rand(3, 1, 4, 4).double().requires_grad_()
    (gradient,) = torch.autograd.grad(problem.data_energy(x).sum(), x)
    torch.testing.assert_close(problem.data_gradient(x), gradient)


def test_without_noise_the_data_are_kept_to_the_floor():
    """(y/σ² + βx) / (1/σ² + β) with σ = 0.001: y but for a 1e-3 of its distance from x at β = 1,000."""
    y, x = torch.rand(1, 1, 4, 4).double(), torch.rand(1, 1, 4, 4).double()
    torch.testing.assert_close(denoising_problem(y, 0.0).proximal(x, 1000.0), (y + 1e-3 * x) / 1.001)


def test_the_proximal_map_of_grey_is_the_posterior_mean_of_a_white_prior():
    prior = GaussianVectors()
    problem = prior.problem()
    grey = torch.full_like(problem.shown, prior.mean)
    expected = prior.posterior_mean(problem, torch.eye(16).double() / 16)
    torch.testing.assert_close(problem.proximal(grey, 16.0), expected)


def test_where_nothing_is_measured_only_the_prior_is_left():
    """Every S is 0: no image has a residual, the data have no pull, and V g(S) Vᵀ is g(0)."""
    x = normal(8, 2, 3, 5, 4).double()
    problem = unmeasured_problem(torch.rand(2, 3, 5, 4).double())
    assert problem.measured.shape == (2, 0)
    assert torch.equal(problem.forward(x), problem.measured)
    assert torch.equal(problem.proximal(x, 7.0), x)
    assert torch.equal(problem.data_energy(x), torch.zeros(2).double())
    assert torch.equal(problem.pseudoinverse(problem.measured), torch.zeros_like(x))
    assert torch.equal(problem.filtered(x, lambda S: 3 + S), 3 * x)


def test_bad_measurements_are_refused_by_name():
    with pytest.raises(ValueError, match=r"sigma.*-1"):
        denoising_problem(torch.rand(1, 1, 4, 4), -1.0)
    with pytest.raises(ValueError, match=r"measured.*uint8"):
        denoising_problem(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), 0.1)
    with pytest.raises(ValueError, match=r"degraded.*\(4, 4\)"):
        denoising_problem(torch.rand(4, 4), 0.1)
