"""CRPS against a double loop, closed forms and a posterior that is no Gaussian; that of blocks on texture and noise."""

from math import erf, exp, pi, sqrt

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from pscgan.data.degradation import measure
from pscgan.data.toy_posteriors.fields import noisy_field
from pscgan.losses.crps import DCTCRPS, FairCRPS, MultiscaleCRPS
from pscgan.losses.moments import FirstMoment
from pscgan.rng import Rng

from .scalar_world import (
    MU,
    NUM_TRUTHS,
    SIGMA,
    assert_expectation,
    best_sigma,
    gaussian_samples,
    gaussian_truth,
    normal,
    signs,
)

SIDE, NUM_IMAGES = 4, 20_000


def distance(mean: float, deviation: float) -> float:
    """E|t| of a Gaussian t."""
    if deviation == 0:
        return abs(mean)
    ratio = mean / deviation
    return deviation * sqrt(2 / pi) * exp(-(ratio**2) / 2) + mean * erf(ratio / sqrt(2))


@pytest.mark.parametrize("K", [2, 3, 7])
@pytest.mark.parametrize("alpha", [1.0, 0.95, 0.0])
def test_equals_the_double_loop(K, alpha):
    samples, clean = normal(0, K, 2, 3, 4, 4), normal(1, 2, 3, 4, 4)
    error = sum((clean - x).abs().mean() for x in samples) / K
    differences = sum((a - b).abs().mean() for a in samples for b in samples)
    fair = error - differences / (2 * K * (K - 1))
    standard = error - differences / (2 * K**2)
    expected = alpha * fair + (1 - alpha) * standard
    assert torch.allclose(FairCRPS(alpha)(samples, clean, None), expected, rtol=1e-12)


@pytest.mark.parametrize("K", [2, 4, 8])
@pytest.mark.parametrize(("mu", "factor"), [(MU, 1.0), (MU + 0.3, 0.5), (MU, 2.0)])
def test_expectation_does_not_depend_on_the_number_of_samples(K, mu, factor):
    sigma_G = factor * SIGMA
    exact = distance(MU - mu, sqrt(SIGMA**2 + sigma_G**2)) - sigma_G / sqrt(pi)
    assert_expectation(FairCRPS(), gaussian_samples(K, mu, sigma_G), gaussian_truth(), exact)


@pytest.mark.parametrize("K", [2, 4, 8])
def test_best_spread_is_the_true_one_only_for_the_fair_score(K):
    assert best_sigma(FairCRPS(), K) == 1.0
    assert best_sigma(FairCRPS(alpha=0.0), K) < 1.0


def test_sees_the_shape_of_the_posterior():
    """Truth at ±1 with a deviation of 0.1: the score ranks truth, Gaussian of equal moments, collapse."""
    mode, width = 1.0, 0.1
    spread = sqrt(mode**2 + width**2)
    truth = mode * signs(2, NUM_TRUTHS) + width * normal(3, NUM_TRUTHS)
    true_law = mode * signs(4, 2, NUM_TRUTHS) + width * normal(5, 2, NUM_TRUTHS)
    between = (distance(0, sqrt(2) * width) + distance(2 * mode, sqrt(2) * width)) / 2
    exact = {
        "truth": between / 2,
        "gaussian": distance(mode, sqrt(width**2 + spread**2)) - spread / sqrt(pi),
        "collapse": distance(mode, width),
    }
    assert exact == pytest.approx({"truth": 0.528, "gaussian": 0.604, "collapse": 1.000}, abs=5e-4)
    assert_expectation(FairCRPS(), true_law, truth, exact["truth"])
    assert_expectation(FairCRPS(), spread * normal(6, 2, NUM_TRUTHS), truth, exact["gaussian"])
    assert_expectation(FairCRPS(), torch.zeros(2, NUM_TRUTHS).double(), truth, exact["collapse"])
    # the published first moment has it the other way round: collapse before truth
    assert_expectation(FirstMoment(biased=True), true_law, truth, 1.5 * spread**2)
    assert_expectation(FirstMoment(biased=True), torch.zeros(2, NUM_TRUTHS).double(), truth, spread**2)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_out_of_range(alpha):
    with pytest.raises(ValueError, match=f"alpha.*{alpha}"):
        FairCRPS(alpha)


def test_multiscale_is_the_mean_of_the_scores_of_differences_of_successive_block_means():
    samples, clean = normal(0, 3, 2, 1, 5, 9), normal(1, 2, 1, 5, 9)  # a row and a column that fill no block of 4

    def bands(images):
        images = images[..., :4, :8]
        fine = [images.unflatten(-2, (-1, n)).unflatten(-1, (-1, n)).mean(dim=(-3, -1)) for n in (1, 2, 4)]
        grown = [means.repeat_interleave(2, -2).repeat_interleave(2, -1) for means in fine[1:]]
        return [fine[0] - grown[0], fine[1] - grown[1], fine[2]]

    expected = sum(FairCRPS()(*pair, None) for pair in zip(bands(samples), bands(clean), strict=True)) / 3
    assert torch.allclose(MultiscaleCRPS(scales=3)(samples, clean, None), expected, rtol=1e-12)


def test_one_scale_is_the_plain_score():
    samples, clean = normal(2, 4, 2, 3, 5, 5), normal(3, 2, 3, 5, 5)
    assert torch.equal(MultiscaleCRPS(scales=1)(samples, clean, None), FairCRPS()(samples, clean, None))


