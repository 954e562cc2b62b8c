"""The score against its definition, and on a posterior whose pixels vary together."""

from math import pi, sqrt

import pytest
import torch

from pscgan.losses.crps import FairCRPS, MultiscaleCRPS

from .scalar_world import normal

SIDE, NUM_IMAGES = 4, 20_000


def test_is_the_mean_of_the_scores_of_block_means():
    samples, clean = normal(0, 3, 2, 1, 4, 8), normal(1, 2, 1, 4, 8)
    means = [
        [x.unflatten(-2, (-1, side)).unflatten(-1, (-1, side)).mean(dim=(-3, -1)) for x in (samples, clean)]
        for side in (1, 2, 4)
    ]
    expected = sum(FairCRPS()(*pair, None) for pair in means) / 3
    assert torch.allclose(MultiscaleCRPS(scales=3)(samples, clean, None), expected, rtol=1e-12)


def test_one_scale_is_the_plain_score():
    samples, clean = normal(2, 4, 2, 3, 5, 5), normal(3, 2, 3, 5, 5)
    assert torch.equal(MultiscaleCRPS(scales=1)(samples, clean, None), FairCRPS()(samples, clean, None))


def field(seed, *shape, together):
    """Standard normal pixels, all of an image equal or all independent."""
    draws = normal(seed, *shape, 1, 1, 1) if together else normal(seed, *shape, 1, SIDE, SIDE)
    return draws.expand(*shape, 1, SIDE, SIDE)


def test_tells_texture_from_independent_noise_of_the_same_strength():
    """Gaussians of deviation 1: block means of truth and texture keep it, those of noise have 1/2 and 1/4."""
    clean = field(0, NUM_IMAGES, together=True)
    texture, noise = (field(1, 2, NUM_IMAGES, together=together) for together in (True, False))
    error = 0.02
    assert FairCRPS()(texture, clean, None).item() == pytest.approx(1 / sqrt(pi), abs=error)
    assert FairCRPS()(noise, clean, None).item() == pytest.approx(1 / sqrt(pi), abs=error)
    score = MultiscaleCRPS(scales=3)
    at_4 = sqrt(2 / pi) * sqrt(1 + 1 / 16) - 1 / (4 * sqrt(pi))
    at_2 = sqrt(2 / pi) * sqrt(1 + 1 / 4) - 1 / (2 * sqrt(pi))
    assert score(texture, clean, None).item() == pytest.approx(1 / sqrt(pi), abs=error)
    assert score(noise, clean, None).item() == pytest.approx((1 / sqrt(pi) + at_2 + at_4) / 3, abs=error)
    assert at_4 > at_2 > 1 / sqrt(pi) + error


def test_bad_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match=r"scales.*0"):
        MultiscaleCRPS(scales=0)
    with pytest.raises(ValueError, match=r"alpha.*2"):
        MultiscaleCRPS(alpha=2)
    with pytest.raises(ValueError, match=r"scales.*4.*\(4, 8\)"):
        MultiscaleCRPS()(normal(0, 2, 1, 1, 4, 8), normal(1, 1, 1, 4, 8), None)
