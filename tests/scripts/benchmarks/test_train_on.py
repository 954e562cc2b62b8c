"""A slice of the posterior benchmark: what theory says of objectives happens when they are trained."""

import pytest
import torch
from hydra.utils import instantiate

from pscgan.scripts.benchmarks.posterior.entry import BenchmarkEntry, compose_entry
from pscgan.scripts.benchmarks.posterior.train_on import make_testset, measure, run_entry, sample, train_on
from pscgan.train.gan_step import GANStep

SHORT = ["images=1600", "schedule.warmup_images=160", "evaluation.images=16", "evaluation.samples=64"]


def figures(row, *overrides, problem="scalar"):
    return run_entry(BenchmarkEntry(problem, row, 0), [*SHORT, *overrides])


@pytest.mark.integration
def test_the_default_objective_finds_the_posterior_of_a_gaussian():
    found = figures("default")
    assert abs(found["mean_db"]) < 0.1
    assert 0.85 < found["variance_ratio"] < 1.15
    assert found["w2"] < 0.15


@pytest.mark.integration
def test_the_published_first_moment_alone_collapses():
    """It carries Var/K, and nothing resists."""
    assert figures("default_alone", "penalty=[first_moment_biased]")["variance_ratio"] < 0.1


def test_the_baseline_has_the_mean_and_no_spread():
    found = figures("mmse")
    assert found["variance_ratio"] == 0
    assert found["mean_db"] < 0.1
    assert found["coverage"] == 0


def test_what_y_determines_has_no_rank_and_points_lie_where_they_may():
    """A tie with the truth would be a share of every rank; an estimate between all points has hardly any recall."""
    found, exact = figures("mmse", problem="disk_joint"), figures("exact", problem="disk_joint")
    assert found["coverage"] == 0
    assert found["recall"] < 0.2
    assert min(exact["precision"], exact["recall"]) > 0.95


def test_the_exact_sampler_is_at_the_floor():
    found = figures("exact", problem="modes")
    assert abs(found["mean_db"]) < 0.05
    assert found["variance_ratio"] == pytest.approx(1, abs=0.05)
    assert found["nearest"] == "posterior"


def test_a_denoiser_is_enough_where_y_is_a_noisy_image():
    assert figures("chain_full_19")["variance_ratio"] == pytest.approx(1, abs=0.05)


@pytest.mark.integration
def test_training_is_a_function_of_the_seed():
    config = compose_entry(BenchmarkEntry("scalar", "default", 3), [*SHORT, "images=320"])
    problem = instantiate(config.problem)
    testset = make_testset(problem, 4, 8, seed=3)
    generators = [train_on(config, problem)[0] for _ in range(2)]
    first, second = (sample(one, problem.degradation, testset.measurement, 8, seed=3) for one in generators)
    assert torch.equal(first, second)
    assert measure(first, problem, testset, pointwise=True) == measure(second, problem, testset, pointwise=True)


def test_controllers_are_told_the_gain(monkeypatch):
    config = compose_entry(BenchmarkEntry("scalar", "rcgan", 0), [*SHORT, "images=320", "adaptations=2"])
    told = []
    monkeypatch.setattr(GANStep, "adapt_weights", lambda self, gain, exact: told.append((gain, exact)))
    train_on(config, instantiate(config.problem))
    assert len(told) == 2
    assert all(exact == pytest.approx(2.4988, abs=1e-4) for _, exact in told)
