"""Perceptual distances: golden numbers of the originals, independent implementations, and refusals by name."""

from pathlib import Path

import pytest
import torch
import torchvision
from hydra.utils import instantiate
from omegaconf import OmegaConf

from pscgan.data.sources.image_source import ImageSource
from pscgan.models.features.perceptual import Dists, Lpips
from pscgan.models.features.st_lpips import BlurPool, StLpips

CONF = Path(__file__).parents[3] / "conf" / "perceptual"
GOLDEN = [0.6906484961509705, 0.0035759208258241415, 0.0001166882284451276, 0.17432259023189545]
NAMES = ("st_lpips", "lpips", "dists")


def trunk_file(folder, network):
    """Random weights under torchvision's names, scaled so that all taps are alive; the classifier is 0."""
    with torch.device("meta"):
        shapes = torchvision.models.get_model(network, weights=None).state_dict()
    rng = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(value.shape, generator=rng) * (2 / max(value[0].numel(), 1)) ** 0.5
        if name.startswith("features.")
        else torch.zeros(1).expand(value.shape)
        for name, value in shapes.items()
    }
    torch.save(state, folder / f"{network}.pth")
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


def taps_of(network, path, places, x):
    """Activations behind some modules of a network of torchvision with the weights of a file."""
    with torch.device("meta"):
        features = torchvision.models.get_model(network, weights=None).features
    state = {n.removeprefix("features."): v for n, v in torch.load(path).items() if n.startswith("features.")}
    features.to_empty(device="cpu").load_state_dict(state)
    taps = []
    for place, module in enumerate(features):
        x = module(x.clone())
        if place in places:
            taps.append(x.clone())
    return taps


@torch.no_grad()
def test_lpips_by_its_formula_on_the_weights_of_the_file(distances, photograph, tmp_path):
    """Σ_l mean over places of Σ_c w_lc (difference of unit activations)²; the learned w are torchmetrics' own."""
    path, other = trunk_file(tmp_path, "alexnet"), photograph.flip(-1)
    shift, scale = (torch.tensor(v).view(1, 3, 1, 1) for v in ((-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)))
    pairs = [
        [
            tap / tap.norm(dim=1, keepdim=True).clamp_min(1e-9)
            for tap in taps_of("alexnet", path, (1, 4, 7, 9, 11), (2 * images - 1 - shift) / scale)
        ]
        for images in (photograph, other)
    ]
    heads = [head for name, head in distances["lpips"].metric.named_parameters() if name.startswith("net.lin")][:5]
    terms = zip(heads, *pairs, strict=True)
    expected = sum((head * (a - b).square()).sum(1).mean() for head, a, b in terms)
    assert float(distances["lpips"](photograph, other)) == pytest.approx(float(expected), rel=1e-3)
    assert float(expected) > 1e-4
    assert min(float(head.min()) for head in heads) >= 0


def test_a_batch_is_forgotten_and_the_cache_of_torch_hub_is_left_alone(distances, photograph, tmp_path):
    folder = torch.hub.get_dir()
    lpips = distances["lpips"]
    one = lpips(photograph, photograph.flip(-1))
    lpips(photograph, 0.5 * photograph)
    assert torch.equal(lpips(photograph, photograph.flip(-1)), one)
    assert lpips.metric.all_scores == []
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    Lpips(str(trunk_file(tmp_path, "alexnet")))
    assert torch.rand(1) == expected
    assert torch.hub.get_dir() == folder


@pytest.mark.parametrize("name", NAMES)
def test_it_is_zero_of_equal_images_symmetric_and_pair_by_pair(distances, photograph, name):
    distance = distances[name]
    others = torch.cat([photograph, 0.5 * photograph, photograph.flip(-1)])
    one = distance(photograph.expand(3, -1, -1, -1), others)
    assert one.shape == (3,)
    assert one.dtype == torch.float32
    assert float(one[0]) == pytest.approx(0, abs=1e-5)
    assert one[1:].min() > 1e-4
    assert torch.allclose(distance(others, photograph.expand(3, -1, -1, -1)), one, atol=1e-6)
    assert torch.allclose(distance(photograph, others[2:]), one[2:], atol=1e-6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(distance(photograph.expand(3, -1, -1, -1), others), one)


@pytest.mark.parametrize("name", NAMES)
def test_images_that_do_not_fit_are_refused(distances, name):
    distance = distances[name]
    least = distance.min_size
    assert distance(torch.rand(1, 1, least, least + 1), torch.rand(1, 1, least, least + 1)).isfinite()
    small = torch.rand(1, 3, 40, least - 1)
    with pytest.raises(ValueError, match=f"{least}, got 40 x {least - 1}"):
        distance(small, small)
    with pytest.raises(ValueError, match="one shape"):
        distance(torch.rand(1, 3, 40, 40), torch.rand(2, 3, 40, 40))
    with pytest.raises(ValueError, match=r"\(3, 40, 40\) of torch.float32"):
        distance(torch.rand(3, 40, 40), torch.rand(3, 40, 40))
    with pytest.raises(ValueError, match="C of 1 or 3"):
        distance(torch.rand(1, 2, 40, 40), torch.rand(1, 2, 40, 40))


@pytest.mark.parametrize(("kind", "network"), [(Lpips, "alexnet"), (Dists, "vgg16")])
def test_absent_weights_say_how_to_get_them(kind, network, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=rf"{network}.*none\.pth"):
        kind(str(tmp_path / "none.pth"))
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match=r"wrong\.pth.*missing: "):
        kind(str(tmp_path / "wrong.pth"))

    def no_route(*_, **__):
        raise OSError("no route\nmore")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", no_route)
    with pytest.raises(ValueError, match=rf"{network}.*\(no route\)"):
        kind()


def test_an_absent_package_is_named(monkeypatch):
    monkeypatch.setattr("pscgan.models.features.weights.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"stlpips_pytorch.*pscgan\[evaluate\]"):
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
