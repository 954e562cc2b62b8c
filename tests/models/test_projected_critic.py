"""The critic on frozen features keeps the contract of critics."""

from functools import partial

import pytest
import torch

from pscgan.models.features.frozen import FrozenFeatures
from pscgan.models.patch_critic import PatchCritic
from pscgan.models.projected_critic import ProjectedCritic


@pytest.fixture(scope="module")
def critic():
    torch.manual_seed(0)
    features = FrozenFeatures("tf_efficientnet_lite0", ["blocks.0", "blocks.2"], "package")
    return ProjectedCritic(3, 4, pixel=partial(PatchCritic, width=8), features=features, width=8)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (37, 51), (8, 8)])
def test_any_size_gives_a_score_an_image(critic, height, width):
    assert critic(torch.rand(2, 3, height, width), torch.rand(2, 4, height, width)).shape == (2,)


def test_the_score_of_an_image_does_not_depend_on_the_batch(critic):
    image, condition = torch.rand(4, 3, 32, 32), torch.rand(4, 4, 32, 32)
    apart = torch.cat([critic(image[b : b + 1], condition[b : b + 1]) for b in range(4)])
    assert torch.allclose(critic(image, condition), apart, atol=1e-5)


def test_is_the_pixel_score_and_the_mean_of_the_heads(critic):
    image, condition = torch.rand(2, 3, 32, 32), torch.rand(2, 4, 32, 32)
    pairs = zip(critic.heads, critic.features(image), critic.features(condition[:, :3]), strict=True)
    heads = [head(torch.cat([x, y], dim=1)).mean(dim=(1, 2, 3)) for head, x, y in pairs]
    assert torch.allclose(critic(image, condition), critic.pixel(image, condition) + sum(heads) / 2, atol=1e-5)


def test_a_gradient_penalty_reaches_the_heads_and_the_pixel_critic(critic):
    critic.zero_grad()
    image = torch.rand(2, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(critic(image, torch.rand(2, 4, 16, 16)).sum(), image, create_graph=True)
    gradient.square().sum().backward()
    assert all(head[0].weight.grad.abs().sum() > 0 for head in critic.heads)
    assert critic.pixel.stem.weight.grad.abs().sum() > 0


def test_the_frozen_network_is_in_no_checkpoint(critic):
    assert {name.split(".")[0] for name in critic.state_dict()} == {"pixel", "heads"}


def test_bad_arguments_are_refused_by_name(critic):
    with pytest.raises(ValueError, match=r"condition_channels.*2"):
        ProjectedCritic(3, 2, pixel=partial(PatchCritic, width=8), features=critic.features)
    with pytest.raises(ValueError, match=r"image.* 8.*4 x 32"):
        critic(torch.rand(1, 3, 4, 32), torch.rand(1, 4, 4, 32))
