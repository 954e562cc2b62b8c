"""The error of a denoiser: an image weighs by its level, blocks by the variance of their means of noise."""

import pytest
import torch

from pscgan.data.measurement import Measurement
from pscgan.losses.denoising import DenoisingError

from .scalar_world import normal

SIGMA = torch.tensor([0.02, 3.0]).double()


def error(residual, sigma=SIGMA, **options):
    clean = normal(0, *residual.shape)
    return DenoisingError(**options)(clean[None] - residual[None], clean, Measurement(clean, None, {"sigma": sigma}))


def test_pixels_count_by_one_over_the_level():
    residual = normal(1, 2, 3, 8, 8)
    apart = torch.stack([residual[i].square().mean() / s for i, s in enumerate(SIGMA)])
    assert torch.allclose(error(residual, block_weight=0), apart.mean(), rtol=1e-12)


def test_a_constant_is_in_pixels_and_in_every_block():
    residual = torch.full((2, 3, 33, 40), 0.1, dtype=torch.float64)
    of_images = 0.01 / SIGMA + 0.5 * (4**2 + 32**2) * 0.01 / SIGMA**2
    assert torch.allclose(error(residual, sides=[4, 32, 64], block_weight=0.5), of_images.mean(), rtol=1e-12)


def test_a_block_whose_pixels_cancel_has_no_error():
    signs = torch.tensor([1.0, -1.0]).double().repeat(2, 3, 16, 8)
    assert torch.allclose(error(0.1 * signs, sides=[2, 16]), error(0.1 * signs, sides=[]), rtol=1e-12)


def test_each_block_of_noise_counts_the_same():
    residual = SIGMA.view(2, 1, 1, 1) * normal(2, 2, 3, 512, 512)
    terms = [error(residual, sides=[side], block_weight=1) - error(residual, sides=[]) for side in (1, 4, 16)]
    assert torch.allclose(torch.stack(terms), torch.ones(3).double(), atol=0.07)  # 4 standard errors of 6,144 squares


def test_what_it_cannot_take_is_refused():
    with pytest.raises(ValueError, match="measurement must know sigma"):
        DenoisingError()(normal(0, 1, 1, 3, 8, 8), normal(1, 1, 3, 8, 8), Measurement(normal(1, 1, 3, 8, 8)))
    with pytest.raises(ValueError, match="sides must be >= 1, got 0"):
        DenoisingError(sides=[8, 0])
    with pytest.raises(ValueError, match="block_weight must be >= 0, got -1"):
        DenoisingError(block_weight=-1)
