"""Methods by a denoiser on real measurements: the posterior mean where it is known, and what they cannot do."""

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from torch import nn

import pscgan
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.quantisation import Quantisation
from pscgan.models.baselines.ddrm import DDRM, ProjectedDDRM
from pscgan.models.baselines.kadkhodaie_simoncelli import KadkhodaieSimoncelli
from pscgan.models.baselines.plug_and_play import HQS, PlugAndPlayADMM
from pscgan.models.baselines.red import REDFixedPoint
from pscgan.models.baselines.samplers import Langevin
from pscgan.models.baselines.snips import SNIPS
from pscgan.rng import Rng
from pscgan.train.evaluation.methods import Methods
from pscgan.train.evaluation.temperature_sweep import TemperatureSweep
from pscgan.train.inference import denoiser as module
from pscgan.train.inference.by_denoiser import ByDenoiser
from pscgan.train.inference.denoiser import TrainedDenoiser, of_sampler

from ..export.exporting import NOISE, exported

STD = 0.25
CPU = torch.device("cpu")
RANGE = {"_target_": NOISE, "sigma": [0.5, 1020], "draw": "log"}


def of_white_prior(images, sigma):
    """E[x | x + s n] for pixels of N(1/2, 1/4²)."""
    kept = STD**2 / (STD**2 + sigma.view(-1, 1, 1, 1) ** 2)
    return 0.5 + kept * (images - 0.5)


DENOISER = TrainedDenoiser(of_white_prior, 3, 1e-4, 10.0, CPU, nn.Identity())


def measured(option, *overrides, size=(3, 24, 32)):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        degradation = instantiate(compose("train", [f"degradation={option}"]).degradation, **dict(overrides))
    clean = Rng(0, "clean", [0, 1]).rand(*size)
    return degradation, clean, degradation(clean, Rng(0, "noise", [0, 1]))


@pytest.mark.parametrize("option", ["gaussian_noise", "blur_uniform", "sr4_noisy", "demosaic_noisy", "inpaint_pixels"])
def test_plug_and_play_finds_the_posterior_mean_of_a_white_prior(option):
    degradation, _, measurement = measured(option, ("sigma", 20))
    found = ByDenoiser(PlugAndPlayADMM(steps=400), DENOISER, degradation).restore(measurement, 1, [0, 0])
    problem = degradation.linear_problem(measurement)
    expected = problem.proximal(torch.full_like(found[0], 0.5), 1 / STD**2)
    torch.testing.assert_close(found[0], expected, rtol=0, atol=1e-4)  # fp32, 400 steps


@pytest.mark.parametrize("option", ["sr4", "quantise"])
def test_without_noise_the_result_explains_y(option):
    degradation, _, measurement = measured(option)
    found = ByDenoiser(HQS(), DENOISER, degradation).restore(measurement, 1, [0, 0])
    assert degradation.residual(found[0], measurement).max() < 1e-3  # grey levels: rounding of fp32


def test_a_sample_is_a_function_of_seed_and_number():
    degradation, _, measurement = measured("gaussian_noise")
    method = ByDenoiser(Langevin(levels=3), DENOISER, degradation)
    three, one = method.restore(measurement, 3, [5, 6]), method.restore(measurement[1:], 1, [6])
    assert method.stochastic
    torch.testing.assert_close(three[:1, 1:], one)
    assert not torch.equal(three[0], three[1])
    found = TemperatureSweep([0.0, 1.0], 10, 0).metrics(method, measurement.degraded, measurement, [0, 1])
    assert found == {}


