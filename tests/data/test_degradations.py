"""What every degradation in ``conf`` keeps to, and the law of the Gaussian noise."""

import math
import pickle
from copy import deepcopy
from functools import cache
from importlib.resources import files

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from torch.nn import functional as F

from pscgan.data.degradation import Verifiable
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.measurement import concatenate
from pscgan.rng import Rng

from ..torch_defaults import OTHERS, torch_default

NUMBERS = [4, 7, 1]
WITHOUT_OPERATOR = "recorded.yaml"  # degradations/test_recorded.py
WITHOUT_MEASURING = "nothing.yaml"
YAMLS = sorted(
    path.name
    for path in (files("pscgan.conf") / "degradation").iterdir()
    if path.name.endswith(".yaml") and path.name != WITHOUT_OPERATOR
)

WITHOUT_CHANCE = [
    "colourise.yaml",
    "cs8.yaml",
    "demosaic.yaml",
    "icassp_colourise.yaml",
    "icassp_inpaint.yaml",
    "icassp_quantise.yaml",
    "icassp_sr4.yaml",
    "inpaint_box.yaml",
    "inpaint_upper.yaml",
    "jpeg.yaml",
    "jpeg_decoded.yaml",
    "nothing.yaml",
    "quantise.yaml",
    "sr2.yaml",
    "sr4.yaml",
    "sr4_bicubic.yaml",
    "sr8.yaml",
]


@cache
def built(yaml):
    """Composed, because options may build on one another and take what they need from the data set."""
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [f"degradation={yaml.removesuffix('.yaml')}", "folder=unused"])
    return instantiate(config.degradation, _convert_="all")


@pytest.fixture(params=YAMLS)
def degradation(request):
    return built(request.param)


@pytest.fixture
def clean():
    return Rng(0, "picture", NUMBERS).rand(3, 32, 48)


def near(one, other):
    return one.shape == other.shape and (one.double() - other.double()).abs().max() < 1e-6


def test_some_degradation_is_found():
    assert "gaussian_noise.yaml" in YAMLS


def test_shapes_and_types(degradation, clean):
    measurement = degradation(clean, Rng(0, "degradation", NUMBERS))
    assert measurement.degraded.shape == clean.shape
    assert measurement.degraded.dtype == clean.dtype
    assert measurement.condition.shape == (3, 3 + degradation.num_maps, 32, 48)
    assert (measurement.maps is None) == (degradation.num_maps == 0)
    assert all(len(value) == 3 for value in measurement.params.values())
    assert degradation.residual(clean, measurement).shape == (3,)
    assert degradation.project(clean, measurement).shape == clean.shape


def all_it_computes(degradation, clean):
    measurement = degradation(clean, Rng(0, "degradation", NUMBERS))
    found = [measurement.condition, *measurement.params.values()]
    restored = clean.flip(-1)
    found += [degradation.residual(restored, measurement), degradation.project(restored, measurement)]
    return [*found, degradation.to_exact_uint8(clean, measurement)] if isinstance(degradation, Verifiable) else found


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_defaults_of_torch_change_nothing(degradation, clean, other):
    expected = all_it_computes(degradation, clean)
    with torch_default(other):
        found = all_it_computes(degradation, clean)
    assert [tensor.dtype for tensor in found] == [tensor.dtype for tensor in expected]
    assert all(map(torch.equal, found, expected))


def test_a_copy_computes_the_same(degradation, clean):
    for other in (pickle.loads(pickle.dumps(degradation)), deepcopy(degradation)):
        assert all(map(torch.equal, all_it_computes(other, clean), all_it_computes(degradation, clean)))


def test_the_clean_image_is_left_as_it_was(degradation, clean):
    before = clean.clone()
    degradation.project(clean, degradation(clean, Rng(0, "degradation", NUMBERS)))
    assert torch.equal(clean, before)


def test_seeds_decide(degradation, clean, request):
    rngs = [Rng(seed, "degradation", NUMBERS) for seed in (0, 0, 1)]
    first, again, other = (degradation(clean, rng).condition for rng in rngs)
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (request.node.callspec.params["degradation"] in WITHOUT_CHANCE)


def test_an_image_does_not_depend_on_its_batch(degradation, clean):
    together = degradation(clean, Rng(0, "degradation", NUMBERS))
    apart = concatenate(
        [degradation(clean[i : i + 1], Rng(0, "degradation", [number])) for i, number in enumerate(NUMBERS)]
    )
    assert near(together.condition, apart.condition)
    assert together.params.keys() == apart.params.keys()
    assert all(near(value, apart.params[name]) for name, value in together.params.items())


def test_projection_explains_the_measurement_better(degradation, clean, request):
    measurement = degradation(clean, Rng(0, "degradation", NUMBERS))
    wrong = clean.flip(3)
    before, after = (
        degradation.residual(image, measurement) for image in (wrong, degradation.project(wrong, measurement))
    )
    assert (after <= before + 1e-5).all()
    measures = request.node.callspec.params["degradation"] != WITHOUT_MEASURING
    assert ((before > 0) == measures).all()


