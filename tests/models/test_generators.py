"""What every generator promises beside its shapes."""

import pickle
from copy import deepcopy
from functools import partial

import pytest
import torch

from pscgan.models.autoencoder import Autoencoder
from pscgan.models.dcgan import DcganGenerator
from pscgan.models.generator import draw_maps, is_deterministic, latent_strides
from pscgan.models.pointwise import PointwiseGenerator
from pscgan.models.preconditioned import Preconditioned
from pscgan.models.published.pscgan import PscganGenerator
from pscgan.models.published.rrdb import RrdbGenerator
from pscgan.models.unet import UNet
from pscgan.models.unfolded import Unfolded
from pscgan.rng import Rng

from ..torch_defaults import OTHERS, torch_default
from .drawing import draw_samples


class Told(Unfolded):
    """With a data step that sees a pixel alone."""

    def encode(self, condition, data_step=None):
        return super().encode(condition, lambda x, beta: (x + condition[:, :3]) / 2)


GENERATORS = {
    "unet": lambda: UNet(3, 3, width=8, levels=3, decoder_blocks=2),
    "pscgan": PscganGenerator,
    "rrdb": lambda: RrdbGenerator(blocks=1, width=8, growth=4),
    "pointwise": lambda: PointwiseGenerator(3, 3, width=8),
    "autoencoder": lambda: Autoencoder(3, 3, width=8),
    "dcgan": lambda: DcganGenerator(3, 3, 16, width=4),
    "preconditioned": lambda: Preconditioned(2, 3, partial(UNet, width=8, levels=3, decoder_blocks=2)),
    "unfolded": lambda: Told(3, 3, rounds=2, width=8, levels=2),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_every_map_of_z_has_a_whole_number_of_values_in_a_stride(name):
    generator = GENERATORS[name]()
    latent = generator.draw_latent(
        1, 3 * generator.stride, 5 * generator.stride - generator.stride // 2, Rng(0, "z", [0])
    )
    strides = latent_strides(generator)
    sides = [(3 * generator.stride // s, 5 * generator.stride // s) for s in strides]
    assert [tuple(z.shape[-2:]) for z in latent] == sides


@pytest.mark.parametrize("name", ["unet", "rrdb", "pointwise", "preconditioned", "autoencoder", "dcgan", "unfolded"])
@torch.no_grad()
def test_a_window_at_multiples_of_the_stride_is_seen_as_in_the_image(name):
    """Far from the border of the window, further than the network sees."""
    torch.manual_seed(0)
    generator = GENERATORS[name]().eval()
    stride = generator.stride
    y = torch.rand(1, 3, 240, 240)
    latent = generator.draw_latent(1, 240, 240, Rng(0, "z", [0]))
    whole = generator.decode(generator.encode(y), latent)
    top, size = stride, 240 - 2 * stride
    crops = [
        z[..., top // s : (top + size) // s, top // s : (top + size) // s]
        for z, s in zip(latent, latent_strides(generator), strict=True)
    ]
    window = generator.decode(generator.encode(y[..., top : top + size, top : top + size]), crops)
    far = slice(size // 2 - 8, size // 2 + 8)
    assert torch.allclose(window[..., far, far], whole[..., top:, top:][..., far, far], atol=1e-5)


@pytest.mark.parametrize("other", OTHERS, ids=str)
@pytest.mark.parametrize("name", GENERATORS)
@torch.no_grad()
def test_neither_a_copy_nor_defaults_of_torch_change_its_samples(name, other):
    generator = GENERATORS[name]().eval()
    side = 2 * generator.stride
    y = torch.rand(1, 3, side, side)
    expected = draw_samples(generator, y, 2, Rng(0, "z", [0]))
    with torch_default(other):
        assert torch.equal(draw_samples(generator, y, 2, Rng(0, "z", [0])), expected)
    for copied in (pickle.loads(pickle.dumps(generator)), deepcopy(generator)):
        assert torch.equal(draw_samples(copied, y, 2, Rng(0, "z", [0])), expected)


@pytest.mark.parametrize("name", GENERATORS)
def test_z_is_one_draw_an_image_however_many_maps(name):
    """A launch of a kernel for each map and image costs a GPU more than the numbers."""
    generator, rng, draws = GENERATORS[name](), Rng(0, "z", range(2)), []
    draw = rng.randn
    rng.randn = lambda *shape: draws.append(shape) or draw(*shape)
    latent = generator.draw_latent(3, 32, 32, rng)
    assert len(draws) == 1
    assert {z.shape[:2] for z in latent} == {(3, 2)}


def test_maps_drawn_together_are_standard_normal_and_a_function_of_the_image_alone():
    sizes = [(4, 2, 3), (1, 1, 1), (2, 64, 64)]
    three, last = (draw_maps(sizes, 5, Rng(0, "z", numbers)) for numbers in (range(3), [2]))
    for size, z, alone in zip(sizes, three, last, strict=True):
        assert z.shape == (5, 3, *size)
        assert torch.equal(z[:, 2:], alone)
    assert three[2].mean().abs() < 0.02
    assert three[2].std().item() == pytest.approx(1, abs=0.02)
    assert not torch.equal(three[2][0, 0], three[2][1, 0])
    assert draw_maps([], 5, Rng(0, "z", [0])) == []


@pytest.mark.parametrize("name", GENERATORS)
def test_foreign_latent_is_refused(name):
    generator = GENERATORS[name]()
    latent = generator.draw_latent(1, 32, 32, Rng(0, "z", [0]))
    features = generator.encode(torch.rand(1, 3, 32, 32))
    for foreign in ([], latent[:-1], [z[..., 1:] for z in latent]):
        with pytest.raises(ValueError, match="latent"):
            generator.decode(features, foreign)
    assert not is_deterministic(generator)