def test_what_they_cannot_do_is_refused_by_name():
    degradation, _, measurement = measured("blur_uniform")
    with pytest.raises(ValueError, match="REDFixedPoint needs a linear degradation; Quantisation is not linear"):
        ByDenoiser(REDFixedPoint(), DENOISER, Quantisation(5))
    with pytest.raises(ValueError, match=r"sigma_z must be 1 for HQS, which has no z, got 0\.5"):
        ByDenoiser(HQS(), DENOISER, degradation).restore(measurement, 1, [0, 0], 0.5)
    with pytest.raises(ValueError, match=r"problem must be denoising"):
        ByDenoiser(Langevin(), DENOISER, degradation).restore(measurement, 1, [0, 0])
    few = TrainedDenoiser(of_white_prior, 3, 0.1, 0.2, CPU, nn.Identity())
    with pytest.raises(ValueError, match=r"sigma must be in \[25\.5, 51\] as in training, got"):
        ByDenoiser(HQS(), few, degradation).restore(measurement, 1, [0, 0])


def test_large_images_are_denoised_by_windows_that_leave_no_seam(tmp_path, monkeypatch):
    sampler = pscgan.load(exported(tmp_path, degradation=RANGE, maps=1, latent_channels=0))
    denoiser, images = of_sampler(sampler), Rng(0, "images", [0, 1]).rand(3, 201, 150)
    whole = denoiser.denoise(images, 0.2)
    monkeypatch.setattr(module, "SIDE", 64)
    torch.testing.assert_close(denoiser.denoise(images, 0.2), whole, rtol=0, atol=1e-5)


def test_an_evaluation_takes_them_by_name(tmp_path):
    made = str(exported(tmp_path, degradation=RANGE, maps=1, latent_channels=0))
    opened = Methods(["pnp_hqs", "kawar", made], CPU, denoiser=made)
    hqs, kawar, _ = (method.restorer for method in opened.build(GaussianNoise(50)))
    assert isinstance(hqs.rule, HQS)
    assert isinstance(kawar.rule, Langevin)
    assert hqs.denoiser.channels == 3
    assert opened.weights["pnp_hqs"] == opened.weights["made"]


@pytest.mark.parametrize("rule", [SNIPS(4, 2), DDRM(4), KadkhodaieSimoncelli(h0=0.5)])
@pytest.mark.parametrize("option", ["sr4", "inpaint_pixels", "demosaic", "colourise"])
def test_samples_differ_and_without_noise_each_explains_y(option, rule):
    degradation, _, measurement = measured(option)
    samples = ByDenoiser(rule, DENOISER, degradation).restore(measurement, 2, [0, 1])
    assert (samples[0] - samples[1]).abs().max() > 0.01
    for sample in samples:
        assert degradation.residual(sample, measurement).max() < 1e-3  # grey levels: rounding of fp32


@pytest.mark.parametrize("option", ["jpeg", "quantise", "sr4"])
def test_by_a_projection_each_sample_explains_y_whether_linear_or_not(option):
    degradation, _, measurement = measured(option, size=(3, 32, 48))
    samples = ByDenoiser(ProjectedDDRM(4), DENOISER, degradation).restore(measurement, 2, [0, 1])
    assert (samples[0] - samples[1]).abs().max() > 0.01
    for sample in samples:
        assert degradation.residual(degradation.project(sample, measurement), measurement).max() < 2e-3
        torch.testing.assert_close(degradation.project(sample, measurement), sample, rtol=0, atol=1e-5)


def test_jpeg_samples_encode_to_the_very_file():
    degradation, _, measurement = measured("jpeg", size=(3, 32, 48))
    for sample in ByDenoiser(ProjectedDDRM(4), DENOISER, degradation).restore(measurement, 2, [0, 1]):
        assert degradation.verify(degradation.to_exact_uint8(sample, measurement), measurement).exact.all()


def test_what_noise_leaves_open_has_no_projection():
    degradation, _, measurement = measured("blur_uniform")
    with pytest.raises(ValueError, match="ProjectedDDRM needs a y without noise; of Linear every image explains y"):
        ByDenoiser(ProjectedDDRM(), DENOISER, degradation).restore(measurement, 1, [0, 0])
    with pytest.raises(ValueError, match=r"sigma must be 0 for KadkhodaieSimoncelli, got 0\.01"):
        ByDenoiser(KadkhodaieSimoncelli(), DENOISER, degradation).restore(measurement, 1, [0, 0])
