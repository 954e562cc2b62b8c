"""One seam for all denoisers: it is what they are, at the levels they know and no others."""

from functools import partial

import pytest
import torch

import pscgan
from pscgan.data.measurement import Measurement
from pscgan.models.baselines.denoisers import DnCNN, FFDNet
from pscgan.models.preconditioned import Preconditioned
from pscgan.models.unet import UNet
from pscgan.rng import Rng
from pscgan.train.inference.denoiser import dncnn, ffdnet, of_sampler, open_denoiser
from pscgan.train.inference.safetensors_file import export_bytes

from ..evaluation.test_reference_denoisers import mat_file, weights_of
from ..export.exporting import JPEG, NOISE, exported

RANGE = {"_target_": NOISE, "sigma": [0.5, 1020], "draw": "log"}
NETWORK = {"_target_": "pscgan.models.unet.UNet", "_partial_": True, "width": 4, "levels": 2, "latent_channels": 2}
PRECONDITIONED = {"_target_": "pscgan.models.preconditioned.Preconditioned", "network": NETWORK}


def noisy(channels=3):
    return torch.rand(2, channels, 20, 24, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def sampler(tmp_path):
    return pscgan.load(exported(tmp_path, degradation=RANGE, maps=1))


def test_it_is_the_mean_of_samples_that_are_told_the_level(sampler, tmp_path):
    y, sigma = noisy(), torch.tensor([2.0, 1000.0]) / 255
    told = Measurement(y, sigma.view(2, 1, 1, 1).expand(2, 1, 20, 24), {"sigma": sigma})
    denoiser = open_denoiser(tmp_path / "made.safetensors", k=3, seed=5)
    assert torch.equal(denoiser.denoise(y, sigma), sampler.mean(told, 3, seed=5))
    assert torch.equal(denoiser.denoise(y, 2 / 255)[:1], denoiser.denoise(y, sigma)[:1])
    assert not torch.equal(denoiser.denoise(y, 3 / 255), denoiser.denoise(y, 2 / 255))


def test_a_deterministic_model_has_one_answer(tmp_path):
    sampler, y = pscgan.load(exported(tmp_path, latent_channels=0)), noisy()
    assert torch.equal(of_sampler(sampler, k=16).denoise(y, 50 / 255), sampler.sample(y, 1)[0])


def test_type_and_gradient_are_those_of_the_images(sampler):
    y = noisy().double().requires_grad_()
    denoised = of_sampler(sampler, k=2).denoise(y, 0.1)
    assert denoised.dtype == torch.float64
    direction = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((denoised * direction).sum(), y)
    with torch.no_grad():
        ahead, behind = (of_sampler(sampler, k=2).denoise(y + h * direction, 0.1) for h in (1e-2, -1e-2))
    # differences of fp32 over 2e-2 are exact to about 1e-5 of the sum, and the network is piecewise linear
    slope = ((ahead - behind) * direction).sum() / 2e-2
    assert (gradient * direction).sum().item() == pytest.approx(slope.item(), rel=0.01)


def test_levels_it_was_not_trained_on_are_refused(sampler, tmp_path):
    y = noisy()
    for sigma in (0.4 / 255, 1100 / 255, float("nan"), torch.tensor([0.1, 5.0])):
        with pytest.raises(ValueError, match=r"sigma must be in \[0\.5, 1020\] as in training, got"):
            of_sampler(sampler).denoise(y, sigma)
    with pytest.raises(ValueError, match="sigma must be 50 as in training, got 25 "):
        of_sampler(pscgan.load(exported(tmp_path))).denoise(y, 25 / 255)
    with pytest.raises(ValueError, match="sigma must have 1 value, or 2, one an image, got 3"):
        of_sampler(sampler).denoise(y, torch.full((3,), 0.1))


def test_images_and_models_of_another_kind_are_refused(sampler, tmp_path):
    with pytest.raises(ValueError, match=r"images must be \(N, 3, H, W\), colour, got \(2, 1, 20, 24\)"):
        of_sampler(sampler).denoise(noisy(1), 0.1)
    with pytest.raises(ValueError, match="k must be a whole number >= 1, got 0"):
        of_sampler(sampler, k=0)
    with pytest.raises(ValueError, match="sampler must be one of GaussianNoise, got one of Jpeg"):
        open_denoiser(exported(tmp_path, degradation=JPEG, maps=3))


@pytest.mark.parametrize("channels", [1, 3])
def test_ffdnet_is_itself(channels, tmp_path):
    path = mat_file(tmp_path / "net.mat", *weights_of(channels))
    y, sigma, denoiser = noisy(channels), torch.tensor([5.0, 75.0]) / 255, ffdnet(path)
    assert torch.equal(denoiser.denoise(y, sigma), FFDNet(path)(y, sigma))
    with pytest.raises(ValueError, match=r"sigma must be in \[0, 75\] as in training, got 76 "):
        denoiser.denoise(y, 76 / 255)
    with pytest.raises(ValueError, match="colour" if channels == 3 else "grey"):
        denoiser.denoise(noisy(4 - channels), 0.1)


def test_dncnn_is_itself(tmp_path):
    path = tmp_path / "dncnn.pth"
    widths, generator = [1, *(64,) * 16, 1], torch.Generator().manual_seed(0)
    state = {}
    for place in range(17):
        weight = 0.05 * torch.randn(widths[place + 1], widths[place], 3, 3, generator=generator)
        state |= {f"model.{2 * place}.weight": weight, f"model.{2 * place}.bias": torch.zeros(widths[place + 1])}
    torch.save(state, path)
    y = noisy(1)
    assert torch.equal(
        dncnn(str(path), 15).denoise(y, 15.01 / 255), DnCNN(str(path), 15)(y, torch.full((2,), 15 / 255))
    )
    with pytest.raises(ValueError, match="sigma must be 15 as in training, got 25 "):
        dncnn(str(path), 15).denoise(y, 25 / 255)


@torch.no_grad()
def test_a_preconditioned_export_is_opened(tmp_path):
    network = Preconditioned(3, 4, partial(UNet, width=4, levels=2, latent_channels=2))
    said = pscgan.load(exported(tmp_path, degradation=RANGE, maps=1)).metadata | {"generator": PRECONDITIONED}
    for key in ("format", "pscgan", "sha256"):
        said.pop(key, None)
    (tmp_path / "d.safetensors").write_bytes(export_bytes(said, network.state_dict()))
    y, levels = noisy(), torch.tensor([0.5 / 255, 4.0])
    condition = torch.cat([y, levels.view(2, 1, 1, 1).expand(2, 1, 20, 24)], dim=1)
    centre = [torch.zeros_like(z) for z in network.draw_latent(1, 20, 24, Rng(0, "z", [0, 1]))]
    sampler = pscgan.load(tmp_path / "d.safetensors")
    found = sampler.sample(sampler.degradation.at_levels(y, levels), 1, sigma_z=0.0)
    torch.testing.assert_close(found, network.decode(network.encode(condition), centre))
    (tmp_path / "p.safetensors").write_bytes(export_bytes(said | {"generator": NETWORK}, network.state_dict()))
    with pytest.raises(ValueError, match="generator must be a mapping"):
        pscgan.load(tmp_path / "p.safetensors")
