"""One vector an image: the stated layer, resize and weights, and every refusal by name."""

import sys
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch.nn import functional as F
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from pscgan.models.features.extractors import Inception, PooledFeatures
from pscgan.models.features.weights import network_with_weights, weights_hash

CONF = Path(__file__).parents[3] / "conf" / "extractor"
LITE = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def lite():
    return instantiate(OmegaConf.load(CONF / "efficientnet_lite0.yaml").efficientnet_lite0)


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    """Random weights of the right shapes, with batch norms that change something."""
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: None)
        torch.manual_seed(0)
        network = FeatureExtractorInceptionV3("random", ["2048"])
    torch.save(network.state_dict(), path)
    return path


def test_efficientnet_gives_what_timm_pools_before_its_classifier(lite):
    images = torch.rand(2, 3, 60, 91, generator=torch.Generator().manual_seed(0))
    square = F.interpolate(images, (224, 224), mode="bicubic", antialias=True).clamp(0, 1)
    model = network_with_weights(LITE, "package", 0).eval()
    with torch.no_grad():
        expected = model.forward_head(model.forward_features(2 * square - 1), pre_logits=True)
    vectors = lite(images)
    assert lite.dimensions == 1280
    assert torch.allclose(vectors, expected, atol=1e-5)
    assert vectors.std(dim=0).max() > 0.01


def test_the_identity_says_network_layer_source_hash_and_resize(lite):
    whole = weights_hash(network_with_weights(LITE, "package", 0))
    assert lite.weights_hash == whole
    assert lite.identity == (
        f"{LITE} [bn2], package, sha256 {whole}, averaged over places, "
        "images resized to 224 x 224 (bicubic, antialiased, clamped, not rounded)"
    )


def test_grey_is_colour_of_three_equal_channels(lite):
    grey = torch.rand(1, 1, 50, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(lite(grey), lite(grey.expand(-1, 3, -1, -1)))


def test_vectors_are_fp32_without_gradients_also_under_autocast(lite):
    images = torch.rand(1, 3, 40, 40, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = lite(images)
    assert torch.equal(vectors, lite(images))
    assert vectors.dtype == torch.float32
    assert not vectors.requires_grad


def test_images_and_arguments_that_do_not_fit_are_refused(lite):
    with pytest.raises(ValueError, match=r"\(3, 40, 40\) of torch.float32"):
        lite(torch.rand(3, 40, 40))
    with pytest.raises(ValueError, match="C of 1 or 3"):
        lite(torch.rand(1, 2, 40, 40))
    with pytest.raises(ValueError, match=r"of torch.uint8"):
        lite(torch.zeros(1, 3, 40, 40, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"side.*0"):
        PooledFeatures(LITE, "conv_stem", "random", side=0)


def test_inception_gives_what_torch_fidelity_gives(inception_file):
    extractor = Inception(str(inception_file))
    images = torch.rand(2, 3, 50, 70, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.1
    bytes_ = (255 * images).round().clamp(0, 255).to(torch.uint8)
    (expected,) = FeatureExtractorInceptionV3("same", ["2048"], str(inception_file))(bytes_)
    vectors = extractor(images)
    assert vectors.shape == (2, extractor.dimensions)
    assert torch.equal(vectors, expected)
    assert (vectors[0] - vectors[1]).abs().max() > 0
    assert extractor.identity.startswith(
        f"inception-v3-compat [2048], {inception_file}, sha256 {extractor.weights_hash}, images rounded to 8 bits"
    )
    assert torch.equal(extractor(images[:, :1]), extractor(images[:, :1].expand(-1, 3, -1, -1)))
    with pytest.raises(ValueError, match=r"\(3, 50, 70\)"):
        extractor(images[0])


def test_inception_says_how_to_get_it(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"pt_inception-2015.*none\.pth"):
        Inception(str(tmp_path / "none.pth"))
    torch.save({"fc.bias": torch.zeros(3)}, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match="weights"):
        Inception(str(tmp_path / "wrong.pth"))
    (tmp_path / "damaged.pth").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="cannot be read as a state dict"):
        Inception(str(tmp_path / "damaged.pth"))

    def no_route(*_, **__):
        raise OSError("no route\nmore")

    monkeypatch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", no_route)
    with pytest.raises(ValueError, match=r"\(no route\)"):
        Inception()
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(ValueError, match=r"pscgan\[inception\]"):
        Inception()


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_option_builds(path, inception_file):
    part = OmegaConf.load(path)[path.stem]
    if part.weights == "hub":  # no test downloads
        part.weights = str(inception_file) if path.stem == "inception" else "random"
    extractor = instantiate(part)
    assert extractor(torch.rand(1, 3, 32, 32)).shape == (1, extractor.dimensions)
    assert extractor.weights_hash in extractor.identity
    assert path.read_text().startswith("# ")
