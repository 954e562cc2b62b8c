"""DDRM with exact denoisers: its law at each singular value, and with a projection."""

from itertools import pairwise
from math import sqrt

import pytest
import torch

from pscgan.linear_problem import ProjectedProblem
from pscgan.models.baselines.ddrm import DDRM, ProjectedDDRM, variance_exploding_levels
from pscgan.rng import Rng

from .denoiser_worlds import GaussianPixels, normal
from .frequency_laws import assert_law_of_each_frequency, assert_law_of_synthesis, errors
from .test_baselines import assert_gaussian_law

PUBLISHED = DDRM(first_level=80.0)  # all the levels


def ddrm_law(rule):
    """By the paper's three cases, for coordinates one by one."""
    levels = variance_exploding_levels(rule.levels, rule.first_level)
    rest = sqrt(1 - rule.eta**2)

    def of_one(c, S, sigma):
        slope, variance = (1.0, levels[0] ** 2 - sigma**2 / S**2) if S * levels[0] >= sigma else (0.0, levels[0] ** 2)
        for s, t in pairwise(levels):
            j, pull, noise = c / (c + s**2), 0.0, (rule.eta * t) ** 2
            if S == 0:
                keep = j + rest * t / s * (1 - j)
            elif S * t < sigma:
                pull = rest * S * t / sigma
                keep = (1 - pull) * j
            else:
                pull, noise = rule.eta_b, t**2 - (rule.eta_b * sigma / S) ** 2
                keep = (1 - pull) * j
            slope, variance = keep * slope + pull, keep**2 * variance + noise
        j = c / (c + levels[-1] ** 2)
        return j * slope, j**2 * variance

    def law(c, S, sigma):
        seen = torch.where(S > 1e-3, S, 0).flatten().tolist()
        values = [of_one(*pair, max(sigma, 0.001)) for pair in zip(c.flatten().tolist(), seen, strict=True)]
        slope, variance = torch.tensor(values).double().T
        return slope.view_as(c), variance.view_as(c)

    return law


@pytest.mark.parametrize("sigma", [0.1, 0.0])
@pytest.mark.parametrize("rule", [DDRM(), DDRM(12, eta=0.5, eta_b=0.7)])
def test_law_at_each_singular_value(rule, sigma):
    assert_law_of_each_frequency(rule, ddrm_law(rule), sigma)


def test_law_where_nothing_is_measured():
    assert_law_of_synthesis(DDRM(), ddrm_law(DDRM()))


@pytest.mark.parametrize("first_level", [4.0, 80.0])
def test_law_of_samples_under_white_noise(first_level):
    rule, prior, sigma = DDRM(first_level=first_level), GaussianPixels(), 50 / 255
    slope, variance = ddrm_law(rule)(torch.tensor([prior.std**2]), torch.ones(1), sigma)
    assert_gaussian_law(rule, (slope.item(), variance.item()), prior, sigma)


@pytest.mark.parametrize(
    ("levels", "S", "variance_ratio", "slope_error"),
    [
        (20, 1.0, 0.62, -0.14),
        (20, 0.25, 0.27, 0.05),
        (20, 0.0, 0.55, 0.0),
        (100, 1.0, 0.33, 0.0),
        (100, 0.25, 0.24, 0.19),
        (100, 0.0, 0.70, 0.0),
    ],
)
def test_how_far_from_the_posterior_as_published(levels, S, variance_ratio, slope_error):
    """Prior of standard deviation 0.2, sigma 0.1."""
    ratio, slope = errors(ddrm_law(DDRM(levels, first_level=80.0)), S)
    assert ratio == pytest.approx(variance_ratio, abs=0.006)
    assert slope == pytest.approx(slope_error, abs=0.005)


def test_half_as_far_from_the_posterior_mean_as_a_posterior_sample():
    """Std and sigma of half the size are those of the grid for [−1, 1] applied to [0, 1]."""
    ratio, slope = errors(ddrm_law(PUBLISHED), 1.0, 0.1**2, 25 / 255)
    mmse = 1 / (1 / 0.1**2 + 1 / (25 / 255) ** 2)
    assert ratio + slope**2 * (0.1**2 + (25 / 255) ** 2) / mmse == pytest.approx(0.46, abs=0.005)


def test_levels():
    every = variance_exploding_levels(1000)
    assert (every[0], every[-1]) == (pytest.approx(78.7, abs=0.1), pytest.approx(0.005, abs=1e-5))
    assert variance_exploding_levels(1, 4.0) == [every[-1]]
    kept = variance_exploding_levels(20, 4.0)
    assert set(kept) < set(every)
    assert kept == sorted(kept, reverse=True)
    assert 3 < kept[0] <= 4


# --- by a projection


def test_law_of_samples_by_a_projection():
    """Pixels of which every second is known: P puts y there; of the others the law is that of synthesis with η = 1."""
    rule, prior, y = ProjectedDDRM(eta_b=0.4, first_level=0.62), GaussianPixels(), normal(0, 2, 1, 128, 128).double()
    known = (torch.arange(128) % 2).bool()
    given = ProjectedProblem(y, lambda x: torch.where(known, y, x))
    found = rule.sample_projected(prior.denoise, given, 1, Rng(0, "z", range(2)))[0]
    slope, variance = torch.ones(2).double(), torch.full((2,), variance_exploding_levels(20, 0.62)[0] ** 2).double()
    share = torch.tensor([0.0, rule.eta_b]).double()
    for s, t in pairwise([*variance_exploding_levels(20, 0.62), 0.0]):
        j = (1 - (share if t else 0)) * prior.slope(s)
        slope, variance = j * slope + (share if t else 0), j**2 * variance + t**2
    for column, (b, v) in enumerate(zip(slope.tolist(), variance.tolist(), strict=True)):
        of_y = y[..., column::2] - prior.mean
        rest = found[..., column::2] - prior.mean - b * of_y
        assert rest.var().item() == pytest.approx(v, rel=4 * sqrt(2 / rest.numel()))
        assert (rest * of_y).mean().abs() < 4 * sqrt(v * of_y.square().mean().item() / rest.numel())


def test_calls_and_samples_by_a_projection():
    batches, y = [], torch.rand(3, 1, 8, 8)

    def denoise(x, s):
        batches.append(len(x))
        return x / 2

    def draw(images):
        given = ProjectedProblem(y[images].bfloat16().requires_grad_(), lambda x: x.clamp(0.4, 0.6))
        return ProjectedDDRM().sample_projected(denoise, given, 2, Rng(0, "z", range(3)[images]))

    together = draw(slice(None))
    assert together.shape == (2, 3, 1, 8, 8)
    assert together.dtype == torch.float32
    assert not together.requires_grad
    assert batches == [6] * ProjectedDDRM().calls
    torch.testing.assert_close(together[:, 1:2], draw(slice(1, 2)))


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (DDRM, {"levels": 1001}, "levels.*1001"),
        (DDRM, {"eta": 1.5}, r"eta.*1\.5"),
        (DDRM, {"first_level": 0.006}, r"levels.*<= \d+ with first_level 0\.006, got 20"),
        (ProjectedDDRM, {"eta_b": -1.0}, r"eta_b.*-1"),
    ],
)
def test_bad_arguments_are_refused_by_name(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
