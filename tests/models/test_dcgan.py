"""A generator without a condition: sizes, and what its samples depend on."""

import pytest
import torch

from pscgan.models.dcgan import DcganGenerator
from pscgan.rng import Rng

from .drawing import draw_samples


@pytest.mark.parametrize("size", [4, 8, 32, 64])
@torch.no_grad()
def test_z_of_an_image_of_its_size_is_global(size):
    generator = DcganGenerator(3, 3, size, width=4, latent_channels=7)
    latent = generator.draw_latent(5, size, size, Rng(0, "z", range(2)))
    assert [tuple(z.shape) for z in latent] == [(5, 2, 7, 1, 1)]
    assert generator.decode(torch.zeros(2, 3, size, size), latent).shape == (5, 2, 3, size, size)


@torch.no_grad()
def test_a_sample_depends_on_its_z_alone():
    torch.manual_seed(0)
    generator = DcganGenerator(1, 2, 16, width=4).train()
    condition = torch.rand(3, 2, 16, 16)
    many, one = draw_samples(generator, condition, 4, Rng(0, "z", range(3))), Rng(0, "z", [2])
    torch.testing.assert_close(draw_samples(generator, torch.zeros(1, 2, 16, 16), 4, one), many[:, 2:])


@torch.no_grad()
def test_its_images_start_with_the_contrast_of_photographs():
    torch.manual_seed(0)
    images = draw_samples(DcganGenerator(3, 3), torch.zeros(64, 3, 32, 32), 1, Rng(0, "z", range(64)))
    assert images.mean().item() == pytest.approx(0.5, abs=0.1)
    assert 0.1 < images.std().item() < 0.4


@pytest.mark.parametrize("size", [0, 2, 12, 48])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=f"image_size must be a power of two >= 4, got {size}"):
        DcganGenerator(3, 3, size)
