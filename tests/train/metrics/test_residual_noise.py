"""Residuals of known variance, correlation and distribution; windows against scipy."""

import math

import pytest
import torch
from scipy import ndimage

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.measurement import Measurement
from pscgan.rng import Rng
from pscgan.train.metrics.residual_noise import ResidualNoise, normality_p, window_rms, windows

SIGMA = 0.2
SHARES = ("normal_worst", "normal_even", "normal_windows", "white_windows", "normal_image")


def white(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scores(residual, noise=None, sigma=SIGMA):
    """Of a sample that leaves ``residual`` of y, in units of sigma."""
    clean = torch.rand(residual.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    y = clean + sigma * (residual if noise is None else noise)
    metric = ResidualNoise()
    metric.update((y - sigma * residual)[None], clean, Measurement(y, None, {"sigma": torch.full((len(y),), sigma)}))
    return metric.compute()


def test_the_true_noise_passes_and_is_its_own_floor():
    score = scores(white(0, 2, 3, 300, 300))
    for row in ("residual", "noise"):
        assert score[f"{row}/variance_ratio"] == pytest.approx(1, abs=0.01)
        assert score[f"{row}/autocorrelation"] == pytest.approx(0, abs=0.005)
        for name in ("normal_windows", "white_windows"):
            assert score[f"{row}/{name}"] == pytest.approx(0.95, abs=0.022)  # 800 windows: 0.0077 is one deviation
        assert score[f"{row}/normal_even"] > 0.8
    for name in SHARES[1:]:
        assert score[f"residual/{name}"] == pytest.approx(score[f"noise/{name}"], abs=1e-9)


def test_its_size_is_the_variance_and_nothing_else():
    noise = white(1, 1, 3, 60, 60)
    score = scores(0.7 * noise, noise)
    assert score["residual/variance_ratio"] == pytest.approx(0.49 * score["noise/variance_ratio"], rel=1e-6)
    for name in ("autocorrelation_horizontal", "autocorrelation_vertical", "normal_even", "white_windows"):
        assert score[f"residual/{name}"] == pytest.approx(score[f"noise/{name}"], abs=1e-9)


@pytest.mark.parametrize(("dim", "way", "other"), [(-1, "horizontal", "vertical"), (-2, "vertical", "horizontal")])
def test_the_mean_of_two_neighbours_correlates_by_a_half(dim, way, other):
    noise = white(2, 1, 3, 200, 200)
    score = scores((noise + noise.roll(1, dim)) / math.sqrt(2))
    assert score[f"residual/autocorrelation_{way}"] == pytest.approx(0.5, abs=0.01)
    assert score[f"residual/autocorrelation_{other}"] == pytest.approx(0, abs=0.01)
    assert score["residual/autocorrelation"] == pytest.approx(0.25, abs=0.01)
    assert score["residual/white_windows"] == 0


def test_white_and_not_normal():
    uniform = math.sqrt(12) * (torch.rand(1, 3, 200, 200, generator=torch.Generator().manual_seed(3)).double() - 0.5)
    score = scores(uniform)
    assert score["residual/variance_ratio"] == pytest.approx(1, abs=0.01)
    assert score["residual/white_windows"] > 0.9
    assert score["residual/normal_windows"] == score["residual/normal_image"] == 0


def test_only_the_worst_windows_see_one_bad_place():
    """Where x̂ is x but for one place, in which it is y less faint lines: the least residual and the largest error."""
    noise = white(4, 1, 1, 90, 90)
    residual = noise.clone()
    residual[..., 40:60, 40:60] = 0.1
    residual[..., 40:60:2, 40:60] = -0.1
    score = scores(residual, noise)
    assert score["residual/normal_worst"] == 0
    assert score["noise/normal_worst"] > 0.5
    assert score["residual/normal_even"] > 0.7


def test_window_rms_is_that_of_scipy():
    image = white(5, 3, 40, 31)
    mean = ndimage.uniform_filter(image.square().mean(dim=0).numpy(), size=15, mode="constant")[7:-7, 7:-7]
    rms = window_rms(image)
    assert rms.shape == (26, 17)
    assert torch.allclose(rms, torch.tensor(mean).sqrt(), rtol=1e-10)
    assert rms[3, 5] == pytest.approx(float(windows(image, 1)[3, 5].square().mean().sqrt()))


def test_histograms_are_densities_over_edges():
    noise = white(6, 1, 3, 60, 60)
    histograms = scores(0.5 * torch.ones_like(noise) + noise, noise)["histograms"]
    edges, densities = torch.tensor(histograms["edges"]), histograms["histograms"]
    assert set(densities) == {"noise", "residual", "error"}
    for density in densities.values():
        assert float((torch.tensor(density) * edges.diff()).sum()) == pytest.approx(1, abs=1e-5)
    centres = (edges[1:] + edges[:-1]) / 2
    assert float((torch.tensor(densities["noise"]) * centres * edges.diff()).sum()) == pytest.approx(1, abs=0.03)
    (filled,) = torch.tensor(densities["error"]).gt(1).nonzero(as_tuple=True)  # an error of sigma / 2 everywhere
    assert filled.min() >= 49
    assert filled.max() <= 50


def test_errors_beyond_the_last_edge_count_to_the_last_bin():
    noise = white(7, 1, 1, 20, 20)
    density = scores(noise + 5, noise)["histograms"]["histograms"]["error"]
    assert density[-1] == pytest.approx(100)
    assert sum(density[:-1]) == 0


def test_images_of_any_sigma_add_up():
    clean = torch.rand(3, 3, 40, 50, generator=torch.Generator().manual_seed(8))
    measurement = GaussianNoise([10, 60])(clean, Rng(0, "degradation", range(3)))
    samples = clean + 0.02 * Rng(0, "latent", range(2)).randn(*clean.shape)
    together, apart = ResidualNoise(), ResidualNoise()
    together.update(samples, clean, measurement)
    for b in range(3):
        apart.update(samples[:, b : b + 1], clean[b : b + 1], measurement[b : b + 1])
    whole, parts = together.compute(), apart.compute()
    assert whole.pop("histograms") == parts.pop("histograms")
    assert whole == pytest.approx(parts, rel=1e-9)
    assert whole["noise/variance_ratio"] == pytest.approx(1, abs=0.05)


def test_the_measurement_itself_leaves_nothing_and_passes_no_test():
    score = scores(torch.zeros(1, 3, 30, 30, dtype=torch.float64), white(10, 1, 3, 30, 30))
    assert [score[f"residual/{name}"] for name in ("variance_ratio", "autocorrelation", *SHARES)] == [0] * 7


def test_what_it_cannot_judge_is_refused_by_name():
    image = torch.zeros(1, 3, 14, 40)
    with pytest.raises(ValueError, match=r"15 x 15.*14 x 40"):
        ResidualNoise().update(image[None], image, Measurement(image, None, {"sigma": torch.ones(1)}))
    with pytest.raises(ValueError, match=r"sigma.*levels"):
        ResidualNoise().update(image[None], image, Measurement(image, None, {"levels": image, "tables": image}))


def test_gaussian_values_pass_at_the_level_and_equal_ones_do_not():
    p = normality_p(torch.randn(4000, 225, generator=torch.Generator().manual_seed(0)))
    assert float((p > 0.05).double().mean()) == pytest.approx(0.95, abs=0.012)
    assert normality_p(torch.full((2, 30), 0.5)).tolist() == [0, 0]
