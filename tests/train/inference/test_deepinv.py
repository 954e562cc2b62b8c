"""A sampler stands where deepinv takes a model, and says what it was not trained on."""

import pytest
import torch

import pscgan
from pscgan.data.measurement import Measurement

from ..export.exporting import JPEG, NOISE, exported

deepinv = pytest.importorskip("deepinv")
from pscgan.train.inference.deepinv import MmseDenoiser, PosteriorReconstructor  # noqa: E402  needs the package

SIGMA = 50 / 255


@pytest.fixture
def sampler(tmp_path):
    return pscgan.load(exported(tmp_path))


def noisy(physics):
    clean = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    return physics(clean)


def denoising(sigma):
    return deepinv.physics.Denoising(deepinv.physics.GaussianNoise(sigma))


def test_the_reconstructor_is_a_sample_or_a_mean(sampler):
    physics = denoising(SIGMA)
    y = noisy(physics)
    one, mean = PosteriorReconstructor(sampler, seed=3), PosteriorReconstructor(sampler, k=4, seed=3)
    assert isinstance(one, deepinv.models.Reconstructor)
    assert torch.equal(one(y, physics), sampler.sample(y, 1, seed=3)[0])
    assert torch.equal(mean(y, physics), sampler.mean(y, 4, seed=3))


def test_the_denoiser_is_the_mean(sampler):
    y = noisy(denoising(SIGMA))
    denoiser = MmseDenoiser(sampler, k=5)
    assert isinstance(denoiser, deepinv.models.Denoiser)
    for sigma in (SIGMA, torch.tensor(SIGMA), torch.full((2,), SIGMA)):
        assert torch.equal(denoiser(y, sigma), sampler.mean(y, 5))


def test_deepinv_runs_the_denoiser_as_its_own(sampler):
    physics = denoising(SIGMA)
    y = noisy(physics)
    wrapped = deepinv.models.ArtifactRemoval(MmseDenoiser(sampler, k=2), mode="direct")
    assert torch.equal(wrapped(y, physics), sampler.mean(y, 2))


def test_a_twin_gives_its_one_answer(tmp_path):
    twin = pscgan.load(exported(tmp_path, latent_channels=0))
    y = noisy(denoising(SIGMA))
    assert torch.equal(MmseDenoiser(twin, k=1)(y, SIGMA), twin.sample(y, 1)[0])


def test_levels_of_a_range_are_told_to_the_network(tmp_path):
    sampler = pscgan.load(exported(tmp_path, degradation={"_target_": NOISE, "sigma": [25, 75]}, maps=1))
    y, sigma = noisy(denoising(SIGMA)), torch.tensor([30.0, 70.0]) / 255
    told = Measurement(y, sigma.view(2, 1, 1, 1).expand(2, 1, 20, 24), {"sigma": sigma})
    denoiser = MmseDenoiser(sampler, k=2)
    assert torch.equal(denoiser(y, sigma), sampler.mean(told, 2))
    assert not torch.equal(denoiser(y, sigma), denoiser(y, sigma.flip(0)))
    with pytest.raises(ValueError, match=r"sigma must be in \[25, 75\] as in training, got 80"):
        denoiser(y, 80 / 255)


def test_what_was_not_trained_is_refused(sampler, tmp_path):
    y = noisy(denoising(SIGMA))
    for sigma in (25 / 255, 51 / 255, 50.0, float("nan"), torch.tensor([SIGMA, 0.5])):
        with pytest.raises(ValueError, match=r"sigma must be 50 as in training, got .*1 / 255"):
            MmseDenoiser(sampler)(y, sigma)
    with pytest.raises(ValueError, match="sigma must have 1 value, or 2, one an image, got 3"):
        MmseDenoiser(sampler)(y, torch.full((3,), SIGMA))
    with pytest.raises(ValueError, match=r"sigma must be 50 as in training, got 25\.5 "):
        PosteriorReconstructor(sampler)(y, denoising(0.1))
    for physics in (deepinv.physics.Denoising(deepinv.physics.PoissonNoise()), deepinv.physics.Inpainting((3, 20, 24))):
        with pytest.raises(ValueError, match="physics must be Denoising with GaussianNoise"):
            PosteriorReconstructor(sampler)(y, physics)
    with pytest.raises(ValueError, match="sampler must be one of GaussianNoise, got one of Jpeg"):
        MmseDenoiser(pscgan.load(exported(tmp_path, degradation=JPEG, maps=3)))
