"""RED with exact denoisers of Gaussian priors: minimum in closed form, descent, and what all three agree on."""

import pytest
import torch

from pscgan.models.baselines.red import REDADMM, REDFixedPoint, REDSteepestDescent
from pscgan.rng import Rng

from .denoiser_worlds import GaussianVectors

LEVEL = 0.1
WEIGHT = 50.0  # half of 1/s², so that the prior is twice as wide as that of HQS


def solve(solver, prior, problem, num_samples=1):
    return solver.sample(prior.denoise, problem, num_samples, Rng(0, "z", range(len(problem.measured))))


def minimum(prior, problem, weight, level=LEVEL):
    covariance = (prior.covariance + level**2 * torch.eye(16).double()) / (weight * level**2)
    return prior.posterior_mean(problem, covariance)


def energy(x, prior, problem):
    return problem.data_energy(x) + WEIGHT / 2 * (x * (x - prior.denoise(x, LEVEL))).flatten(1).sum(1)


MINIMISERS = {
    "steepest descent": REDSteepestDescent(8000, WEIGHT, LEVEL),
    "fixed point": REDFixedPoint(2000, WEIGHT, LEVEL),
    "admm": REDADMM(2000, WEIGHT, LEVEL, beta=50.0),
}
every_minimiser = pytest.mark.parametrize("solver", MINIMISERS.values(), ids=MINIMISERS)


@every_minimiser
@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_the_fixed_point_is_the_posterior_mean_of_a_wider_prior(solver, mean):
    prior = GaussianVectors(mean)
    problem = prior.problem()
    torch.testing.assert_close(solve(solver, prior, problem)[0], minimum(prior, problem, WEIGHT), rtol=0, atol=1e-4)


@pytest.mark.parametrize("weight", [10.0, 1 / LEVEL**2, 400.0])
def test_the_fixed_point_for_other_weights(weight):
    prior = GaussianVectors()
    problem = prior.problem()
    found = solve(REDFixedPoint(6000, weight, LEVEL), prior, problem)[0]
    torch.testing.assert_close(found, minimum(prior, problem, weight), rtol=0, atol=1e-6)


def test_each_step_of_steepest_descent_lowers_the_energy():
    """D is linear where the mean is 0: homogeneous, symmetric, passive, so that E is what the steps descend."""
    prior = GaussianVectors(mean=0.0)
    problem = prior.problem()
    iterates = REDSteepestDescent(60, WEIGHT, LEVEL).iterates(prior.denoise, problem)
    energies = torch.stack([energy(x, prior, problem) for x in iterates])
    assert energies.shape == (60, 3)
    assert (energies.diff(dim=0) < 0).all()


def test_the_energy_is_least_at_the_minimum():
    prior = GaussianVectors(mean=0.0)
    problem = prior.problem()
    x = minimum(prior, problem, WEIGHT).requires_grad_()
    (gradient,) = torch.autograd.grad(energy(x, prior, problem).sum(), x)
    left = (x - prior.denoise(x, LEVEL)).detach()
    assert gradient.abs().max() < 1e-9 * (WEIGHT * left).abs().max()


def test_the_fixed_point_needs_few_of_the_calls_of_steepest_descent():
    prior = GaussianVectors(mean=0.0, sigma=0.02)
    problem = prior.problem()
    slow = solve(REDSteepestDescent(500, WEIGHT, LEVEL), prior, problem)[0]
    fast = solve(REDFixedPoint(100, WEIGHT, LEVEL), prior, problem)[0]
    energies = [energy(x, prior, problem) for x in (fast, slow)]
    assert (energies[0] <= energies[1]).all()


@every_minimiser
def test_samples_are_one_solution(solver):
    prior = GaussianVectors()
    samples = solve(type(solver)(steps=2), prior, prior.problem(), 3)
    assert samples.shape == (3, 3, 1, 4, 4)
    assert (samples == samples[0]).all()
    assert type(solver)(steps=2).calls == 2


@every_minimiser
def test_bad_input_is_refused_by_name(solver):
    build, prior = type(solver), GaussianVectors()
    with pytest.raises(ValueError, match=r"steps.*got 0"):
        build(steps=0)
    with pytest.raises(ValueError, match=r"weight.*got 0"):
        build(weight=0.0)
    with pytest.raises(ValueError, match=r"level.*nan"):
        build(level=float("nan"))
    with pytest.raises(ValueError, match=r"num_samples"):
        solve(solver, prior, prior.problem(), 0)
    with pytest.raises(ValueError, match=r"rng.* 3 .*2"):
        solver.sample(prior.denoise, prior.problem(), 1, Rng(0, "z", range(2)))
    with pytest.raises(ValueError, match=r"denoiser.*\(3, 1, 4, 4\)"):
        list(build().iterates(lambda x, s: x[..., :2], prior.problem()))
