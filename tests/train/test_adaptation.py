"""Adaptation: what is kept has a smaller error, what has a larger one is not kept, and one seed is one result."""

from dataclasses import replace

import pytest
import torch

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.sources.generated import page_of_text
from pscgan.rng import Rng
from pscgan.train.adaptation import Adaptation, adapt_to_clean, adapt_to_noisy
from pscgan.train.adaptation_error import GivenNoise, SureOfNoisy
from pscgan.train.inference.load import load

from .export.exporting import JPEG, NOISE, exported
from .tiny import LIGHTNING_SAYS, run

pytestmark = LIGHTNING_SAYS

SHORT = Adaptation(images=64, lr=0.02, crop=16)
SIGMA = 50 / 255


def pages(count=2, side=48):
    return [page_of_text(number)[:, :side, :side] for number in range(count)]


def noisy(clean):
    y = clean.float() / 255 + SIGMA * Rng(0, "noise of a test", [0]).randn(*clean.shape)[0]
    return (255 * y).round().clamp(0, 255).byte()


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def baseline(tmp_path):
    """Not trained, so that anything it learns helps; without z."""
    return load(exported(tmp_path, latent_channels=0))


def test_clean_pictures_of_a_kind_lower_the_error_of_others(baseline):
    adapted = adapt_to_clean(baseline, pages(), SHORT)
    assert adapted.error < 0.95 * adapted.error_before
    clean = page_of_text(9)[None, :, :48, :48].float() / 255
    y, errors = baseline.degradation(clean, Rng(0, "other", [0])), []
    for weights in (baseline.generator.state_dict(), adapted.weights):
        baseline.generator.load_state_dict(weights)
        errors.append((baseline.mean(y, 1) - clean).square().mean())
    assert errors[1] < 0.95 * errors[0]


def test_the_same_seed_is_the_same_result_and_the_model_stays_as_it_is(baseline):
    before = {name: tensor.clone() for name, tensor in baseline.generator.state_dict().items()}
    for adapt in (lambda how: adapt_to_clean(baseline, pages(), how), lambda how: of_noise(baseline, how)):
        first, again, other = (adapt(how).weights for how in (SHORT, SHORT, replace(SHORT, seed=1)))
        assert same(first, again)
        assert not same(first, other)
    assert same(before, baseline.generator.state_dict())


def of_noise(sampler, how=SHORT, sigma=None):
    return adapt_to_noisy(sampler, [noisy(page) for page in pages()], sigma, how)


def test_what_does_not_lower_the_error_is_not_kept(baseline):
    """At a rate of 1 it is ruined."""
    before = {name: tensor.clone() for name, tensor in baseline.generator.state_dict().items()}
    good = adapt_to_clean(baseline, pages(), SHORT).weights
    baseline.generator.load_state_dict(good)
    for adapted in (
        adapt_to_clean(baseline, pages(), replace(SHORT, lr=1.0)),
        of_noise(baseline, replace(SHORT, lr=1.0)),
    ):
        assert adapted.error == adapted.error_before
        assert same(adapted.weights, good)
    assert not same(before, good)


def test_sure_must_fall_by_more_than_chance(baseline):
    """D + c n, as if it knew the noise: nᵀ(D' − D) is what makes SURE fall without a smaller error."""
    page = pages(1)[0].float() / 255
    judge = SureOfNoisy(baseline, GivenNoise(GaussianNoise(50), None), [page], 0)
    before = judge(baseline.generator)
    moved = {name: tensor.clone() for name, tensor in baseline.generator.state_dict().items()}
    moved[next(name for name in reversed(moved) if name.endswith("bias"))] += 0.01
    start = baseline.generator.state_dict()
    plain = judge.before[0]
    baseline.generator.load_state_dict(moved)
    after, change = judge(baseline.generator), baseline.mean(judge.measured[0], 1) - plain
    baseline.generator.load_state_dict(start)
    least = 4 * SIGMA * change.square().sum().sqrt() / change.numel()
    assert least > 0
    assert before < after + 10 * least


def test_a_sampler_is_trained_by_the_objective_of_its_run(tmp_path):
    folder = run(tmp_path / "run", "images=4", "evaluation.every_images=4", "checkpoint_every_images=4")
    sampler = load(folder)
    assert sampler.stochastic
    assert sampler.run.config.critic is not None
    for adapted in (adapt_to_clean(sampler, pages(), SHORT), of_noise(sampler)):
        assert adapted.weights.keys() == sampler.generator.state_dict().keys()
        assert adapted.error <= adapted.error_before


def test_a_model_of_many_levels_is_told_one(tmp_path):
    sampler = load(exported(tmp_path, degradation={"_target_": NOISE, "sigma": [5, 80]}, maps=1, latent_channels=0))
    assert of_noise(sampler, sigma=50).error < of_noise(sampler, sigma=50).error_before
    for sigma in (None, 90):
        with pytest.raises(ValueError, match=f"sigma must be a number from 5 to 80 .*got {sigma}"):
            of_noise(sampler, sigma=sigma)


@pytest.mark.parametrize(
    ("options", "named"),
    [({"images": 60}, "images.*multiple of 32.*60"), ({"lr": 0.0}, "lr.*0"), ({"crop": 0}, "crop must be >= 1, got 0")],
)
def test_what_is_out_of_range_is_named(options, named):
    with pytest.raises(ValueError, match=named):
        Adaptation(**({"images": 32, "lr": 0.1} | options))


def test_what_cannot_be_adapted_is_named(tmp_path, baseline):
    with pytest.raises(ValueError, match=r"48x48 pixels, too few for crop=64"):
        adapt_to_clean(baseline, pages(), replace(SHORT, crop=64))
    with pytest.raises(ValueError, match="an export with z"):
        adapt_to_clean(load(exported(tmp_path)), pages(), SHORT)
    with pytest.raises(ValueError, match="GaussianNoise, got one of Jpeg"):
        of_noise(load(exported(tmp_path, degradation=JPEG, maps=3)))
