"""A critic of pairs: what it is shown, and that it sees collapse."""

import pytest
import torch
from hydra import compose, initialize_config_module
from torch import nn

from pscgan.losses.crps import FairCRPS
from pscgan.losses.penalty import Penalty, Term
from pscgan.models.patch_critic import PatchCritic
from pscgan.models.unet import UNet
from pscgan.rng import Rng
from pscgan.train.build import build_training

from ..models.drawing import draw_samples
from .test_gan_step import BATCH, clean_images, make_gan_step, train


class Onlooker:
    """Keeps what both phases are shown; the generator raises the score of its sample."""

    gradient_penalty = None

    def __init__(self):
        self.shown = {"generator": [], "critic": []}

    def critic_terms(self, critic, clean, fake, condition):
        self.shown["critic"].append((fake, condition))
        return {"adversarial": Term(critic(fake, condition).mean())}

    def generator_terms(self, critic, clean, fake, condition):
        self.shown["generator"].append((fake.detach(), condition))
        return {"adversarial": Term(-critic(fake, condition).mean())}


def paired_gan_step(**arguments):
    onlooker = Onlooker()
    critic = PatchCritic(3, 6, width=4, levels=2)
    return make_gan_step(**({"critic": critic, "adversarial": onlooker, "paired": True} | arguments)), onlooker


@pytest.mark.parametrize(
    "arguments", [{}, {"micro_batch": 3}, {"samples_per_pass": 1}, {"penalties": {}}], ids=lambda a: "".join(a)
)
def test_both_phases_are_shown_the_same_other_sample(arguments):
    gan_step, onlooker = paired_gan_step(**arguments)
    train(gan_step, 1)
    for generator, critic in zip(onlooker.shown["generator"], onlooker.shown["critic"], strict=True):
        for seen in zip(generator, critic, strict=True):
            assert torch.equal(*seen)
        fake, condition = critic
        y, other = condition[:, :3], condition[:, 3:]
        assert not condition.requires_grad
        assert fake.shape == other.shape
        assert (fake - other).abs().amax((1, 2, 3)).min() > 1e-3
        assert (other - y).abs().mean() < 1  # a restoration of this y, not of another
    assert sum(len(fake) for fake, _ in onlooker.shown["critic"]) == BATCH


def test_the_other_sample_is_the_second_of_the_set():
    seen = []

    def spy(samples_KBCHW, clean, measurement):
        seen.append(samples_KBCHW.detach())
        return samples_KBCHW.mean()

    gan_step, onlooker = paired_gan_step(penalties={"spy": Penalty(spy, samples_per_image=3, images=2)})
    train(gan_step, 1)
    fake, condition = onlooker.shown["critic"][0]
    assert torch.equal(fake[:2], seen[0][0])
    assert torch.equal(condition[:2, 3:], seen[0][1])


def test_a_batch_for_the_critic_alone_has_pairs_too():
    gan_step, onlooker = paired_gan_step(alternate=True)
    train(gan_step, 2)
    assert [len(calls) for calls in onlooker.shown.values()] == [1, 1]
    for calls in onlooker.shown.values():
        fake, condition = calls[0]
        assert condition.shape[1] == 6
        assert not torch.equal(fake, condition[:, 3:])


class Apart(nn.Module):
    """How far the two of a pair lie apart, which a critic learns where samples are too much alike."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, image, condition):
        return self.factor * (image - condition[:, -3:]).square().sum((1, 2, 3))


def test_a_critic_that_compares_the_pair_drives_samples_apart():
    generator = UNet(3, 3, width=4, levels=2, encoder_blocks=1)
    for stage in generator.up:
        for noise in stage.noise:
            noise.weight.data *= 0.01
    condition = clean_images()[0]

    def spread():
        with torch.no_grad():
            return draw_samples(generator, condition, 8, Rng(5, "z", range(BATCH))).std(0).mean().item()

    def slow(parameters):
        return torch.optim.SGD(parameters, lr=1e-2)

    gan_step, _ = paired_gan_step(generator=generator, critic=Apart(), generator_optimizer=slow, penalties={})
    before = spread()
    train(gan_step, 10)
    assert spread() > 1.5 * before


@pytest.mark.parametrize(
    "arguments",
    [
        {"critic": None, "adversarial": None, "critic_optimizer": None},
        {
            "generator": UNet(3, 3, width=4, levels=2, latent_channels=0),
            "penalties": {"crps": Penalty(FairCRPS())},
        },
    ],
    ids=["no critic", "deterministic"],
)
def test_pairs_that_cannot_be_are_refused(arguments):
    with pytest.raises(ValueError, match=r"paired=true .* generator"):
        paired_gan_step(**arguments)


@pytest.mark.parametrize(("critic", "size"), [("patch_small", 32), ("pscgan", 64)])
def test_the_critic_is_built_for_pairs(critic, size):
    """Image, and y with its map and the other sample."""
    overrides = ["critic.image_size=64"] if critic == "pscgan" else []
    overrides += [f"critic={critic}", "gan_step.paired=true", "degradation=gaussian_noise_range", "folder=unused"]
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        gan_step = build_training(compose("train", overrides)).gan_step
    assert gan_step.critic(torch.rand(2, 3, size, size), torch.rand(2, 7, size, size)).shape == (2,)
