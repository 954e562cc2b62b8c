"""The generator of the JPEG ancestor: its counts, its blocks, and what an explicit z promises."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from pscgan.models.generator import scale_latent
from pscgan.models.layers import pad_to_multiple
from pscgan.models.published.rrdb import DenseBlock, ResidualInResidual, RrdbGenerator
from pscgan.rng import Rng

from ..drawing import draw_samples

CONF = Path(__file__).parents[3] / "conf" / "generator" / "rrdb.yaml"


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(**arguments):
    with torch.device("meta"):
        return RrdbGenerator(**arguments)


def tiny(**arguments):
    torch.manual_seed(0)
    return RrdbGenerator(**({"blocks": 2, "width": 8, "growth": 4} | arguments))


@pytest.fixture(scope="module")
def generator():
    return tiny()


@pytest.fixture(scope="module")
def condition():
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def draw(generator, num_samples, height=16, width=16, images=2, seed=0):
    return generator.draw_latent(num_samples, height, width, Rng(seed, "latent", range(images)))


def test_published_counts():
    meta = on_meta()
    assert count(meta) == 16_844_638
    assert count(on_meta(stochastic=False)) == 16_723_907
    assert sum(name.endswith("strength") for name, _ in meta.named_parameters()) == 23 * 3 * 5 + 2


def test_published_cost():
    meta = on_meta()
    with FlopCounterMode(display=False) as counter:
        features = meta.encode(torch.empty(1, 3, 128, 128, device="meta"))
        meta.decode(features, draw(meta, 1, 128, 128, images=1))
    assert counter.get_total_flops() / 2e9 == pytest.approx(18.5, abs=0.05)


def test_noise_count_and_sizes():
    latent = draw(on_meta(), num_samples=2, height=128, width=128, images=3)
    assert len(latent) == 347
    assert sum(z[0, 0].numel() for z in latent) == 373_760
    sizes = [32] * 345 + [64, 128]
    assert [tuple(z.shape) for z in latent] == [(2, 3, 1, size, size) for size in sizes]


def test_condition_maps_widen_only_the_first_convolution():
    assert count(on_meta(condition_channels=5)) - count(on_meta()) == 2 * 4**2 * 64 * 3**2


def test_dense_blocks_start_at_a_tenth_of_the_usual_scale():
    torch.manual_seed(0)
    for layer in DenseBlock(64, 32, stochastic=True).convolutions:
        weight = layer.convolution.weight
        assert weight.std().item() == pytest.approx(0.1 * (2 / weight[0].numel()) ** 0.5, rel=0.05)
        assert not layer.convolution.bias.any()
        assert layer.strength.item() == 1


def test_a_dense_block_by_hand():
    torch.manual_seed(0)
    block, x, noise = DenseBlock(3, 2, stochastic=True), torch.randn(1, 3, 5, 5), torch.randn(5, 1, 1, 5, 5)
    with torch.no_grad():
        for i, layer in enumerate(block.convolutions):
            layer.strength.fill_(i - 2)
    weights = [(layer.convolution.weight, layer.convolution.bias) for layer in block.convolutions]
    seen = x
    for i in range(4):
        result = F.conv2d(torch.cat([seen, (i - 2) * noise[i]], dim=1), *weights[i], padding=1)
        seen = torch.cat([seen, torch.maximum(result, 0.2 * result)], dim=1)
    last = F.conv2d(torch.cat([seen, 2 * noise[4]], dim=1), *weights[4], padding=1)
    torch.testing.assert_close(block(x, list(noise)), x + 0.2 * last)


def test_residuals_are_scaled_at_both_levels():
    """Where the last convolutions give 1, a dense block adds 0.2, and the whole adds 0.2 (x + 3 * 0.2)."""
    block = ResidualInResidual(4, 2, stochastic=False)
    for dense in block.blocks:
        last = dense.convolutions[-1].convolution
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.ones_(last.bias)
    x = torch.randn(1, 4, 3, 3)
    torch.testing.assert_close(block(x, []), x + 0.2 * (x + 3 * 0.2))


def test_image_is_a_function_of_z(generator, condition):
    features = generator.encode(condition)
    first, again, other = (generator.decode(features, draw(generator, 1, seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert (first - other).abs().mean() > 1e-3


@pytest.mark.parametrize("index", range(2 * 15 + 2))
def test_every_map_of_z_matters(generator, condition, index):
    features, latent = generator.encode(condition[:1]), draw(generator, 1, images=1)
    changed = [-z if i == index else z for i, z in enumerate(latent)]
    assert not torch.equal(generator.decode(features, latent), generator.decode(features, changed))


def test_encoding_once_equals_separate_passes(generator, condition):
    latent = draw(generator, num_samples=3)
    together = generator.decode(generator.encode(condition), latent)
    assert together.shape == (3, 2, 3, 16, 16)
    for k in range(3):
        for b in range(2):
            alone = generator.decode(generator.encode(condition[b : b + 1]), [z[k : k + 1, b : b + 1] for z in latent])
            torch.testing.assert_close(together[k, b], alone[0, 0], rtol=1e-4, atol=1e-6)


def test_samples_agree_at_temperature_zero(generator, condition):
    samples = generator.decode(generator.encode(condition), scale_latent(draw(generator, 2), 0.0))
    torch.testing.assert_close(samples[0], samples[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(19, 30), (5, 3), (1, 1)])
def test_any_size_is_the_crop_of_the_padded_image(generator, height, width):
    condition = torch.rand(1, 3, height, width)
    latent = draw(generator, 1, height, width, images=1)
    image = generator.decode(generator.encode(condition), latent)
    padded = generator.decode(generator.encode(pad_to_multiple(condition, 4)), latent)
    assert image.shape == (1, 1, 3, height, width)
    assert torch.equal(image, padded[..., :height, :width])


def test_deterministic_twin_draws_nothing_and_gives_one_image(condition):
    first, second = (draw_samples(tiny(stochastic=False), condition, 4, Rng(s, "latent", range(2))) for s in (0, 1))
    assert first.shape == (1, 2, 3, 16, 16)
    assert torch.equal(first, second)


def test_gradient_reaches_every_parameter(condition):
    generator = tiny()
    generator.decode(generator.encode(condition), draw(generator, 1)).square().sum().backward()
    idle = [name for name, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@pytest.mark.parametrize(
    ("spoil", "received"),
    [
        (lambda z: [], "none"),
        (lambda z: z[1:], "29 of 4 x 4, 1 of 8 x 8, 1 of 16 x 16"),
        (lambda z: [m[..., 1:] for m in z], "30 of 4 x 3, 1 of 8 x 7, 1 of 16 x 15"),
    ],
)
def test_foreign_latent_is_refused(generator, condition, spoil, received):
    allowed = "30 of 4 x 4, 1 of 8 x 8, 1 of 16 x 16"
    with pytest.raises(ValueError, match=f"latent.*{allowed}.*16 x 16.*{received}"):
        generator.decode(generator.encode(condition), spoil(draw(generator, 1)))


@pytest.mark.parametrize("name", ["blocks", "width", "growth"])
def test_bad_counts_are_named(name):
    with pytest.raises(ValueError, match=f"{name} must be >= 1, got 0"):
        tiny(**{name: 0})


def test_yaml_builds_the_published_network():
    with torch.device("meta"):
        built = instantiate(OmegaConf.load(CONF), image_channels=3, condition_channels=3)
    assert count(built) == 16_844_638
