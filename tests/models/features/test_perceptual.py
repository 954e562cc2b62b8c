"""Perceptual distances: golden numbers of the originals, independent implementations, and refusals by name."""

from pathlib import Path

import pytest
import torch
import torchvision
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torchmetrics.functional.image.dists import DISTSNetwork
from torchmetrics.functional.image.lpips import _LPIPS

from pscgan.data.sources.image_source import ImageSource
from pscgan.models.features.perceptual.blur_pool import BlurPool
from pscgan.models.features.perceptual.dists import Dists
from pscgan.models.features.perceptual.lpips import Lpips
from pscgan.models.features.perceptual.st_lpips import StLpips

CONF = Path(__file__).parents[3] / "conf" / "perceptual"
GOLDEN = [0.6906484961509705, 0.0035759208258241415, 0.0001166882284451276, 0.17432259023189545]
NAMES = ("st_lpips", "lpips", "dists")


def trunk_file(folder, network):
    """Random weights under torchvision's names, of convolutions alone, scaled so that all taps are alive."""
    with torch.device("meta"):
        shapes = torchvision.models.get_model(network, weights=None).features.state_dict()
    rng = torch.Generator().manual_seed(0)
    state = {
        f"features.{name}": torch.randn(value.shape, generator=rng) * (2 / max(value[0].numel(), 1)) ** 0.5
        for name, value in shapes.items()
    }
    torch.save(state | {"classifier.bias": torch.zeros(1)}, folder / f"{network}.pth")
    return folder / f"{network}.pth"


