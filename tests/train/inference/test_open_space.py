"""Spaces by name, as ``pscgan transport`` is told them and its files record them."""

import pytest
import torch
from hydra import compose, initialize_config_module

from pscgan.data.sources.image_source import BUNDLED, ImageSource
from pscgan.models.autoencoder import Autoencoder
from pscgan.models.transport.latent_space import LatentSpace
from pscgan.train.export.export import export
from pscgan.train.inference.transport import AUTOENCODER, open_space, open_transport
from pscgan.train.run import train

from ..tiny import LIGHTNING_SAYS, OF_THE_SAMPLER, OVERRIDES
from .transports import written

pytestmark = LIGHTNING_SAYS


@torch.no_grad()
def test_the_bundled_codes_keep_what_is_seen_of_photographs():
    """Of three that were held out; 1 dB below what its card says."""
    space, source = open_space(AUTOENCODER), ImageSource(BUNDLED)
    images = torch.stack([source.read(name)[:, :254, :254].float() / 255 for name in source.names[-3:]])
    shown = space.decode(space.encode(images))[..., :254, :254]
    assert -10 * (shown - images).square().mean().log10() > 36.0


def test_a_file_finds_the_bundled_codes_again_and_no_others(tmp_path):
    bundled, other = open_space(AUTOENCODER), LatentSpace(Autoencoder(3, 3, width=4).eval())
    path, foreign = (
        written(tmp_path / "dot.safetensors", space=bundled),
        written(tmp_path / "o.safetensors", space=other),
    )
    assert open_transport(path, 3).space.name == bundled.name
    with pytest.raises(ValueError, match=rf"is of the space {other.name}, got {bundled.name}"):
        open_transport(foreign, 3)
    assert open_transport(foreign, 3, other).space is other


def test_what_is_no_space_is_refused():
    with pytest.raises(ValueError, match=r"there is no space pixel, did you mean pixels\?"):
        open_space("pixel")
    with pytest.raises(ValueError, match="the space bundled:demo must be that of an autoencoder, got a UNet"):
        open_space("bundled:demo")


@torch.no_grad()
def test_a_run_and_its_export_are_one_space(tmp_path):
    tiny = [override for override in OVERRIDES if override not in OF_THE_SAMPLER]
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        train(compose("train", ["experiment=autoencoder_demo", *tiny, "images=8", f"folder={tmp_path / 'run'}"]))
    export(tmp_path / "run", tmp_path / "codes.safetensors")
    run, exported = open_space(str(tmp_path / "run")), open_space(str(tmp_path / "codes.safetensors"))
    images = torch.rand(2, 3, 21, 34)
    assert exported.name == run.name != open_space(AUTOENCODER).name
    assert torch.equal(exported.encode(images), run.encode(images))
    assert torch.equal(exported.decode(exported.encode(images)), run.decode(run.encode(images)))
