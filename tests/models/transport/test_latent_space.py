"""Codes of autoencoders as spaces: sizes, windows, names, and the conventions of others."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from pscgan.models.autoencoder import Autoencoder
from pscgan.models.transport.latent_space import DiffusersLatentSpace, LatentSpace

SCALING = 0.18215


def latent(seed=0, channels=48):
    """Of random weights; with all coefficients the start is the identity."""
    torch.manual_seed(seed)
    return LatentSpace(Autoencoder(3, 3, channels=channels, width=4, encoder_blocks=1, decoder_blocks=1).eval())


class StandIn:
    """An autoencoder with the interface of ``diffusers.AutoencoderKL``: blocks of 8 x 8 pixels as channels, shifted."""

    config = SimpleNamespace(scaling_factor=SCALING)

    def encode(self, x):
        return SimpleNamespace(latent_dist=SimpleNamespace(mean=F.pixel_unshuffle(x, 8) + 3))

    def decode(self, z):
        return SimpleNamespace(sample=F.pixel_shuffle(z - 3, 8))


@pytest.mark.parametrize("space", [latent(), DiffusersLatentSpace(StandIn(), "stand-in")], ids=["ours", "diffusers"])
@pytest.mark.parametrize("size", [(1, 1), (8, 16), (13, 30)])
@torch.no_grad()
def test_images_of_any_size_come_back(space, size):
    images = torch.rand(2, 3, *size)
    codes = space.encode(images)
    rows, columns = (-(-side // space.factor) for side in size)
    assert codes.shape[2:] == (rows, columns)
    decoded = space.decode(codes)
    assert decoded.shape == (2, 3, rows * space.factor, columns * space.factor)
    assert torch.allclose(decoded[..., : size[0], : size[1]], images, atol=1e-5)


@torch.no_grad()
def test_codes_of_diffusers_are_those_of_images_in_minus_one_to_one_times_its_factor():
    images = torch.rand(1, 3, 16, 16)
    expected = SCALING * (F.pixel_unshuffle(2 * images - 1, 8) + 3)
    assert torch.allclose(DiffusersLatentSpace(StandIn(), "stand-in").encode(images), expected)


@torch.no_grad()
def test_the_code_is_without_noise_and_of_the_type_of_the_images():
    space, images = latent(channels=8), torch.rand(1, 3, 12, 12, dtype=torch.float64)
    codes = space.encode(images)
    assert torch.equal(codes, space.encode(images))
    assert torch.equal(space.decode(codes), space.decode(codes))
    assert codes.dtype == space.decode(codes).dtype == torch.float64


@torch.no_grad()
def test_nothing_beyond_the_radius_changes_a_pixel():
    space = latent(channels=8)
    for parameter in space.autoencoder.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    image = torch.rand(1, 3, 8, 4 * space.radius)
    other, start = image.clone(), 2 * space.radius
    other[..., start : start + space.factor] += 1
    before, after = (space.decode(space.encode(x)) for x in (image, other))
    (columns,) = (before != after).any(dim=2)[0].any(dim=0).nonzero(as_tuple=True)
    assert columns.min() >= start - space.radius
    assert columns.max() < start + space.factor + space.radius


def test_other_weights_are_another_space_and_other_channels_are_refused():
    assert latent(seed=0).name == latent(seed=0).name != latent(seed=1).name
    with pytest.raises(ValueError, match=r"images must have 3 channels for autoencoder:.*, got 1"):
        latent().encode(torch.rand(1, 1, 8, 8))
