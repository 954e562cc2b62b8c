"""What cannot work is refused by name before the first step, and nothing else has happened."""

import copy

import pytest
import torch
from torch import nn

from pscgan.data.degradations.jpeg import Jpeg
from pscgan.losses.adversarial import Logistic
from pscgan.losses.crps import FairCRPS, MultiscaleCRPS
from pscgan.losses.experimental.spread_reward import SpreadReward
from pscgan.losses.penalty import GeneratorPenalty, Penalty, Term
from pscgan.losses.robustness import Robustness
from pscgan.models.patch_critic import PatchCritic
from pscgan.models.published.resnet_critic import ResnetCritic
from pscgan.train.sanity_check import sanity_check

from .test_gan_step import make_gan_step, regression, train
from .tiny import assert_same


class Deep(nn.Module):
    """A penalty whose layers halve the image too often."""

    def forward(self, samples_KBCHW, clean, measurement):
        return nn.functional.conv2d(samples_KBCHW[0], torch.ones(1, 3, 40, 40)).mean()


class Infinite(Logistic):
    """A critic's side beyond the numbers."""

    def critic_terms(self, critic, clean, fake, condition):
        return {"adversarial": Term(critic(fake, condition).sum() * float("inf"))}


def free(critic, clean, fake, condition, rng, images_seen):
    """A price that nothing can be done about."""
    return {"free": Term(rng.rand().mean())}


free.every_critic_steps = 1

REFUSED = {
    "blocks larger than the crop": (
        {"penalties": {"scales": Penalty(MultiscaleCRPS(scales=6))}},
        r"penalty\.scales: .*sides >= 32.*scales=6.*\(16, 16\)",
    ),
    "layers too deep for the crop": ({"penalties": {"deep": Penalty(Deep())}}, r"penalty\.deep: .*[Kk]ernel size"),
    "a value that is no number": (
        {"penalties": {"poison": Penalty(lambda samples, clean, measurement: samples.mean() * float("nan"))}},
        r"penalty\.poison: its value on random images .* got nan with a gradient",
    ),
    "a value for each image": (
        {"penalties": {"vector": Penalty(lambda samples, clean, measurement: samples.mean((0, 2, 3, 4)))}},
        r"penalty\.vector: its value .* scalar tensor",
    ),
    "a value without a gradient": (
        {"penalties": {"constant": Penalty(lambda samples, clean, measurement: samples.mean().detach())}},
        r"penalty\.constant: .* without a gradient",
    ),
    "an image below a patch": ({"critic": PatchCritic(3, 3, width=4, levels=5)}, "critic: image.*16 x 16"),
    "an image of another size": ({"critic": ResnetCritic(3, 3, width=4, image_size=32)}, "critic: image.*16 x 16"),
    "a critic's side that is no number": ({"adversarial": Infinite()}, "critic: its value .* got -?inf"),
    "a price without a gradient": (
        {"adversarial": Logistic(gradient_penalty=free)},
        r"adversarial\.gradient_penalty: its value .* without a gradient",
    ),
    "pairs for a critic of images alone": (
        {"critic": PatchCritic(3, 6, width=4, levels=2, conditional=False), "paired": True},
        r"critic: gan_step\.paired",
    ),
}


@pytest.mark.parametrize(("arguments", "named"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_the_part(arguments, named):
    with pytest.raises(ValueError, match=named):
        sanity_check(make_gan_step(**arguments), channels=3, crop=16)


@pytest.mark.parametrize("degradation", [{}, {"degradation": Jpeg(10)}], ids=["noise", "jpeg"])
def test_what_works_passes(degradation):
    channels = 3 + degradation["degradation"].num_maps if degradation else 3
    penalties = {
        "crps": Penalty(FairCRPS()),
        "robustness": GeneratorPenalty(Robustness(0.5), samples_per_image=3),
    }
    sanity_check(regression(penalties=penalties, **degradation), channels=3, crop=16)
    critic = PatchCritic(3, channels + 3, width=4, levels=2)
    sanity_check(make_gan_step(penalties=penalties, critic=critic, paired=True, **degradation), channels=3, crop=16)


class Counting(nn.Module):
    """A penalty that changes its buffer and draws from the global stream."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, samples_KBCHW, clean, measurement):
        self.calls += 1
        return samples_KBCHW.mean() + torch.rand(())


def test_nothing_is_changed():
    """Weights, gradients, buffers, clocks, averages, random streams; training then continues to the same bits."""
    penalties = {"counting": Penalty(Counting()), "reward": Penalty(SpreadReward())}
    gan_step = train(make_gan_step(penalties=penalties), 1)
    gan_step.critic.requires_grad_(False)
    before, stream = copy.deepcopy(gan_step.state_dict()), torch.get_rng_state()
    sanity_check(gan_step, channels=3, crop=16)
    assert_same(dict(gan_step.state_dict()), dict(before), "gan_step")
    assert torch.equal(torch.get_rng_state(), stream)
    assert all(parameter.grad is None for parameter in gan_step.parameters())
    assert not any(parameter.requires_grad for parameter in gan_step.critic.parameters())
