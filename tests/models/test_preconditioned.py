"""The scalings of EDM: their limits, their formula, and the target they make."""

from functools import partial

import pytest
import torch

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.models.preconditioned import KNOTS, MEAN, STD, Preconditioned
from pscgan.models.unet import UNet
from pscgan.rng import Rng

LEVELS = [0.5 / 255, 5 / 255, 0.25, 1020 / 255]


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Preconditioned(3, 4, partial(UNet, width=8, levels=2, latent_channels=0)).double().eval()


def condition(y, s):
    return torch.cat([y, torch.full_like(y[:, :1], s)], dim=1)


def denoised(generator, y, s):
    return generator.decode(generator.encode(condition(y, s)), [])[0]


def noisy(s):
    rng = Rng(0, "y", [0, 1])
    return (MEAN + STD * rng.randn(3, 18, 22) + s * rng.randn(3, 18, 22)).double()


def seen_and_added(generator, y, s):
    """c_in (y − m), and U."""
    features = generator.encode(condition(y, s))
    restored = generator.network.decode(features.inner, [])[0]
    return (features.shown - MEAN) / STD, (restored - features.shown) / STD


def silence(generator):
    for parameter in generator.network.out[-1].parameters():
        torch.nn.init.zeros_(parameter)


@pytest.mark.parametrize("s", LEVELS)
@torch.no_grad()
def test_it_is_the_formula_of_the_paper(generator, s):
    y = noisy(s)
    seen, added = seen_and_added(generator, y, s)
    c_skip, c_out = STD**2 / (s**2 + STD**2), s * STD / (s**2 + STD**2) ** 0.5
    assert torch.allclose(seen, (y - MEAN) / (s**2 + STD**2) ** 0.5, atol=1e-12)
    assert torch.allclose(denoised(generator, y, s), MEAN + c_skip * (y - MEAN) + c_out * added, atol=1e-12)
    assert abs(seen.square().mean() - 1) < 5 * (2 / seen.numel()) ** 0.5  # variance 1 at every level
    assert added.abs().max() > 0.1


@torch.no_grad()
def test_without_noise_it_is_the_identity_whatever_the_network_does(generator):
    y = noisy(0)
    assert torch.allclose(denoised(generator, y, 0.0), y, atol=1e-15)
    for s in (1e-4, 1e-6):  # c_out → s
        change = (denoised(generator, y, s) - y) / s
        assert torch.allclose(change, seen_and_added(generator, y, s)[1], atol=20 * s)


@torch.no_grad()
def test_of_nothing_but_noise_it_is_the_mean_and_what_the_network_adds(generator):
    y = noisy(1e6)
    expected = MEAN + STD * seen_and_added(generator, y, 1e6)[1]
    assert torch.allclose(denoised(generator, y, 1e6), expected, atol=1e-6)  # c_skip y → σd² / s
    silence(generator)
    assert torch.allclose(denoised(generator, y, 1e6), torch.full_like(y, MEAN), atol=1e-6)


@torch.no_grad()
def test_the_first_layer_is_interpolated_over_levels(generator):
    inner = {}
    generator.network.encode = lambda shown: inner.setdefault("shown", shown)
    for level in (0.1 / 255, 0.5 / 255, 7 / 255, 4.0, 40.0):
        inner.clear()
        features = generator.encode(condition(noisy(level), level))
        image, knots, layers = inner["shown"].split([3, KNOTS, 3 * KNOTS], dim=1)
        assert torch.equal(image, features.shown)
        assert torch.allclose(knots.sum(dim=1), torch.ones(()).double(), atol=1e-12)
        assert (knots[0, :, 0, 0] > 0).sum() == (2 if level == 7 / 255 else 1)
        expected = knots[:, :, None] * (image - MEAN)[:, None]
        assert torch.allclose(layers - MEAN, expected.flatten(1, 2), atol=1e-12)


def test_its_error_is_that_of_the_network_on_a_normalised_target_times_c_out(generator):
    clean = 0.2 + 0.6 * Rng(0, "clean", range(4)).rand(3, 16, 16).double()
    measurement = GaussianNoise([0.5, 1020], "log")(clean, Rng(0, "degradation", range(4)))
    features = generator.encode(measurement.condition)
    found = generator.decode(features, [])[0] - clean
    s = measurement.params["sigma"].view(-1, 1, 1, 1)
    c_skip, c_out = STD**2 / (s**2 + STD**2), s * STD / (s**2 + STD**2).sqrt()
    target = (clean - MEAN - c_skip * (measurement.degraded - MEAN)) / c_out
    added = (generator.network.decode(features.inner, [])[0] - features.shown) / STD
    assert torch.allclose(found, c_out * (added - target), rtol=1e-9)


@torch.no_grad()
def test_autocast_leaves_the_scalings_in_full_precision(generator):
    """Rounding y to 8 bits of mantissa, about 0.002, would be as large as all the noise there is."""
    generator, s = generator.float(), 0.5 / 255
    y = noisy(s).float()
    with torch.autocast("cpu", torch.bfloat16):
        found = denoised(generator, y, s)
    expected = denoised(generator, y, s)
    assert found.dtype == torch.float32
    assert ((found - expected).square().mean() / (expected - y).square().mean()).sqrt() < 0.05


def test_a_condition_without_a_map_of_the_level_is_refused():
    with pytest.raises(ValueError, match=r"condition_channels must be 4, of images and one map .* got 3"):
        Preconditioned(3, 3, UNet)


@pytest.mark.parametrize(("given", "maps"), [({}, True), ({"latent_channels": 0}, False)])
def test_its_z_is_that_of_the_network_or_as_said(given, maps):
    generator = Preconditioned(3, 4, partial(UNet, width=8, levels=2, latent_channels=2), **given)
    assert bool(generator.draw_latent(1, 8, 8, Rng(0, "z", [0]))) == maps
