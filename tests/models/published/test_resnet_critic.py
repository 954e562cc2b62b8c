"""The critic of the JPEG ancestor: its counts, its one size, and that it sees the image alone."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from pscgan.models.published.resnet_critic import ResnetBlock, ResnetCritic

CONF = Path(__file__).parents[3] / "conf" / "critic" / "resnet.yaml"


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(**arguments):
    with torch.device("meta"):
        return ResnetCritic(**arguments)


def tiny(**arguments):
    torch.manual_seed(0)
    return ResnetCritic(**({"width": 4, "image_size": 16} | arguments))


@pytest.mark.parametrize(("width", "parameters"), [(64, 91_892_161), (32, 22_980_833)])
def test_published_counts(width, parameters):
    assert count(on_meta(width=width)) == parameters


def test_widths_double_sixteenfold_at_most():
    widths = [[block.branch[-1].out_channels for block in level] for level in on_meta().levels]
    assert widths == [[64, 128], [128, 256], [256, 512], [512, 1024], [1024, 1024], [1024, 1024]]


@pytest.mark.parametrize(("image_size", "levels"), [(4, 1), (8, 2), (16, 3), (64, 5), (256, 7)])
def test_levels_halve_the_image_down_to_four_pixels(image_size, levels):
    critic = tiny(width=1, image_size=image_size)
    sizes = []
    for level in critic.levels:
        level.register_forward_hook(lambda _, __, x: sizes.append(x.shape[-1]))
    image = torch.zeros(1, 3, image_size, image_size)
    critic(image, image)
    assert sizes == [image_size >> level for level in range(levels)]
    assert sizes[-1] == 4


def test_a_block_adds_a_tenth_of_its_branch():
    block, x = ResnetBlock(2, 2), torch.randn(1, 2, 5, 5)
    torch.testing.assert_close(block(x), x + block.branch(x) / 10)
    wider = ResnetBlock(2, 3)
    torch.testing.assert_close(wider(x), wider.shortcut(x) + wider.branch(x) / 10)


def test_one_score_an_image_whatever_the_condition():
    critic, image = tiny(condition_channels=5), torch.rand(2, 3, 16, 16)
    scores, others = (critic(image, torch.full((2, 5, 16, 16), value)) for value in (0.0, 1.0))
    assert scores.shape == (2,)
    assert torch.equal(scores, others)
    assert not torch.allclose(scores[0], scores[1])
    torch.testing.assert_close(critic(image[1:], image[1:]), scores[1:])


def test_gradient_reaches_every_parameter():
    critic, image = tiny(), torch.rand(2, 3, 16, 16)
    critic(image, image).square().sum().backward()
    assert [name for name, p in critic.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_gradient_penalty_reaches_the_first_convolution():
    critic, image = tiny(), torch.rand(2, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(critic(image, image.detach()).sum(), image, create_graph=True)
    gradient.square().sum().backward()
    assert critic.stem.weight.grad.any()


def test_other_sizes_are_refused():
    image = torch.zeros(1, 3, 16, 32)
    with pytest.raises(ValueError, match=r"image.*16.*16 x 32"):
        tiny()(image, image)


@pytest.mark.parametrize("image_size", [-4, 0, 2, 24])
def test_sizes_that_do_not_halve_to_four_are_refused(image_size):
    with pytest.raises(ValueError, match=f"image_size.*{image_size}"):
        tiny(image_size=image_size)


def test_yaml_builds_the_published_network():
    with torch.device("meta"):
        built = instantiate(OmegaConf.load(CONF), image_channels=3, condition_channels=3)
    assert count(built) == 91_892_161
