"""Scores against samplers whose scores are known, and against independent implementations."""

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pscgan.data.measurement import Measurement
from pscgan.rng import Rng
from pscgan.train.metrics.decibels import gain_db_exact
from pscgan.train.metrics.distortion import Distortion


def exact_sampler(k, spread=1.0, seed=0):
    """x ~ N(0.5, 0.1²) given y = 0.5: samples of the same law, their deviation times ``spread``."""
    rng = torch.Generator().manual_seed(seed)
    clean = 0.5 + 0.1 * torch.randn(4, 3, 64, 64, generator=rng)
    samples = 0.5 + spread * 0.1 * torch.randn(k, 4, 3, 64, 64, generator=rng)
    return samples, clean, torch.full_like(clean, 0.5)


def scores(samples, clean, degraded):
    quality = Distortion(len(samples))
    quality.update(samples, clean, Measurement(degraded))
    return quality.compute()


@pytest.mark.parametrize("k", [2, 8])
def test_an_exact_sampler_gains_what_theory_says(k):
    score = scores(*exact_sampler(k))
    assert score["gain_db"] == pytest.approx(10 * math.log10(2 * k / (k + 1)), abs=0.05)
    assert score["gain_db_exact"] == pytest.approx(10 * math.log10(2 * k / (k + 1)))
    # the degraded image is the posterior mean here, so a sample has twice its squared error
    assert score["psnr_degraded"] - score["psnr_sample"] == pytest.approx(10 * math.log10(2), abs=0.05)


def test_collapse_and_excess_show():
    collapsed, excessive = scores(*exact_sampler(8, spread=0.5)), scores(*exact_sampler(8, spread=2))
    assert collapsed["gain_db"] < gain_db_exact(8) - 1
    assert excessive["gain_db"] > gain_db_exact(8) + 1
    assert min(collapsed["crps"], excessive["crps"]) > scores(*exact_sampler(8))["crps"]


def test_psnr_and_ssim_equal_scikit_image():
    samples, clean, degraded = exact_sampler(1)
    score = scores(samples, clean, degraded)
    pairs = list(zip(samples[0].numpy(), clean.numpy(), strict=True))
    each = [peak_signal_noise_ratio(x, s, data_range=1) for s, x in pairs]
    assert score["psnr_sample_per_image"] == pytest.approx(sum(each) / 4, abs=1e-4)
    assert score["psnr_sample"] == pytest.approx(
        peak_signal_noise_ratio(clean.numpy(), samples[0].numpy(), data_range=1), abs=1e-4
    )
    options = {"data_range": 1, "channel_axis": 0, "gaussian_weights": True, "use_sample_covariance": False}
    each = [structural_similarity(s, x, **options) for s, x in pairs]
    assert score["ssim_sample"] == pytest.approx(sum(each) / 4, abs=1e-5)


def test_batches_add_up():
    samples, clean, degraded = exact_sampler(4)
    apart = Distortion(4)
    for b in range(4):
        apart.update(samples[:, b : b + 1], clean[b : b + 1], Measurement(degraded[b : b + 1]))
    together = scores(samples, clean, degraded)
    assert apart.compute() == pytest.approx(together, rel=1e-6)


def test_a_single_sample_has_no_spread_and_its_crps_is_its_mean_absolute_error():
    samples, clean, degraded = exact_sampler(1)
    score = scores(samples, clean, degraded)
    assert score["gain_db"] == 0
    assert score["crps"] == pytest.approx(float((samples[0] - clean).abs().mean()), rel=1e-6)


def test_sharpness_is_the_size_of_steps_between_neighbours():
    clean = Rng(0, "clean", range(2)).rand(3, 16, 16)
    quality = Distortion(1)
    quality.update(0.5 * clean[None] + 0.3, clean, Measurement(2 * clean))
    scores = quality.compute()
    assert scores["sharpness_sample"] == pytest.approx(0.5, rel=1e-6)
    assert scores["sharpness_degraded"] == pytest.approx(2.0, rel=1e-6)


def test_sharpness_of_flat_images_counts_from_their_rounding():
    flat = torch.full((1, 3, 256, 256), 0.4)
    levels = 100 + (Rng(0, "rounding", [0]).rand(3, 256, 256) - 0.5)  # about levels of 255, before they are rounded
    score = scores(flat[None], flat, levels / 255)
    assert score["sharpness_sample"] == 1
    assert score["sharpness_degraded"] == pytest.approx(1, abs=0.01)
    assert scores(flat[None], flat, 10 * levels / 255)["sharpness_degraded"] == pytest.approx(10, rel=0.01)


def test_images_without_a_window_of_ssim_are_refused():
    clean = torch.rand(1, 3, 10, 32)
    with pytest.raises(ValueError, match=r"11 x 11.*10 x 32"):
        Distortion(2).update(clean.expand(2, -1, -1, -1, -1), clean, Measurement(clean))