@pytest.fixture(scope="module")
def distances(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trunks")
    return {
        "st_lpips": StLpips(),
        "lpips": Lpips(str(trunk_file(folder, "alexnet"))),
        "dists": Dists(str(trunk_file(folder, "vgg16"))),
    }


@pytest.fixture(scope="module")
def photograph():
    source = ImageSource("bundled:photos")
    return source.read("Bridge_by_Sander_Klootwijk.webp")[:, 200:264, 200:296].float()[None] / 255


def test_st_lpips_equals_the_original(distances, photograph):
    """Numbers of stlpips_pytorch 0.0.2, LPIPS(net="alex", variant="shift_tolerant"), run once beside ours."""
    changed = (1 - photograph, photograph.flip(-1), photograph.roll(1, -1), 0.5 * photograph)
    found = [float(distances["st_lpips"](photograph, other)) for other in changed]
    assert found == pytest.approx(GOLDEN, rel=1e-4)


def test_the_blur_is_binomial_and_keeps_what_is_constant():
    pool = BlurPool(2)
    flat = torch.stack([torch.full((9, 12), 0.3), torch.full((9, 12), -2.0)])[None]
    assert torch.allclose(pool(flat), flat[..., :6, :7])
    impulse = torch.zeros(1, 2, 9, 9)
    impulse[0, 1, 4, 4] = 16
    expected = torch.zeros(1, 2, 6, 6)
    # the first output sits one pixel outside, so an even place lies between two outputs in each direction
    expected[0, 1, 2:4, 2:4] = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    assert torch.equal(pool(impulse), expected)
    impulse = impulse.roll((1, 1), (2, 3))
    expected = torch.zeros(1, 2, 6, 6)
    expected[0, 1, 3, 3] = 4
    assert torch.equal(pool(impulse), expected)


def test_a_shift_costs_shift_tolerant_lpips_little(distances, photograph):
    shift = distances["st_lpips"](photograph[..., :-1], photograph[..., 1:])
    noise = photograph + 0.05 * torch.randn(photograph.shape, generator=torch.Generator().manual_seed(0))
    assert shift < 0.1 * distances["st_lpips"](noise, photograph)


def test_lpips_equals_torchmetrics(distances, photograph):
    reference = _LPIPS(net="alex", pnet_rand=True)
    for name, value in distances["lpips"].distance.stages.state_dict().items():
        stage, place, kind = name.split(".")
        convolutions = [m for m in reference.net.get_submodule(f"slice{int(stage) + 1}") if hasattr(m, "weight")]
        assert len(convolutions) == 1
        assert place
        getattr(convolutions[0], kind).data.copy_(value)
    other = photograph.flip(-1)
    expected = reference(photograph, other, normalize=True)
    assert float(distances["lpips"](photograph, other)) == pytest.approx(float(expected), rel=1e-4)
    assert float(expected) > 1e-4


def test_dists_equals_torchmetrics(distances, photograph, monkeypatch):
    ours = distances["dists"]
    trunk = torch.nn.Module()
    with torch.device("meta"):
        trunk.features = torchvision.models.vgg16(weights=None).features
    trunk.features.to_empty(device="cpu")
    convolutions = [module for module in trunk.features if isinstance(module, torch.nn.Conv2d)]
    values = iter(ours.stages.state_dict().values())
    for module in convolutions:
        module.weight.data.copy_(next(values))
        module.bias.data.copy_(next(values))
    monkeypatch.setattr("torchmetrics.functional.image.dists.vgg16", lambda **_: trunk)
    pair = torch.cat([photograph, photograph.flip(-2)]), torch.cat([photograph.flip(-1), photograph])
    expected = DISTSNetwork().double()(*(images.double() for images in pair))
    assert torch.allclose(ours(*pair).double(), expected, rtol=1e-4, atol=1e-6)
    assert expected.min() > 0.01


@pytest.mark.parametrize("name", NAMES)
def test_it_is_zero_of_equal_images_symmetric_and_pair_by_pair(distances, photograph, name):
    distance = distances[name]
    others = torch.cat([photograph, 0.5 * photograph, photograph.flip(-1)])
    one = distance(photograph.expand(3, -1, -1, -1), others)
    assert one.shape == (3,)
    assert one.dtype == torch.float32
    assert float(one[0]) == pytest.approx(0, abs=1e-6)
    assert one[1:].min() > 1e-4
    assert torch.allclose(distance(others, photograph.expand(3, -1, -1, -1)), one, atol=1e-6)
    assert torch.allclose(distance(photograph, others[2:]), one[2:], atol=1e-6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(distance(photograph.expand(3, -1, -1, -1), others), one)


@pytest.mark.parametrize("name", NAMES)
def test_images_that_do_not_fit_are_refused(distances, name):
    distance = distances[name]
    least = distance.least_side
    assert distance(torch.rand(1, 1, least, least + 1), torch.rand(1, 1, least, least + 1)).isfinite()
    small = torch.rand(1, 3, 40, least - 1)
    with pytest.raises(ValueError, match=f"images are 40 x {least - 1}; allowed are sides of at least {least}"):
        distance(small, small)
    with pytest.raises(ValueError, match="allowed are pairs of one shape"):
        distance(torch.rand(1, 3, 40, 40), torch.rand(2, 3, 40, 40))
    with pytest.raises(ValueError, match=r"images are \(3, 40, 40\) of torch.float32; allowed are floats"):
        distance(torch.rand(3, 40, 40), torch.rand(3, 40, 40))
    with pytest.raises(ValueError, match="C of 1 or 3"):
        distance(torch.rand(1, 2, 40, 40), torch.rand(1, 2, 40, 40))


@pytest.mark.parametrize(("kind", "network"), [(Lpips, "alexnet"), (Dists, "vgg16")])
def test_absent_weights_say_how_to_get_them(kind, network, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=f"the path of the state dict of torchvision's {network}"):
        kind(str(tmp_path / "none.pth"))
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match=r"wrong.pth do not fit Sequential; missing: "):
        kind(str(tmp_path / "wrong.pth"))

    def no_route(*_, **__):
        raise OSError("no route\nmore")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", no_route)
    with pytest.raises(
        ValueError, match=rf"weights of {network} cannot be had from the hub \(no route\); give weights="
    ):
        kind()


def test_an_absent_package_is_named(monkeypatch):
    monkeypatch.setattr("pscgan.models.features.perceptual.st_lpips.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"stlpips_pytorch is not installed; pip install .pscgan\[perceptual\]"):
        StLpips()


@pytest.mark.parametrize("name", NAMES)
def test_every_option_builds(distances, name, tmp_path):
    part = OmegaConf.load(CONF / f"{name}.yaml")[name]
    if "weights" in part:  # no test downloads
        part.weights = str(trunk_file(tmp_path, {"lpips": "alexnet", "dists": "vgg16"}[name]))
    built = instantiate(part)
    assert built.identity.split("sha256")[1] == distances[name].identity.split("sha256")[1]
    assert {path.stem for path in CONF.glob("*.yaml")} == set(NAMES)
    assert (CONF / f"{name}.yaml").read_text().startswith("# ")
