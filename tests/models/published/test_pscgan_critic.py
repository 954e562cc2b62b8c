"""The published critic: its counts, its one size, and a gradient penalty that can be descended."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch.utils.flop_counter import FlopCounterMode

from pscgan.models.published.pscgan import PscganCritic

CONF = Path(__file__).parents[3] / "conf" / "critic" / "pscgan.yaml"


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(**arguments):
    with torch.device("meta"):
        return PscganCritic(**arguments)


@pytest.fixture(scope="module")
def critic():
    torch.manual_seed(0)
    return PscganCritic(image_size=64)


def pair(size=64, batch=2, dtype=torch.float32):
    rng = torch.Generator().manual_seed(0)
    return (torch.rand(batch, 3, size, size, generator=rng, dtype=dtype) for _ in range(2))


def test_published_counts():
    meta = on_meta()
    assert count(meta) == 9_013_569
    assert count(meta.condition_stem) == 112_576
    assert count(meta.blocks) == 5_491_328


def test_published_cost():
    image = torch.empty(1, 3, 128, 128, device="meta")
    with FlopCounterMode(display=False) as counter:
        on_meta()(image, image)
    assert counter.get_total_flops() / 2e9 == pytest.approx(6.20, abs=0.005)


def test_only_the_first_linear_layer_grows_with_the_size():
    assert count(on_meta(image_size=128)) - count(on_meta(image_size=64)) == 512 * 512 * (4 - 1)


def test_one_score_an_image_that_depends_on_both_arguments(critic):
    image, condition = pair()
    scores = critic(image, condition)
    assert scores.shape == (2,)
    torch.testing.assert_close(critic(image[1:], condition[1:]), scores[1:])
    assert not torch.allclose(critic(image.flip(0), condition), scores)
    assert not torch.allclose(critic(image, condition.flip(0)), scores)


def test_gradient_penalty_is_differentiable():
    torch.manual_seed(0)
    critic = PscganCritic(image_size=64).double()
    image, condition = pair(batch=1, dtype=torch.float64)
    weight = critic.blocks[0].skip.weight
    direction = torch.randn_like(weight)

    def squared_gradient_norm():
        image.requires_grad_()
        score = critic(image, condition).sum()
        (gradient,) = torch.autograd.grad(score, image, create_graph=True)
        return gradient.square().sum()

    def moved(step):
        with torch.no_grad():
            weight.add_(direction, alpha=step)
        value = squared_gradient_norm().detach()
        with torch.no_grad():
            weight.sub_(direction, alpha=step)
        return value

    (slope,) = torch.autograd.grad(squared_gradient_norm(), weight)
    step = 1e-6
    torch.testing.assert_close((slope * direction).sum(), (moved(step) - moved(-step)) / (2 * step), rtol=1e-4, atol=0)


@pytest.mark.parametrize("sizes", [(128, 64), (64, 128)], ids=["image", "condition"])
def test_other_sizes_are_refused(critic, sizes):
    image, condition = (torch.zeros(1, 3, 64, size) for size in sizes)
    with pytest.raises(ValueError, match=r"64.*64 x 128"):
        critic(image, condition)


@pytest.mark.parametrize("image_size", [0, -64, 100])
def test_sizes_it_cannot_halve_six_times_are_refused(image_size):
    with pytest.raises(ValueError, match=f"image_size.*64.*{image_size}"):
        PscganCritic(image_size=image_size)


def test_yaml_builds_the_published_network():
    with torch.device("meta"):
        built = instantiate(OmegaConf.load(CONF), image_channels=3, condition_channels=3)
    assert count(built) == 9_013_569