def field(seed, *shape, together):
    """Standard normal pixels, all of an image equal or all independent."""
    draws = normal(seed, *shape, 1, 1, 1) if together else normal(seed, *shape, 1, SIDE, SIDE)
    return draws.expand(*shape, 1, SIDE, SIDE)


def test_tells_texture_from_independent_noise_of_the_same_strength():
    """Gaussians of deviation 1, all pixels of an image equal or independent: bands of noise have √¾, √(3/16) and ¼."""
    clean = field(0, NUM_IMAGES, together=True)
    texture, noise = (field(1, 2, NUM_IMAGES, together=together) for together in (True, False))
    error = 0.02
    assert FairCRPS()(texture, clean, None).item() == pytest.approx(1 / sqrt(pi), abs=error)
    assert FairCRPS()(noise, clean, None).item() == pytest.approx(1 / sqrt(pi), abs=error)
    score = MultiscaleCRPS(scales=3)
    fine = [sqrt(variance) * (sqrt(2 / pi) - 1 / sqrt(pi)) for variance in (3 / 4, 3 / 16)]  # where the truth is 0
    coarse = sqrt(2 / pi) * sqrt(1 + 1 / 16) - 1 / (4 * sqrt(pi))
    assert score(texture, clean, None).item() == pytest.approx(1 / sqrt(pi) / 3, abs=error)
    assert score(noise, clean, None).item() == pytest.approx((sum(fine) + coarse) / 3, abs=error)
    assert (sum(fine) + coarse) / 3 > 1 / sqrt(pi) / 3 + 3 * error


def test_multiscale_bad_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match=r"scales.*0"):
        MultiscaleCRPS(scales=0)
    with pytest.raises(ValueError, match=r"alpha.*2"):
        MultiscaleCRPS(alpha=2)
    with pytest.raises(ValueError, match=r"scales=4.*\(4, 8\)"):
        MultiscaleCRPS()(normal(0, 2, 1, 1, 4, 8), normal(1, 1, 1, 4, 8), None)


def test_dct_crps_is_the_crps_of_the_coefficients_of_overlapping_windows():
    samples, clean = normal(0, 3, 2, 3, 8, 12), normal(1, 2, 3, 8, 12)

    def coefficients(images):
        windows = [images[..., top : top + 4, left : left + 4] for top in (0, 2, 4) for left in (0, 2, 4, 6, 8)]
        return torch.from_numpy(dctn(np.stack(windows), axes=(-3, -2, -1), norm="ortho")).movedim(0, -1)

    expected = FairCRPS()(coefficients(samples), coefficients(clean), None)
    assert torch.allclose(DCTCRPS(side=4)(samples, clean, None), expected, rtol=1e-12)


@pytest.mark.parametrize(("side", "channels"), [(1, 3), (2, 1), (7, 3), (16, 3)])
def test_the_mean_square_of_the_coefficients_of_a_window_is_that_of_its_pixels(side, channels):
    """Parseval."""
    window = normal(0, 2, channels, side, side)
    coefficients = DCTCRPS(side)._coefficients(window)
    assert coefficients.numel() == window.numel()
    squares = [x.square().flatten(1).mean(1) for x in (coefficients, window)]
    assert torch.allclose(*squares, rtol=1e-12)


def test_dct_crps_has_the_scale_of_that_of_pixels():
    """White noise is white in any orthonormal basis: equal expectations for white Gaussian samples and truth."""
    samples, clean = normal(0, 2, 400, 3, 16, 16), normal(1, 400, 3, 16, 16)
    expected = pytest.approx(1 / sqrt(pi), abs=1e-2)
    assert FairCRPS()(samples, clean, None).item() == expected
    assert DCTCRPS(side=16)(samples, clean, None).item() == expected
    assert DCTCRPS(side=1)(samples[:, :, :1], clean[:, :1], None).item() == expected


def test_dct_crps_tells_posterior_samples_from_white_ones_where_that_of_pixels_does_not():
    """By how many standard deviations of one image's score white samples of the right strength do worse."""
    problem, num_images = noisy_field(size=16), 2_000
    rng = Rng(0, "fields", range(num_images))
    clean, measurement = measure(problem.degradation, problem.draw(rng), rng)
    mean = problem.posterior_mean(measurement).view(clean.shape)
    right = problem.posterior_samples(measurement, 2, rng)
    white = mean + problem.posterior_variance(measurement).sqrt() * rng.randn(2, *clean.shape[1:]).movedim(1, 0)

    def power(score):
        scores = [
            torch.stack([score(x[:, i : i + 1], clean[i : i + 1], None) for i in range(num_images)])
            for x in (right, white)
        ]
        return ((scores[1] - scores[0]).mean() / scores[0].std()).item()

    pixels, windows = power(FairCRPS()), power(DCTCRPS(side=16))
    assert abs(pixels) < 0.04
    assert windows > 0.12


@pytest.mark.parametrize("side", [0, -1])
def test_dct_crps_needs_a_window(side):
    with pytest.raises(ValueError, match=f"side.*{side}"):
        DCTCRPS(side=side)


def test_images_smaller_than_a_window_are_windows():
    samples, clean = normal(0, 2, 3, 3, 8, 12), normal(1, 3, 3, 8, 12)
    assert torch.equal(DCTCRPS(side=16)(samples, clean, None), DCTCRPS(side=8)(samples, clean, None))
    of_pixels = samples[..., :1, :1], clean[..., :1, :1]
    assert torch.allclose(DCTCRPS(side=16)(*of_pixels, None), DCTCRPS(side=1)(*of_pixels, None), rtol=1e-12)
