"""Two passes and one have the same gradient; a graph is held for a few samples instead of all."""

from inspect import isfunction

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.measurement import Measurement
from pscgan.losses.crps import FairCRPS
from pscgan.losses.experimental.robustness_probe import JacobianRobustness
from pscgan.losses.moments import FirstMoment
from pscgan.losses.penalty import GeneratorPenalty, Penalty
from pscgan.models.patch_critic import PatchCritic
from pscgan.models.published.pscgan import PscganGenerator
from pscgan.models.published.rrdb import RrdbGenerator
from pscgan.models.unet import UNet
from pscgan.models.unfolded import Unfolded
from pscgan.rng import Rng
from pscgan.train.sampling import ProjectedDecoder, SampleBatch

from .test_gan_step import clean_images, make_gan_step, regression, weights

GENERATORS = {
    "unet": lambda: UNet(3, 3, width=4, levels=2, encoder_blocks=1),
    "twin": lambda: UNet(3, 3, width=4, levels=2, encoder_blocks=1, latent_channels=0),
    "pscgan": lambda: PscganGenerator(3, 3),
    "unfolded": lambda: Unfolded(3, 3, rounds=2, width=4, levels=2),
    "rrdb": lambda: RrdbGenerator(3, 3, blocks=1, width=8, growth=4),
}


class DoubleJpeg(Jpeg):
    """Measurements in float64, as the networks of these tests."""

    def __call__(self, clean, rng):
        measurement = super().__call__(clean, rng)
        return Measurement(measurement.degraded.double(), measurement.maps, measurement.params)


def paired_critic():
    return PatchCritic(3, 6, width=4, levels=2)


def after_one_batch(make=make_gan_step, **arguments):
    """Weights of the generator, float64, and how far they moved."""
    torch.manual_seed(1)
    arguments = {name: value() if isfunction(value) else value for name, value in arguments.items()}
    gan_step = make(**arguments).double()
    before = weights(gan_step.generator).clone()
    clean, numbers = clean_images()
    gan_step.train_batch(clean.double(), numbers)
    return weights(gan_step.generator) - before


def assert_same_gradient(passes=(1, 2), **arguments):
    one_pass = after_one_batch(**arguments)
    assert one_pass.norm() > 1e-6
    for samples_per_pass in passes:
        two_passes = after_one_batch(samples_per_pass=samples_per_pass, **arguments)
        assert torch.allclose(two_passes, one_pass, rtol=1e-8, atol=1e-13)


def penalties():
    return {
        "crps": Penalty(FairCRPS(), samples_per_image=3, images=2),
        "first_moment": Penalty(FirstMoment(), samples_per_image=2, images=3),
    }


@pytest.mark.parametrize(
    ("generator", "passes"), [("unet", (1, 2)), ("pscgan", (2,)), ("rrdb", (1, 2)), ("unfolded", (2,))]
)
def test_critic_and_penalties_on_different_numbers_of_images(generator, passes):
    assert_same_gradient(passes, generator=GENERATORS[generator], penalties=penalties)


@pytest.mark.parametrize(
    "arguments",
    [
        {"micro_batch": 3},
        {"degradation": DoubleJpeg(10, maps=())},
        {"degradation": GaussianNoise(50), "project": False},
        {"make": regression},
        {"paired": True, "critic": paired_critic},
        {"penalties": lambda: {"probe": GeneratorPenalty(JacobianRobustness(), samples_per_image=3)}},
        {
            "generator": GENERATORS["twin"],
            "penalties": lambda: {"mse": Penalty(FirstMoment(True), samples_per_image=1)},
        },
    ],
    ids=["micro_batch", "jpeg", "no projection", "regression", "paired", "generator penalty", "deterministic"],
)
def test_whatever_the_game(arguments):
    assert_same_gradient(**({"generator": GENERATORS["unet"], "penalties": penalties} | arguments))


def test_the_critic_is_shown_the_same_samples():
    critics = []
    for samples_per_pass in (None, 1):
        gan_step = make_gan_step(samples_per_pass=samples_per_pass).double()
        clean, numbers = clean_images()
        gan_step.train_batch(clean.double(), numbers)
        critics.append(weights(gan_step.critic))
    assert torch.allclose(*critics, rtol=1e-10)


def test_weights_cast_for_the_pass_without_a_graph_do_not_lose_their_gradient():
    moves = []
    for samples_per_pass in (None, 2):
        gan_step = make_gan_step(samples_per_pass=samples_per_pass)
        before = [parameter.detach().clone() for parameter in gan_step.generator.parameters()]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            gan_step.train_batch(*clean_images())
        moves.append([now.detach() - then for now, then in zip(gan_step.generator.parameters(), before, strict=True)])
    for one_pass, two_passes in zip(*moves, strict=True):
        assert (two_passes - one_pass).norm() <= 0.1 * one_pass.norm()


def held_bytes(samples_per_pass, K=16):
    """The most that was saved for backward passes at any one time."""
    torch.manual_seed(0)
    generator = UNet(3, 3, width=8, levels=2, encoder_blocks=1)
    decoder = ProjectedDecoder(generator, GaussianNoise(50), project=False)
    measurement = decoder.degradation(torch.rand(2, 3, 32, 32), Rng(0, "noise", range(2)))
    held = {"now": 0, "most": 0}

    class Saved:
        def __init__(self, tensor):
            self.tensor, self.bytes = tensor, tensor.numel() * tensor.element_size()
            held["now"] += self.bytes
            held["most"] = max(held["most"], held["now"])

        def __del__(self):
            held["now"] -= self.bytes

    with saved_tensors_hooks(Saved, lambda saved: saved.tensor):
        drawn = SampleBatch(decoder, measurement, Rng(0, "z", range(2)), K, 2, 1, samples_per_pass)
        drawn.samples_KnCHW.square().mean().backward()
        drawn.backward()
    return held["most"]


def test_the_graph_held_does_not_grow_with_the_samples():
    few, many = held_bytes(2, K=4), held_bytes(2, K=16)
    # what the loss itself keeps of 12 more samples, its square and no more
    assert many - few <= 12 * 2 * 3 * 32 * 32 * 4 * 2
    assert held_bytes(2) < 0.35 * held_bytes(None)


def test_bad_counts_are_refused():
    with pytest.raises(ValueError, match="samples_per_pass must be >= 1, got 0"):
        make_gan_step(samples_per_pass=0)
