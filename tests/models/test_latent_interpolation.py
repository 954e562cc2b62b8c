"""Between two samples there are samples."""

import math

import pytest
import torch

from pscgan.models.spatial_latent import LatentInterpolation, SpatialLatent
from pscgan.models.unet import UNet

UNET = UNet(3, 3, width=4, levels=3, latent_channels=2)
ENDS = SpatialLatent(UNET, [0], 1), SpatialLatent(UNET, [0], 2)
PLACE = (8, 16, 200, 240)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_z_is_standard_normal_all_the_way(share):
    for z, a in zip(LatentInterpolation(*ENDS, share).window(*PLACE), ENDS[0].window(*PLACE), strict=True):
        assert float(z.std()) == pytest.approx(1, abs=4 / math.sqrt(2 * z.numel()))
        assert float((z * a).mean()) == pytest.approx(math.cos(share * math.pi / 2), abs=5 / math.sqrt(z.numel()))


@pytest.mark.parametrize("end", [0, 1])
def test_it_begins_and_ends_with_the_samples(end):
    for z, of_end in zip(LatentInterpolation(*ENDS, end).window(*PLACE), ENDS[end].window(*PLACE), strict=True):
        assert torch.allclose(z, of_end, rtol=0, atol=1e-15)
