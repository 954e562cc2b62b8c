"""Classical denoisers: minimisers of what they are said to minimise, closed forms, an order that is known."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.operators.blur import POWER
from pscgan.data.degradations.poisson import Poisson
from pscgan.data.sources.open_source import PHOTOS
from pscgan.data.splits import held_out_photographs
from pscgan.models.baselines.anscombe import Anscombe
from pscgan.models.baselines.plug_and_play import PlugAndPlayADMM
from pscgan.models.baselines.samplers import Denoising
from pscgan.rng import Rng
from pscgan.train.evaluation.methods import Methods
from pscgan.train.inference.by_denoiser import ByDenoiser
from pscgan.train.inference.classics import CLASSICS
from pscgan.train.inference.denoiser import TrainedDenoiser, classic, open_denoiser

from .test_by_denoiser import measured

S = 0.1
TV_WEIGHT = 1.5 * S**1.25


def piecewise(size=64, channels=3):
    """Flat areas with an edge, a ramp and a texture: something for each of the priors."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    shape = 0.25 + 0.5 * ((rows - size / 2) ** 2 + (columns - size / 2) ** 2 < (size / 3) ** 2)
    texture = 0.12 * torch.sin(2 * np.pi * (rows + 2 * columns) / 7) * (rows > 2 * size / 3)
    return (shape + texture)[None, None].expand(1, channels, -1, -1).float()


def psnr(image, clean):
    return -10 * torch.log10((image - clean).square().mean()).item()


# --- total variation


def test_total_variation_of_a_step_lowers_it_by_its_closed_form():
    """Two levels over n columns each: each plateau moves by λ / n towards the other."""
    y = torch.cat([torch.full((1, 1, 6, 3), 0.2), torch.full((1, 1, 6, 3), 0.8)], dim=3)
    found = classic("tv", 1).denoise(y, S)
    expected = torch.where(y < 0.5, 0.2 + TV_WEIGHT / 3, 0.8 - TV_WEIGHT / 3)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-3)  # it ends at a relative change of 2e-5


def test_total_variation_is_at_its_minimum():
    """No direction lowers ½‖x − y‖² + λ TV(x), and towards the minimiser from y it falls."""

    def energy(x):
        down, right = torch.zeros_like(x), torch.zeros_like(x)
        down[..., :-1, :], right[..., :-1] = x.diff(dim=-2), x.diff(dim=-1)
        return (0.5 * (x - y).square().sum() + TV_WEIGHT * torch.hypot(down, right).sum()).item()

    y = piecewise(32, 1) + S * Rng(0, "noise", [0]).randn(1, 32, 32)
    x = classic("tv", 1).denoise(y, S)
    least = energy(x)
    smooth = nn.functional.avg_pool2d(y, 3, 1, 1, count_include_pad=False)
    others = [y, smooth, x.mean().expand_as(x), piecewise(32, 1), *Rng(0, "other", range(5)).randn(1, 32, 32)[:, None]]
    for other in others:
        assert energy(x + 0.05 * (other - x)) > least
    assert least < 0.7 * energy(y)


# --- low rank


def test_low_rank_is_the_proximal_map_of_the_nuclear_norm():
    """Y − X is λ times a subgradient at X: U Vᵀ on its space, and of a norm of at most 1 beyond."""
    y = piecewise(24) + S * Rng(0, "noise", [0]).randn(3, 24, 24)
    x = classic("low_rank").denoise(y, S)
    X, Y = (image[0].double().permute(1, 0, 2).reshape(24, 72).numpy() for image in (x, y))
    weight = 1.14 * S**1.25 * (24**0.5 + 72**0.5)
    U, values, V = np.linalg.svd(X, full_matrices=False)
    rank = int((values > 1e-5).sum())
    assert 0 < rank < 24
    subgradient = (Y - X) / weight
    np.testing.assert_allclose(U[:, :rank].T @ subgradient, V[:rank], atol=1e-4)  # rounding of fp32
    assert np.linalg.norm(subgradient, 2) < 1 + 1e-4


def test_of_means_of_blocks_the_image_of_least_nuclear_norm_is_repeated_pixels():
    degradation, _, measurement = measured("sr4")
    problem = degradation.linear_problem(measurement)
    found = ByDenoiser(PlugAndPlayADMM(60, 100.0), classic("low_rank"), degradation).restore(measurement, 1, [0, 0])
    torch.testing.assert_close(found[0], problem.pseudoinverse(problem.measured), rtol=0, atol=2e-3)


# --- Wiener


def test_the_wiener_filter_is_the_posterior_mean_of_the_gaussian_field():
    """By the covariance, solved: mean power is unbounded, here 1e4 of the next."""
    side, s = 8, 0.1
    f = torch.fft.fftfreq(side, dtype=torch.float64)
    squared = f[:, None].square() + f.square()
    power = POWER / squared.clamp(min=1e-4 * squared[0, 1].item())
    lag = (torch.arange(side)[:, None] - torch.arange(side)) % side
    C = torch.fft.ifft2(power).real[lag[:, None, :, None], lag[None, :, None, :]].reshape(side**2, side**2)
    y = Rng(0, "y", [0]).rand(1, side, side)
    posterior = C @ torch.linalg.solve(C + s**2 * torch.eye(side**2).double(), y.double().flatten())
    found = classic("wiener", 1).denoise(y, s)
    torch.testing.assert_close(
        found.double().flatten(), posterior, rtol=0, atol=1e-4
    )  # the mean's power is finite here


