"""How far a network sees: what is known of its layers, and what a change of one pixel shows."""

import pytest
import torch
from torch import nn

from pscgan.models.pointwise import PointwiseGenerator
from pscgan.models.published.rrdb import RrdbGenerator
from pscgan.models.receptive_field import receptive_field_radius
from pscgan.models.unet import UNet
from pscgan.rng import Rng


class Layers(nn.Module):
    """A generator of plain layers, without z."""

    stride = 1

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def encode(self, condition):
        return condition

    def decode(self, features, latent):
        return self.layers(features)[None]

    def draw_latent(self, num_samples, height, width, rng):
        return []


@pytest.mark.parametrize(
    ("layers", "pixels"),
    [
        ([nn.Conv2d(1, 1, 1)], 0),
        ([nn.Conv2d(1, 1, 3, padding=1)], 1),
        ([nn.Conv2d(1, 1, 3, padding=1), nn.ReLU(), nn.Conv2d(1, 1, 5, padding=4, dilation=2)], 5),
        ([nn.Conv2d(1, 1, (9, 1), padding=(4, 0))], 4),
        ([nn.Conv2d(1, 1, (1, 9), padding=(0, 4))], 4),
        ([nn.Conv2d(1, 1, 3, padding=1) for _ in range(200)], 200),
    ],
)
def test_convolutions_see_what_their_sizes_say(layers, pixels):
    assert receptive_field_radius(Layers(*layers).eval(), 1) == pixels


def test_a_pixel_sees_itself_and_a_mean_over_the_image_sees_all():
    class Centred(nn.Module):
        def forward(self, x):
            return x - x.mean(dim=(2, 3), keepdim=True)

    assert receptive_field_radius(PointwiseGenerator(3, 4, width=4).eval(), 4) == 0
    assert receptive_field_radius(Layers(nn.Conv2d(1, 1, 1), Centred()).eval(), 1) is None


def test_of_esrgan_it_is_the_sum_of_its_convolutions():
    """Trunk: 4 x (1 + 15 + 1); then one at half and three at full size."""
    assert receptive_field_radius(RrdbGenerator(blocks=1, width=4, growth=2).eval(), 3) in (72, 76)


@torch.no_grad()
def test_nothing_beyond_it_changes_and_something_near_it_does():
    torch.manual_seed(0)
    generator = UNet(3, 3, width=8, levels=2, latent_channels=1).eval()
    for parameter in generator.parameters():
        nn.init.normal_(parameter, std=0.3)
    far = receptive_field_radius(generator, 3)
    y = torch.rand(1, 3, 8, 256)
    z = generator.draw_latent(1, 8, 256, Rng(0, "z", [0]))
    other = y.clone()
    other[..., 128] += 1
    first, second = (generator.decode(generator.encode(image), z)[0, 0] for image in (y, other))
    changed = (first != second).any(dim=0).any(dim=0).nonzero().flatten()
    assert 128 - far <= int(changed[0])
    assert int(changed[-1]) <= 128 + far
    assert int(changed[-1] - changed[0]) > far
