"""SNIPS with exact denoisers: its law at each singular value, and Kawar's steps where all are 0 or 1."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from pscgan.linear_problem import LinearProblem
from pscgan.models.baselines.samplers import ReverseChain
from pscgan.models.baselines.snips import SNIPS
from pscgan.rng import Rng

from .denoiser_worlds import GaussianPixels, normal
from .frequency_laws import (
    assert_law_of_each_frequency,
    assert_law_of_synthesis,
    drawn,
    errors,
    problem,
    residual,
    synthesis_distance,
)
from .test_baselines import chain_law, full_noise

FEW = SNIPS(levels=25, step=0.4)
PUBLISHED = SNIPS(25, 3, 0.25, published_noise=True)
FACES = SNIPS(500, 5, 0.033, 90.0, published_noise=True)
ROUGH = SNIPS(60, 3, step=0.2, published_noise=True)


def levels(rule):
    ratio = rule.sigma_min / rule.first_level
    return [rule.first_level * ratio ** (i / (rule.levels - 1)) for i in range(rule.levels)]


def snips_law(rule, final=True):
    """A case for each regime; without the last denoising as the authors' code, with the published noise as the paper.

    By default such that x, were D the clean image, had after a step the noise of the level that is reached, and, below
    the noise of y, as much of it in common with y; and were D the identity, the variance that it had and these have.
    """

    def law(c, S, sigma):
        slope, variance = torch.zeros_like(S), torch.full_like(S, rule.first_level**2)
        t2 = (max(sigma, 0.001) / S.clamp(min=1e-9)) ** 2  # of the noise in what is measured
        b = 1 - rule.step
        for s, s_next in pairwise([*levels(rule), rule.sigma_min]):
            likely, denoised = s**2 < t2, c / (c + s**2)
            for step in range(rule.steps_per_level):
                reached = s_next if step == rule.steps_per_level - 1 else s
                if rule.published_noise:
                    a = rule.step * torch.where(likely, s**2 * (1 - s**2 / t2), s**2 - t2)
                    pull = torch.where(likely, 1 / (t2 - s**2), 1 / (s**2 - t2))
                    keep, pull, noise = 1 - a * (torch.where(likely, 1 / (c + s**2), 0) + pull), a * pull, 2 * a
                else:
                    k = torch.where(likely, max(reached**2 - b * s**2, 0) / t2, rule.step)
                    of_denoised = torch.where(likely, rule.step - k, 0)
                    keep, pull = b + of_denoised * denoised, k
                    below = reached**2 - (b**2 * s**2 + 2 * b * k * s**2 + k**2 * t2)
                    above = (reached**2 - t2).clamp(min=0) - b**2 * (s**2 - t2)
                    noise = torch.where(likely, below, above).clamp(min=0)
                    kept = (noise + (of_denoised * s) ** 2).sqrt()  # of a coordinate that D leaves as it is
                    noise = (noise.sqrt() + denoised * (kept - noise.sqrt())) ** 2
                slope, variance = keep * slope + pull, keep**2 * variance + noise
        j = c / (c + rule.sigma_min**2) if final else 1
        return slope * j, variance * j**2

    return law


@pytest.mark.parametrize(
    ("sigma", "rule"), [(0.1, FEW), (0.02, FEW), (0.0, FEW), (0.1, SNIPS(25, 3, 0.1)), (0.1, PUBLISHED)]
)
def test_law_at_each_singular_value(sigma, rule):
    assert_law_of_each_frequency(rule, snips_law(rule), sigma)


def test_law_where_nothing_is_measured():
    assert_law_of_synthesis(FEW, snips_law(FEW))


@pytest.mark.parametrize(
    ("rule", "S", "variance_ratio", "slope_error"),
    [
        (FACES, 0.25, 1.07, 0.043),
        (FACES, 0.0, 1.13, 0.0),
        (FACES, 1.0, 0.92, 0.039),
        (SNIPS(), 0.25, 1.0, 0.001),
        (SNIPS(), 0.0, 1.0, 0.0),
        (SNIPS(), 1.0, 0.992, 0.003),
        (ROUGH, 0.25, 1.11, 0.061),
        (ROUGH, 0.0, 1.19, 0.0),
        (ROUGH, 1.0, 0.91, 0.050),
    ],
)
def test_how_far_from_the_posterior(rule, S, variance_ratio, slope_error):
    """Prior of standard deviation 0.2, sigma 0.1."""
    ratio, slope = errors(snips_law(rule, final=False), S)
    assert ratio == pytest.approx(variance_ratio, abs=0.005)
    assert slope == pytest.approx(slope_error, abs=0.001)


@pytest.mark.parametrize(("c", "with_it", "without"), [(0.04, 1.12, 1.13), (0.0025, 1.08, 1.17), (1e-4, 0.56, 2.25)])
def test_the_last_denoising_brings_the_power_nearer(c, with_it, without):
    for final, expected in ((True, with_it), (False, without)):
        ratio, _ = errors(snips_law(FACES, final), 0.0, c)
        assert ratio == pytest.approx(expected, abs=0.005)


def test_noise_of_the_level_stays_noise_of_the_level():
    """Of a coordinate of almost no variance, at one level: the published noise makes it 1 / (1 − step / 2) of s²."""
    for published, expected in ((False, 1.0), (True, 1 / 0.85)):
        rule = SNIPS(2, 200, 0.3, 1.0, 0.999, published)
        _, variance = snips_law(rule, final=False)(torch.tensor(1e-12).double(), torch.tensor(0.0).double(), 0.0)
        assert variance.item() == pytest.approx(expected * 0.999**2, rel=1e-6)


def test_distance_of_synthesis_on_a_field():
    """Of 2,501 calls, beside 39 of the reverse chain from 1/2 + 4 n."""

    def chain(c, S, sigma):
        variance = torch.empty_like(c)
        for i, value in enumerate(c.flatten().tolist()):
            slope, own = chain_law(GaussianPixels(std=value**0.5), 20, 4.0, full_noise)
            variance.view(-1)[i] = slope**2 * 4.0**2 + own
        return None, variance

    assert ReverseChain(20, "full").calls == 39
    assert synthesis_distance(chain) == pytest.approx(0.021, abs=0.001)
    assert synthesis_distance(snips_law(FACES)) == pytest.approx(0.060, abs=0.001)


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_with_a_mask_each_step_is_one_of_kawar(rate):
    """Known pixels: arXiv 2101.09552 with a step times 1 − s²/σ² below σ, towards y above; others: the score."""
    rule, prior, sigma, shape = SNIPS(12, 2, first_level=0.3, published_noise=True), GaussianPixels(), 0.1, (2, 1, 8, 8)
    known = (normal(0, 8, 8) > 0).double() if rate < 1 else torch.ones(8, 8).double()
    y = known * (prior.clean(1, *shape) + sigma * normal(2, *shape)).double()

    def keep(image):
        return known * image

    found = rule.sample(
        prior.denoise,
        LinearProblem(y, sigma, keep, keep, keep, lambda x, gain: gain(known[None, None]) * x, y),
        1,
        Rng(0, "z", range(2)),
    )
    rng = Rng(0, "z", range(2))
    x = 0.5 + 0.3 * rng.randn(*shape[1:]).double()
    for s in levels(rule):
        free, below = rule.step * s**2, rule.step * s**2 * abs(1 - (s / sigma) ** 2)
        for _ in range(2):
            score, n = (prior.denoise(x, s) - x) / s**2, rng.randn(*shape[1:]).double()
            unknown = x + free * score + (2 * free) ** 0.5 * n
            if s < sigma:
                seen = x + below * (score + (y - x) / (sigma**2 - s**2)) + (2 * below) ** 0.5 * n
            else:
                a = rule.step * (s**2 - sigma**2)
                seen = x + a * (y - x) / (s**2 - sigma**2) + (2 * a) ** 0.5 * n
            x = known * seen + (1 - known) * unknown
    torch.testing.assert_close(found[0], prior.denoise(x, rule.sigma_min))


@pytest.mark.parametrize("rule", [SNIPS(), SNIPS(60, 3, 0.25, published_noise=True)])
def test_samples_are_as_far_from_y_as_the_truth(rule):
    given = problem(0.1)
    assert residual(drawn(rule, given), given) == pytest.approx(1, abs=0.05)


def test_a_coordinate_at_the_noise_of_y_goes_there():
    """Where sS = σ the law of x is a point, A⁺y, for levels just above and below as for that between."""
    rule, y = SNIPS(levels=2, steps_per_level=40, step=0.5, first_level=0.1, sigma_min=0.0999), torch.rand(1, 1, 4, 4)
    ones = LinearProblem(
        y, 0.1, torch.clone, torch.clone, torch.clone, lambda x, gain: gain(x.new_ones(1, 1, 1, 1)) * x, y
    )
    samples = [
        replace(rule, first_level=level).sample(lambda x, s: x, ones, 1, Rng(0, "z", [0]))[0] for level in (0.1, 0.1001)
    ]
    for sample in samples:
        assert (sample - y).abs().max() < 0.02  # noise of √(0.1² − 0.0999²) = 0.0045


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"levels": 1}, "levels.*got 1"),
        ({"steps_per_level": 0}, "steps_per_level.*got 0"),
        ({"step": 1.5}, r"step.*1\.5"),
        ({"first_level": 0.01}, r"sigma.*0\.01"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        SNIPS(**arguments)
