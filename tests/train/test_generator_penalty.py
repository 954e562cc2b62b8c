"""Penalties on the generator in a training step: the same z on both sides, for any micro-batch."""

from copy import deepcopy

import pytest
import torch

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.losses.crps import FairCRPS
from pscgan.losses.penalty import GeneratorPenalty, Penalty
from pscgan.losses.robustness import Robustness
from pscgan.losses.sure import SURE
from pscgan.models.patch_critic import PatchCritic
from pscgan.models.unet import UNet

from .test_gan_step import BATCH, clean_images, make_gan_step, regression, train, weights


class SameNoisyImages(GaussianNoise):
    """y is that of other images, whatever the clean ones are."""

    def __call__(self, clean, rng):
        return super().__call__(clean_images(seen=100)[0], rng)


def with_a_map():
    """Of the level, which joins every y."""
    networks = {"generator": UNet(3, 4, width=4, levels=2), "critic": PatchCritic(3, 4, width=4, levels=2)}
    return networks | {"degradation": GaussianNoise([10, 200])}


@pytest.mark.parametrize("samples_per_pass", [None, 1])
@pytest.mark.parametrize("parts", [dict, with_a_map, lambda: {"degradation": Jpeg(10, maps=())}])
def test_the_same_y_gives_the_same_samples(samples_per_pass, parts):
    calls = []

    def spy(restore, samples_KBCHW, measurement, rng):
        restored = restore(measurement.degraded)
        assert restored.shape == samples_KBCHW.shape == (2, 3, 3, 16, 16)
        assert torch.allclose(restored, samples_KBCHW, atol=1e-5)
        assert not torch.allclose(restore(measurement.degraded.roll(1, 0)), samples_KBCHW, atol=1e-2)
        calls.append(len(rng))
        return restored.mean()

    penalties = {
        "spy": GeneratorPenalty(spy, samples_per_image=2, images=3),
        "crps": Penalty(FairCRPS(), samples_per_image=4),
    }
    train(make_gan_step(penalties=penalties, samples_per_pass=samples_per_pass, **parts()), 1)
    assert calls == [3]


def test_micro_batches_and_the_attack():
    moves = []
    for size in (None, 3):
        penalty = GeneratorPenalty(Robustness(0.5, steps=2), weight=10.0, samples_per_image=2, images=3)
        gan_step = make_gan_step(penalties={"robustness": penalty}, micro_batch=size).double()
        clean, numbers = clean_images()
        gan_step.train_batch(clean.double(), numbers)
        moves.append(weights(gan_step.generator))
        assert gan_step.means.pop()["generator/robustness"] > 0
        assert all(parameter.grad is None for parameter in gan_step.parameters())
    assert torch.allclose(*moves, atol=1e-10)


def test_sure_trains_without_a_look_at_x():
    start, found = UNet(3, 3, width=4, levels=2, encoder_blocks=1, latent_channels=0), []
    for seen in (0, 8):
        penalties = {"sure": GeneratorPenalty(SURE(), samples_per_image=1)}
        gan_step = regression(generator=deepcopy(start), penalties=penalties, degradation=SameNoisyImages(50))
        gan_step.train_batch(clean_images(seen)[0], range(BATCH))
        found.append(weights(gan_step.generator))
    assert torch.equal(*found)
    assert not torch.equal(found[0], weights(start))
