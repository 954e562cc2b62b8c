"""Codes: a bounded, invertible cosine transform at the start, of images of any size."""

import pytest
import torch
from torch.nn import functional as F

from pscgan.models.autoencoder import FACTOR, Autoencoder, Features, cosines

SIZES = [(1, 1), (3, 7), (16, 16), (21, 34)]


def decoded(autoencoder, features, z=None):
    """One image each; where z is None, of the code alone."""
    z = torch.zeros_like(features.code) if z is None else z
    return autoencoder.decode(features, [z[None]])[0]


def trained_looking(**arguments):
    """With weights that are nothing special."""
    torch.manual_seed(0)
    autoencoder = Autoencoder(3, 3, width=8, **arguments).eval()
    for parameter in autoencoder.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return autoencoder


@pytest.mark.parametrize("channels", [1, 3])
def test_the_basis_is_orthonormal_and_begins_with_the_mean(channels):
    basis = cosines(channels)
    size = channels * FACTOR**2
    assert torch.allclose(basis @ basis.T, torch.eye(size), atol=1e-6)
    assert torch.allclose(basis[0], torch.full((size,), size**-0.5))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_with_all_coefficients_it_starts_as_the_identity(channels, size):
    autoencoder, image = Autoencoder(channels, channels, channels * FACTOR**2, width=8), torch.rand(2, channels, *size)
    features = autoencoder.encode(image)
    assert features.code.shape[2:] == tuple(-(-side // FACTOR) for side in size)
    assert torch.allclose(decoded(autoencoder, features), image, atol=1e-5)


@torch.no_grad()
def test_with_fewer_it_starts_as_their_projection():
    autoencoder, image = Autoencoder(3, 3, channels=8, width=8), torch.rand(2, 3, 16, 24)
    basis = cosines(3)[:8]
    blocks = F.pixel_unshuffle(2 * image - 1, FACTOR).movedim(1, -1)
    projected = F.pixel_shuffle((blocks @ basis.T @ basis).movedim(-1, 1), FACTOR)
    assert torch.allclose(decoded(autoencoder, autoencoder.encode(image)), (projected + 1) / 2, atol=1e-5)


@torch.no_grad()
def test_codes_lie_in_a_ball_and_what_leaves_it_is_decoded():
    autoencoder = trained_looking()
    code = autoencoder.encode(1e3 * torch.randn(2, 3, 16, 16)).code
    assert code.square().mean(dim=1).max() <= 1 + 1e-6
    assert decoded(autoencoder, Features(5 * code, 16, 16)).isfinite().all()


@torch.no_grad()
def test_z_is_noise_of_a_known_size_on_the_code():
    autoencoder = trained_looking(noise=0.3)
    features = autoencoder.encode(torch.rand(2, 3, 13, 16))
    z = torch.randn_like(features.code)
    moved = features._replace(code=features.code + 0.3 * z)
    assert torch.equal(decoded(autoencoder, features, z), decoded(autoencoder, moved))
    assert not torch.equal(decoded(autoencoder, features, z), decoded(autoencoder, features))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"channels": 49}, r"channels must be a number in \[1, 48\], got 49"),
        ({"channels": 0}, r"channels must be a number in \[1, 48\], got 0"),
        ({"noise": 1.0}, r"noise must be a number in \[0, 1\), got 1.0"),
        ({"decoder_blocks": 0}, "decoder_blocks must be >= 1, got 0"),
        ({"condition_channels": 4}, "condition_channels must be 3, of y without maps, got 4"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Autoencoder(**{"image_channels": 3, "condition_channels": 3} | arguments)
