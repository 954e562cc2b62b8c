"""z of a place does not depend on the window it is asked for by."""

import itertools

import pytest
import torch

from pscgan.models.generator import latent_strides
from pscgan.models.pointwise import PointwiseGenerator
from pscgan.models.spatial_latent import SpatialLatent
from pscgan.models.unet import UNet
from pscgan.rng import Rng

UNET = UNet(3, 3, width=4, levels=3, decoder_blocks=2, latent_channels=2)
SIZE = 600  # beyond two cells


@pytest.mark.parametrize("window", [(0, 0, 600, 600), (8, 16, 100, 300), (248, 248, 16, 9), (512, 256, 88, 1)])
def test_a_window_is_a_part_of_the_whole(window):
    top, left, height, width = window
    whole = SpatialLatent(UNET, [3], 1).window(0, 0, SIZE, SIZE)
    latent = SpatialLatent(UNET, [3], 1).window(*window)
    for z, part, stride in zip(whole, latent, latent_strides(UNET), strict=True):
        rows, columns = (-(-extent // UNET.stride) * UNET.stride // stride for extent in (height, width))
        assert torch.equal(part, z[..., top // stride :, left // stride :][..., :rows, :columns])


def test_maps_are_those_that_decode_takes():
    drawn = UNET.draw_latent(1, 37, 21, Rng(0, "z", [0]))
    assert [z.shape for z in SpatialLatent(UNET, [0], 1).window(0, 0, 37, 21)] == [z.shape for z in drawn]
    assert SpatialLatent(UNet(3, 3, width=4, latent_channels=0), [0], 1).window(0, 0, 9, 9) == []


def test_seeds_samples_and_cells_are_unrelated_and_standard_normal():
    generator = PointwiseGenerator(3, 3, latent_channels=1)
    drawn = [
        SpatialLatent(generator, [seed], number).window(top, left, 256, 256)[0].flatten()
        for seed, number, top, left in itertools.product((0, 1), (1, 2), (0, 256), (0, 256))
    ]
    together = torch.stack(drawn)
    off_diagonal = torch.corrcoef(together) - torch.eye(len(drawn))
    assert off_diagonal.abs().max() < 5 / 256  # five standard errors
    assert together.mean(dim=1).abs().max() < 5 / 256
    assert (together.var(dim=1) - 1).abs().max() < 5 * 2**0.5 / 256


def test_an_image_of_a_batch_has_the_z_of_its_seed():
    batch = SpatialLatent(UNET, [5, 3], 2).window(8, 0, 70, 90)
    alone = SpatialLatent(UNET, [3], 2).window(8, 0, 70, 90)
    assert all(torch.equal(z[:, 1:], of_one) for z, of_one in zip(batch, alone, strict=True))
