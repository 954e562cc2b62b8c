"""Networks that treat every pixel by itself."""

import pytest
import torch

from pscgan.models.pointwise import PointwiseCritic, PointwiseGenerator
from pscgan.rng import Rng

from .drawing import draw_samples


def images(seed, channels=1, size=5):
    return torch.rand(3, channels, size, size + 1, generator=torch.Generator().manual_seed(seed))


def moved(x):
    """Another order of the pixels."""
    return x.flip(-1).roll(1, -2)


def test_a_pixel_knows_nothing_of_the_others():
    generator, y = PointwiseGenerator(1, 1, width=8), images(0)
    latent = generator.draw_latent(4, *y.shape[-2:], Rng(0, "latent", range(3)))
    samples = generator.decode(generator.encode(y), latent)
    assert samples.shape == (4, 3, 1, 5, 6)
    assert torch.allclose(generator.decode(generator.encode(moved(y)), [moved(latent[0])]), moved(samples), atol=1e-6)
    critic = PointwiseCritic(1, 1, width=8)
    assert torch.allclose(critic(moved(y), moved(images(1))), critic(y, images(1)), atol=1e-6)


def test_samples_differ_with_z_alone_and_not_with_the_layout():
    generator, y = PointwiseGenerator(3, 4, width=8), images(2, channels=4)
    samples = draw_samples(generator, y, 2, Rng(0, "latent", range(3)))
    assert (samples[0] - samples[1]).abs().mean() > 1e-3
    alone = draw_samples(generator, y[2:], 2, Rng(0, "latent", [2]))
    assert torch.allclose(alone[:, 0], samples[:, 2], atol=1e-6)


def test_without_z_there_is_one_sample():
    generator = PointwiseGenerator(1, 1, width=8, latent_channels=0)
    assert draw_samples(generator, images(3), 5, Rng(0, "latent", range(3))).shape == (1, 3, 1, 5, 6)


def test_an_unconditional_critic_does_not_see_y():
    critic, x = PointwiseCritic(1, 2, width=8, conditional=False), images(4)
    assert torch.equal(critic(x, images(5, channels=2)), critic(x, images(6, channels=2)))


def test_no_image_is_scored_by_its_neighbours():
    critic, x, y = PointwiseCritic(1, 1, width=8), images(4), images(5)
    assert torch.allclose(critic(x[:1], y[:1]), critic(x, y)[:1], atol=1e-6)


def test_bad_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match="width must be >= 1, got 0"):
        PointwiseGenerator(1, 1, width=0)
    with pytest.raises(ValueError, match="layers must be >= 1, got 0"):
        PointwiseCritic(1, 1, layers=0)
    generator = PointwiseGenerator(1, 1, width=8)
    with pytest.raises(ValueError, match="latent"):
        generator.decode(generator.encode(images(6)), [])
