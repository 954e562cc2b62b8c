"""Plug-and-play with exact denoisers: fixed points in closed form, and the iterates of deepinv."""

from dataclasses import replace

import pytest
import torch

from pscgan.linear_problem import ProjectedProblem
from pscgan.models.baselines.plug_and_play import HQS, PlugAndPlayADMM
from pscgan.rng import Rng

from .denoiser_worlds import GaussianPixels, GaussianTexture, GaussianVectors, blurred, normal


def solve(solver, prior, problem):
    return solver.sample(prior.denoise, problem, 1, Rng(0, "z", range(len(problem.measured))))[0]


@pytest.mark.parametrize("beta", [10.0, 100.0, 1000.0])
def test_admm_finds_the_posterior_mean_whatever_beta(beta):
    prior = GaussianVectors()
    problem = prior.problem()
    found = solve(PlugAndPlayADMM(3000, beta), prior, problem)
    torch.testing.assert_close(found, prior.posterior_mean(problem, prior.covariance), rtol=0, atol=1e-6)


@pytest.mark.parametrize("beta", [10.0, 1000.0])
def test_admm_of_cells_finds_the_likeliest_value_in_each(beta):
    """Not linear, no noise: of independent Gaussian pixels it is the value of the cell nearest to their mean."""
    prior, y = GaussianPixels(), normal(0, 2, 3, 16, 16).double()
    problem = ProjectedProblem(y, lambda x: torch.minimum(torch.maximum(x, y - 0.1), y + 0.1))
    found = PlugAndPlayADMM(1000, beta).sample_projected(prior.denoise, problem, 2, Rng(0, "z", range(2)))
    torch.testing.assert_close(found[1], problem.project(torch.full_like(y, prior.mean)), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("level", "weight"), [(0.1, 1.0), (0.2, 1.0), (0.2, 0.23)])
def test_hqs_at_one_level_finds_the_posterior_mean_of_a_wider_prior(level, weight):
    prior = GaussianVectors()
    problem = prior.problem()
    found = solve(HQS(1000, level, level, weight), prior, problem)
    wider = (prior.covariance + level**2 * torch.eye(16).double()) / weight
    expected = prior.denoise(prior.posterior_mean(problem, wider), level)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_levels_of_hqs():
    levels = HQS().levels(2 / 255)
    assert [level * 255 for level in levels] == pytest.approx([49 * (2 / 49) ** (k / 7) for k in range(8)])
    assert HQS(40, last_level=0.6 / 255).levels(0.0)[-1] == pytest.approx(0.6 / 255)
    assert HQS(3).levels(0.5) == [0.5, 0.5, 0.5]
    assert HQS(1).levels(0.01) == [49 / 255]


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (PlugAndPlayADMM, {"steps": 0}, r"steps.*got 0"),
        (PlugAndPlayADMM, {"beta": 0.0}, r"beta.*got 0"),
        (HQS, {"last_level": -1.0}, r"last_level.*-1"),
        (HQS, {"weight": float("inf")}, r"weight.*inf"),
    ],
)
def test_bad_arguments_are_refused_by_name(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_solvers_are_deterministic_and_count_their_calls():
    """K samples are views of one solve, of B images a call; nothing is drawn."""
    prior = GaussianVectors()
    problem, batches, rng = prior.problem(), [], Rng(0, "z", range(3))

    def denoise(x, s):
        batches.append(len(x))
        return prior.denoise(x, s)

    for solver in (PlugAndPlayADMM(5), HQS(7)):
        batches.clear()
        samples = solver.sample(denoise, problem, 4, rng)
        assert samples.shape == (4, 3, 1, 4, 4)
        assert (samples == samples[0]).all()
        assert batches == [3] * solver.calls
        assert not solver.stochastic
    assert torch.equal(rng.randn(2), Rng(0, "z", range(3)).randn(2))


# --- deepinv, given the same A and the same D: its blur by FFT, whose proximal map is exact


def in_deepinv(sigma):
    """A physics, the same problem for us, and the denoiser of a texture."""
    physics_of = pytest.importorskip("deepinv").physics
    prior, kernel = GaussianTexture(), torch.tensor([[0.4, 0.2, 0.1], [0.1, 0.1, 0.0], [0.1, 0.0, 0.0]])
    physics = physics_of.BlurFFT(img_size=(1, 16, 16), filter=kernel[None, None])
    y = physics.A(prior.clean(0, 2)) + sigma * normal(1, 2, 1, 16, 16)
    problem = blurred(y, torch.fft.fft2(kernel, s=(16, 16)), sigma)
    return physics, replace(problem, forward=physics.A, adjoint=physics.A_adjoint), prior.denoise


def assert_iterates(solver, iterator, fidelity, parameters, physics, problem, denoise):
    """That ours are those of deepinv from y as shown, with parameters for each step."""
    prior = pytest.importorskip("deepinv").optim.PnP(denoise)
    state = {"est": (problem.shown, torch.zeros_like(problem.measured))}
    ours = list(solver.iterates(denoise, problem))
    assert len(ours) == len(parameters)
    for mine, values in zip(ours, parameters, strict=True):
        state = iterator(state, fidelity, prior, {"lambda": 1.0, "beta": 1.0, **values}, problem.measured, physics)
        torch.testing.assert_close(mine, state["est"][0], rtol=0, atol=1e-5)


def test_iterates_of_admm_are_those_of_deepinv():
    optim = pytest.importorskip("deepinv").optim
    sigma, beta = 0.05, 100.0
    parameters = [{"stepsize": 1 / beta, "g_param": beta**-0.5}] * 6
    iterator = optim.optim_iterators.ADMMIteration(has_cost=False)
    assert_iterates(PlugAndPlayADMM(6, beta), iterator, optim.L2(sigma=sigma), parameters, *in_deepinv(sigma))


def test_iterates_of_hqs_are_those_of_deepinv_with_the_schedule_of_its_dpir():
    """Its data term is that of noise 1, and step sizes are s² / (weight σ²)."""
    optim = pytest.importorskip("deepinv").optim
    sigma = 0.02
    levels, steps, _ = optim.dpir.get_DPIR_params(sigma)
    parameters = [{"stepsize": step, "g_param": s} for s, step in zip(levels.tolist(), steps.tolist(), strict=True)]
    iterator = optim.optim_iterators.HQSIteration(has_cost=False)
    assert_iterates(HQS(), iterator, optim.L2(), parameters, *in_deepinv(sigma))