# --- all of them


@pytest.mark.parametrize("name", CLASSICS)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_removes_noise_image_by_image(name, channels):
    clean = piecewise(40, channels)[..., :32].expand(2, -1, -1, -1)
    levels = torch.tensor([0.05, 0.15])
    y = clean + levels.view(2, 1, 1, 1) * Rng(0, "noise", [0, 1]).randn(channels, 40, 32)
    denoiser = classic(name, channels)
    found = denoiser.denoise(y, levels)
    assert found.dtype == torch.float32
    for image in range(2):
        assert psnr(found[image], clean[image]) > psnr(y[image], clean[image]) + (0, 1.5)[image]
    torch.testing.assert_close(denoiser.denoise(y[1:], 0.15), found[1:])


def test_sparse_codes_are_exact_where_nothing_is_to_remove():
    flat = torch.full((1, 3, 9, 11), 0.3)
    torch.testing.assert_close(classic("dictionary").denoise(flat, 0.1), flat)
    with pytest.raises(ValueError, match="width must be >= 8, got 7"):
        classic("dictionary").denoise(flat[..., :7], 0.1)


def test_order_on_a_photograph_is_the_published_one():
    """TV < NLM, and what knows nothing but the spectrum below both."""
    photograph = torch.from_numpy(np.array(Image.open(PHOTOS / held_out_photographs()[0]).convert("RGB")))
    clean = photograph.movedim(2, 0)[None, :, 100:228, 200:328] / 255
    y = clean + 25 / 255 * Rng(0, "noise", [0]).randn(3, 128, 128)
    wiener, tv, nlm = (psnr(classic(name).denoise(y, 25 / 255), clean) for name in ("wiener", "tv", "nlm"))
    assert wiener < tv < nlm


def test_what_is_not_installed_or_not_there_is_said_in_one_line(monkeypatch):
    with pytest.raises(ValueError, match="there is no classical denoiser tvv, did you mean tv"):
        open_denoiser("classic:tvv")
    for module in ("skimage.restoration", "sklearn.decomposition", "pywt"):
        monkeypatch.setitem(sys.modules, module, None)
    for name in ("tv", "nlm", "wavelet", "dictionary"):
        with pytest.raises(ValueError, match=r"needs the package .*; pip install pscgan\[classics\] brings it"):
            open_denoiser(f"classic:{name}")


# --- as methods


def test_methods_are_named_and_told_apart():
    opened = Methods(["tv", "low_rank"], torch.device("cpu"))
    degradation, _, measurement = measured("gaussian_noise")
    tv, _ = (method.restorer for method in opened.build(degradation))
    expected = classic("tv").denoise(measurement.degraded, 50 / 255)
    torch.testing.assert_close(tv.restore(measurement, 1, [0, 0])[0], expected)
    assert opened.weights["tv"] != opened.weights["low_rank"]
    blur, _, blurred = measured("blur_uniform")
    with pytest.raises(ValueError, match="problem must be denoising"):
        ByDenoiser(Denoising(), classic("tv"), blur).restore(blurred, 1, [0, 0])


def of_level(images, sigma):
    return images - sigma.view(-1, 1, 1, 1)


@pytest.mark.parametrize("photons", [30, [10, 1000]])
def test_counts_go_through_the_transform(photons):
    denoiser = TrainedDenoiser(of_level, 3, 1e-4, 4.0, torch.device("cpu"), nn.Identity())
    degradation = Poisson(photons, 5)
    measurement = degradation(Rng(0, "clean", [0]).rand(3, 16, 16), Rng(0, "noise", [0]))
    found = ByDenoiser(Anscombe(), denoiser, degradation).restore(measurement, 2, [0])
    direct = Anscombe().sample_counts(denoiser.denoise, degradation.poisson_problem(measurement), 2, Rng(0, "-", [0]))
    torch.testing.assert_close(found, direct)


def test_a_rule_of_counts_refuses_what_is_not_counted_and_images_of_other_light():
    denoiser = TrainedDenoiser(of_level, 3, 1e-4, 4.0, torch.device("cpu"), nn.Identity())
    with pytest.raises(ValueError, match="Anscombe needs a degradation that counts photons; GaussianNoise does not"):
        ByDenoiser(Anscombe(), denoiser, GaussianNoise(50))
    with pytest.raises(ValueError, match="Denoising needs a linear degradation; Poisson is not linear"):
        ByDenoiser(Denoising(), denoiser, Poisson(30))
    degradation = Poisson([10, 1000])
    measurement = degradation(Rng(0, "clean", [0, 1]).rand(3, 8, 8), Rng(0, "noise", [0, 1]))
    with pytest.raises(ValueError, match="photons must be the same for all images of a batch, got"):
        ByDenoiser(Anscombe(), denoiser, degradation).restore(measurement, 1, [0, 0])