@pytest.mark.parametrize("sigma", [5, 25.0, 50])
def test_noise_has_the_stated_mean_and_variance(sigma):
    clean = torch.full((4, 3, 128, 128), 0.3)
    noise = (GaussianNoise(sigma)(clean, Rng(0, "degradation", range(4))).degraded - clean).double() * 255 / sigma
    n = noise.numel()
    # of n standard normals: the mean has standard deviation 1/sqrt(n), the mean square sqrt(2/n), the mean fourth
    # power sqrt(96/n); four of them miss in 1 of 16,000 seeds
    assert abs(noise.mean()) < 4 * n**-0.5
    assert abs(noise.square().mean() - 1) < 4 * (2 / n) ** 0.5
    assert abs(noise.pow(4).mean() - 3) < 4 * (96 / n) ** 0.5


def test_noise_is_white_and_independent_across_images():
    noise = GaussianNoise(50)(torch.zeros(2, 1, 256, 256), Rng(0, "degradation", [0, 1])).degraded.double() * 255 / 50
    n = noise[0].numel()
    for one, other in [
        (noise[0], noise[1]),
        (noise[0, :, 1:], noise[0, :, :-1]),
        (noise[0, :, :, 1:], noise[0, :, :, :-1]),
    ]:
        assert abs((one * other).mean()) < 4 * n**-0.5 * 1.01  # up to 256 products fewer at the border


def test_noise_is_not_clipped():
    degraded = GaussianNoise(50)(torch.rand(1, 3, 32, 32), Rng(0, "degradation", [0])).degraded
    assert degraded.min() < 0
    assert degraded.max() > 1


def test_a_range_of_sigma_gives_a_map_of_the_sigma_used():
    clean = torch.full((64, 1, 64, 64), 0.5)
    measurement = GaussianNoise([10, 50])(clean, Rng(0, "degradation", range(64)))
    sigma = measurement.params["sigma"]
    assert measurement.maps.shape == (64, 1, 64, 64)
    assert torch.equal(measurement.maps, sigma.view(64, 1, 1, 1).expand(64, 1, 64, 64))
    assert 10 / 255 <= sigma.min() < 12 / 255
    assert 48 / 255 < sigma.max() <= 50 / 255  # all of 64 uniform draws miss 5 % of the range in 1 of 27 seeds
    rms = (measurement.degraded - clean).square().mean(dim=(1, 2, 3)).sqrt()
    # the rms of 4096 normals has standard deviation 1/sqrt(8192) of sigma; 64 draws exceed five of them in 1 of 27,000
    assert ((rms / sigma - 1).abs() < 5 / 8192**0.5).all()


@pytest.mark.parametrize("draw", ["uniform", "log"])
def test_levels_are_drawn_as_is_said(draw):
    n, clean = 2048, torch.full((2048, 1, 1, 1), 0.5)
    sigma = 255 * GaussianNoise([0.5, 1020], draw)(clean, Rng(0, "degradation", range(n))).params["sigma"].double()
    ranks = (sigma / 0.5).log() / math.log(2040) if draw == "log" else (sigma - 0.5) / 1019.5
    distance = (ranks.sort().values - (torch.arange(n) + 0.5) / n).abs().max()
    assert distance < 1.95 / n**0.5  # Kolmogorov and Smirnov: exceeded in 1 of 1,000 seeds


def test_another_draw_is_refused():
    with pytest.raises(ValueError, match="draw must be uniform or log, got normal"):
        GaussianNoise([1, 2], "normal")


def test_residual_is_one_for_the_truth_and_projection_is_the_identity():
    clean = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    degradation = GaussianNoise(25)
    measurement = degradation(clean, Rng(0, "degradation", range(8)))
    assert (degradation.residual(clean, measurement) - 1).abs().max() < 5 / (2 * clean[0].numel()) ** 0.5
    assert (degradation.residual(measurement.degraded, measurement) == 0).all()
    assert torch.equal(degradation.project(clean, measurement), clean)


@pytest.mark.parametrize("sigma", [0, -5, 1021, [50, 10], [0, 10], [10, 1200], [10], [1, 2, 3], [], float("nan")])
def test_wrong_sigmas_are_refused(sigma):
    with pytest.raises(ValueError, match=r"sigma must be "):
        GaussianNoise(sigma)


def icassp(task):
    clean = Rng(0, "picture", [0]).rand(3, 64, 64)
    return clean, built(f"icassp_{task}.yaml")(clean, Rng(0, "degradation", [0]))


def test_the_presets_of_icassp_2018_are_as_published():
    _, inpainting = icassp("inpaint")
    missing = (inpainting.maps[0, 0] == 0).nonzero()
    assert (missing.amin(0).tolist(), missing.amax(0).tolist(), len(missing)) == ([16, 16], [47, 47], 32 * 32)
    clean, quarter = icassp("sr4")
    expected = F.interpolate(clean.double(), size=(16, 16), mode="bilinear", align_corners=True).float()
    torch.testing.assert_close(quarter.params["measured"], expected, rtol=0, atol=1e-6)
    assert icassp("denoise")[1].params["sigma"].item() == pytest.approx(0.1)
    assert len(icassp("quantise")[1].degraded.unique()) == 5
    clean, grey = icassp("colourise")
    luma = 0.299 * clean[:, 0] + 0.587 * clean[:, 1] + 0.114 * clean[:, 2]
    torch.testing.assert_close(grey.degraded[:, 0], luma, rtol=0, atol=1e-6)
