"""Penalties on the generator in a training step: the same z on both sides, for any micro-batch."""

import pytest
import torch

from pscgan.data.degradations.jpeg import Jpeg
from pscgan.losses.crps import FairCRPS
from pscgan.losses.penalty import GeneratorPenalty, Penalty
from pscgan.losses.robustness import Robustness

from .test_gan_step import clean_images, make_gan_step, train, weights


@pytest.mark.parametrize("samples_per_pass", [None, 1])
@pytest.mark.parametrize("degradation", [{}, {"degradation": Jpeg(10, maps=())}], ids=["noise", "jpeg"])
def test_the_same_condition_gives_the_same_samples(samples_per_pass, degradation):
    calls = []

    def spy(restore, samples_KBCHW, condition, rng):
        restored = restore(condition)
        assert restored.shape == samples_KBCHW.shape == (2, 3, 3, 16, 16)
        assert torch.allclose(restored, samples_KBCHW, atol=1e-5)
        assert not torch.allclose(restore(condition.roll(1, 0)), samples_KBCHW, atol=1e-2)
        calls.append(len(rng))
        return restored.mean()

    penalties = {
        "spy": GeneratorPenalty(spy, samples_per_image=2, images=3),
        "crps": Penalty(FairCRPS(), samples_per_image=4),
    }
    train(make_gan_step(penalties=penalties, samples_per_pass=samples_per_pass, **degradation), 1)
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
