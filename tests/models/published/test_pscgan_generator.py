"""The published generator: its counts, and what an explicit z promises."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pscgan.models.generator import scale_latent
from pscgan.models.layers import EqualizedConv2dOfDoubled, pad_to_multiple
from pscgan.models.published.pscgan import LATERAL_DEPTHS, PscganGenerator
from pscgan.rng import Rng

from ..drawing import draw_samples

CONF = Path(__file__).parents[3] / "conf" / "generator" / "pscgan.yaml"


def count(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def on_meta(**arguments):
    with torch.device("meta"):
        return PscganGenerator(**arguments)


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return PscganGenerator()


@pytest.fixture(scope="module")
def condition():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def draw(generator, num_samples, height=32, width=32, images=2, seed=0):
    return generator.draw_latent(num_samples, height, width, Rng(seed, "latent", range(images)))


def test_published_counts():
    meta = on_meta()
    assert count(meta) == 15_519_187
    assert count(meta.encoder) == 6_051_712
    assert count(meta.laterals) == 590_336
    assert count(meta.decoder, meta.to_image, meta.enlarge_image) == 8_877_139
    assert count(meta.to_image, meta.enlarge_image) == 4_179


def test_published_cost():
    """But for the convolutions of doubled images, which are made of fewer products."""
    meta = on_meta()
    with FlopCounterMode(display=False) as encoding:
        features = meta.encode(torch.empty(1, 3, 128, 128, device="meta"))
    with FlopCounterMode(display=False) as decoding:
        meta.decode(features, draw(meta, 1, 128, 128, images=1))
    assert encoding.get_total_flops() / 2e9 == pytest.approx(20.13, abs=0.005)
    doubled = [layer for layer in meta.decoder.modules() if isinstance(layer, EqualizedConv2dOfDoubled)]
    sides = [8 * 2**stage for stage in range(len(doubled))]  # before doubling, coarse to fine
    published = sum(layer.weight.numel() * (2 * side) ** 2 for layer, side in zip(doubled, sides, strict=True))
    ours = sum(layer.weight.numel() * 16 / 9 * (side + 1) ** 2 for layer, side in zip(doubled, sides, strict=True))
    assert (decoding.get_total_flops() / 2 + published - ours) / 1e9 == pytest.approx(10.37, abs=0.005)


def test_deterministic_twin_is_the_published_one_less_its_idle_noise_strengths():
    meta = on_meta(stochastic=False)
    convolutions = [m for m in meta.decoder.modules() if isinstance(m, nn.Conv2d)]
    assert count(meta) == 15_498_707 - sum(conv.out_channels for conv in convolutions)


def test_condition_maps_widen_only_the_first_layer():
    assert count(on_meta(condition_channels=4)) - count(on_meta()) == 128 * 9


def test_lateral_branches_apply_two_distinct_layers_to_their_depth(generator, condition):
    applied = [0] * len(LATERAL_DEPTHS)

    def add(branch):
        applied[branch] += 1

    convolutions = [(i, m) for i, b in enumerate(generator.laterals) for m in b.modules() if isinstance(m, nn.Conv2d)]
    hooks = [conv.register_forward_hook(lambda *_, i=i: add(i)) for i, conv in convolutions]
    generator.encode(condition)
    for hook in hooks:
        hook.remove()
    assert applied == [14, 12, 10, 8]
    assert [len(list(branch.parameters())) for branch in generator.laterals] == [4] * 4  # two weights, two biases


def test_noise_count_and_sizes():
    latent = draw(on_meta(), num_samples=3, height=128, width=128)
    assert sum(z[0, 0].numel() for z in latent) == 27_328
    assert [tuple(z.shape) for z in latent] == [(3, 2, 1, s, s) for s in (8, 8, 8, 16, 16, 32, 32, 64, 64, 128)]


def test_image_is_a_function_of_z(generator, condition):
    features = generator.encode(condition)
    first, again, other = (generator.decode(features, draw(generator, 1, seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert (first - other).abs().mean() > 1e-3


@pytest.mark.parametrize("index", range(10))
def test_every_map_of_z_matters(generator, condition, index):
    features, latent = generator.encode(condition[:1]), draw(generator, 1, images=1)
    changed = [-z if i == index else z for i, z in enumerate(latent)]
    assert not torch.allclose(generator.decode(features, latent), generator.decode(features, changed))


def test_one_decoding_of_k_is_k_passes(generator, condition):
    latent = draw(generator, num_samples=3)
    together = generator.decode(generator.encode(condition), latent)
    assert together.shape == (3, 2, 3, 32, 32)
    for k in range(3):
        for b in range(2):
            alone = generator.decode(generator.encode(condition[b : b + 1]), [z[k : k + 1, b : b + 1] for z in latent])
            torch.testing.assert_close(together[k, b], alone[0, 0], rtol=1e-4, atol=1e-6)


def test_samples_agree_at_temperature_zero(generator, condition):
    samples = generator.decode(generator.encode(condition), scale_latent(draw(generator, 2), 0.0))
    torch.testing.assert_close(samples[0], samples[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(37, 50), (5, 3)])
def test_any_size_is_the_crop_of_the_padded_image(generator, height, width):
    condition = torch.rand(1, 3, height, width)
    latent = draw(generator, 1, height, width, images=1)
    image = generator.decode(generator.encode(condition), latent)
    padded = generator.decode(generator.encode(pad_to_multiple(condition, 16)), latent)
    assert image.shape == (1, 1, 3, height, width)
    assert torch.equal(image, padded[..., :height, :width])


def test_deterministic_twin_draws_nothing_and_gives_one_image(condition):
    twin = PscganGenerator(stochastic=False)
    first, second = (draw_samples(twin, condition, 4, Rng(seed, "latent", range(2))) for seed in (0, 1))
    assert first.shape == (1, 2, 3, 32, 32)
    assert torch.equal(first, second)


def test_gradient_reaches_every_parameter(condition):
    generator = PscganGenerator()
    generator.decode(generator.encode(condition), draw(generator, 1)).square().sum().backward()
    idle = [name for name, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@pytest.mark.parametrize(
    ("spoil", "received"),
    [
        (lambda z: [], "none"),
        (lambda z: z[:-1], "3 of 2 x 2, 2 of 4 x 4, 2 of 8 x 8, 2 of 16 x 16"),
        (lambda z: [m[..., 1:] for m in z], "3 of 2 x 1, 2 of 4 x 3, 2 of 8 x 7, 2 of 16 x 15, 1 of 32 x 31"),
    ],
)
def test_foreign_latent_is_refused(generator, condition, spoil, received):
    allowed = "3 of 2 x 2, 2 of 4 x 4, 2 of 8 x 8, 2 of 16 x 16, 1 of 32 x 32"
    with pytest.raises(ValueError, match=f"latent.*{allowed}.*32 x 32.*{received}"):
        generator.decode(generator.encode(condition), spoil(draw(generator, 1)))


def test_yaml_builds_the_published_network():
    with torch.device("meta"):
        built = instantiate(OmegaConf.load(CONF), image_channels=3, condition_channels=3)
    assert count(built) == 15_519_187
