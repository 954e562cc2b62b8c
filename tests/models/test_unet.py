"""The generator we ship."""

import pytest
import torch

from pscgan.models.generator import scale_latent
from pscgan.models.unet import UNet
from pscgan.rng import Rng

from .drawing import draw_samples


def unet(**arguments):
    torch.manual_seed(0)
    sizes = {"width": 16, "levels": 3, "encoder_blocks": 1, "decoder_blocks": 2, "latent_channels": 4}
    return UNet(image_channels=3, condition_channels=3, **(sizes | arguments)).eval()


def noisy(batch=2, height=32, width=32, seed=0):
    """Smooth pictures with noise of sigma 50."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 3, 4, 4, generator=rng)
    clean = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return clean + 50 / 255 * torch.randn(clean.shape, generator=rng)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (37, 50), (9, 8), (1, 1)])
def test_any_size(height, width):
    samples = draw_samples(unet(), noisy(2, height, width), 3, Rng(0, "z", range(2)))
    assert samples.shape == (3, 2, 3, height, width)


def test_z_decides_the_sample():
    generator, y = unet(), noisy()
    first, again, other = (draw_samples(generator, y, 1, Rng(0, stream, range(2))) for stream in "aab")
    assert torch.equal(first, again)
    assert (first - other).abs().mean() > 1e-3


def test_encoding_once_equals_separate_passes():
    generator, y = unet(), noisy()
    latent = generator.draw_latent(3, 32, 32, Rng(0, "z", range(2)))
    together = generator.decode(generator.encode(y), latent)
    for k in range(3):
        alone = generator.decode(generator.encode(y), [z[k : k + 1] for z in latent])
        assert torch.allclose(together[k], alone[0], atol=1e-5)


def test_every_level_has_several_noise_values_a_pixel_of_its_own():
    latent = unet().draw_latent(1, 32, 32, Rng(0, "z", [0]))
    assert [tuple(z.shape[2:]) for z in latent] == [(4, 4, 4)] * 2 + [(4, 8, 8)] * 2 + [(4, 16, 16)] * 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [{}, {"width": 64, "levels": 2, "encoder_blocks": 2, "decoder_blocks": 1}])
def test_at_initialisation_spread_and_content_are_of_one_order(sizes, seed):
    """Content: what U adds to y beyond its mean over pixels, averaged over z. Spread: its deviation over z."""
    torch.manual_seed(seed)
    arguments = {"width": 32, "levels": 3, "encoder_blocks": 2, "decoder_blocks": 1, "latent_channels": 4} | sizes
    generator, y = UNet(3, 3, **arguments), noisy(4, 64, 64, seed)
    with torch.no_grad():
        added = draw_samples(generator, y, 16, Rng(seed, "z", range(4))) - y
    content = added.mean(0).std(dim=(1, 2, 3)).mean()
    spread = added.var(0).mean().sqrt()
    assert 1 / 3 < spread / content < 3
    assert added.square().mean().sqrt() < 0.5  # and the residual does not drown y


def test_a_constant_z_is_as_strong_at_the_border_as_inside():
    stage = unet().up[0]
    for noise in stage.noise:
        entry = noise(torch.randn(1, 4, 1, 1).expand(-1, -1, 5, 6))
        assert torch.allclose(entry, entry[..., 2:3, 2:3].expand_as(entry), atol=1e-6)


def test_spread_at_the_border_is_nearly_that_inside():
    """Deviation over z in the outermost 2 of 32 pixels by that further in than 8: 0.82; 0.71 with zeros beyond z."""
    generator, y = unet(decoder_blocks=1), noisy(8)
    with torch.no_grad():
        variance = draw_samples(generator, y, 32, Rng(0, "z", range(8))).var(0).mean((0, 1))
    border = torch.ones(32, 32, dtype=torch.bool)
    border[2:-2, 2:-2] = False
    assert 0.75 < (variance[border].mean() / variance[8:-8, 8:-8].mean()).sqrt() < 1


def test_the_deterministic_twin_has_no_z_and_one_sample():
    twin, y = unet(latent_channels=0), noisy()
    assert twin.draw_latent(8, 32, 32, Rng(0, "z", range(2))) == []
    assert draw_samples(twin, y, 8, Rng(0, "z", range(2))).shape == (1, 2, 3, 32, 32)
    stochastic = sum(p.numel() for p in unet().parameters())
    z_only = sum(p.numel() for part in (*(stage.noise for stage in unet().up), unet().gate) for p in part.parameters())
    assert sum(p.numel() for p in twin.parameters()) == stochastic - z_only


def test_sigma_z_zero_removes_the_spread():
    generator, y = unet(), noisy()
    latent = scale_latent(generator.draw_latent(3, 32, 32, Rng(0, "z", range(2))), 0.0)
    samples = generator.decode(generator.encode(y), latent)
    assert torch.allclose(samples[0], samples[2], atol=1e-6)


def test_condition_maps_are_read():
    torch.manual_seed(0)
    generator = UNet(1, 2, width=8, levels=2)
    y = torch.rand(1, 1, 16, 16)
    latent = generator.draw_latent(1, 16, 16, Rng(0, "z", [0]))
    conditions = [torch.cat([y, torch.full_like(y, sigma)], dim=1) for sigma in (0.1, 0.3)]
    low, high = (generator.decode(generator.encode(condition), latent) for condition in conditions)
    assert low.shape == (1, 1, 1, 16, 16)
    assert not torch.allclose(low, high)


def test_all_parameters_get_a_gradient():
    generator, rng = unet(), torch.Generator().manual_seed(0)
    with torch.no_grad():  # residual branches start at 0, where their first convolution has no gradient yet
        for parameter in generator.parameters():
            parameter += 0.01 * torch.randn(parameter.shape, generator=rng)
    draw_samples(generator, noisy(), 2, Rng(0, "z", range(2))).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in generator.parameters())


@pytest.mark.parametrize(("name", "value"), [("width", 0), ("levels", 0), ("latent_channels", -1)])
def test_bad_counts_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name}.*{value}"):
        unet(**{name: value})
