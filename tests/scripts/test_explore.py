"""What is shown is what pscgan restore writes, and what is said of it is true."""

import math
import re

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.rng import Rng
from pscgan.train.inference.load import load

from ..data.jpeg.makers import by_pillow, picture
from ..data.pictures import noise, png_16
from ..train.inference.transports import written
from .exploring import ask, client_of, encoded, make_models, pixels, png, upload
from .restoring import count_differences, report, restore


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return make_models(tmp_path_factory)


@pytest.fixture
def client(models):
    return client_of(models["noise"])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """By model, a picture that it restores."""
    folder = tmp_path_factory.mktemp("files")
    Image.fromarray(picture((600, 40), 12)).save(folder / "noise.png", icc_profile=b"profile")
    (folder / "range.png").write_bytes(png_16(noise(40, 37, depth=np.uint16)))
    Image.fromarray(picture((140, 30))).save(folder / "small.png")  # enlarged, of two tiles
    by_pillow(folder / "jpeg.jpg", picture((75, 50), 12), quality=10)
    return {path.stem: path for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "degrade"),
    [("noise", False), ("range", False), ("jpeg", False), ("noise", True), ("small", False), ("small", True)],
)
def test_what_is_shown_is_what_restore_writes(name, degrade, models, files, tmp_path, capfd):
    arguments = ["--samples", 2, "--average", 3, "--seed", 7, "--sigma-z", 0.8, *["--degrade"][: int(degrade)]]
    ended = restore(capfd, files[name], "--model", models[name], "--out", tmp_path, *arguments)
    assert ended.code == 0, ended.err
    client = client_of(models[name])
    asked = {"picture": upload(client, files[name].read_bytes()), "seed": 7, "sigma_z": 0.8, "degrade": degrade}
    shown = ask(client, **asked, sample=2, average=3)
    written = {part: (tmp_path / f"{name}_{part}.png").read_bytes() for part in ("sample1", "sample2", "mean", "std")}
    assert png(client, **asked, sample=2) == written["sample2"]
    assert png(client, **asked, sample=1) == written["sample1"]
    if name != "range":  # of 16 bits, which the page does not show
        for part in ("sample2", "mean"):
            assert np.array_equal(shown.panes[part.removesuffix("2")], pixels(written[part])), part
    assert np.array_equal(shown.panes["std"][..., 0], pixels(written["std"]))
    (entry,) = report(tmp_path)["files"]
    assert shown.said["pane std"]["largest"] == pytest.approx(entry["std"]["grey_levels_at_255"])
    assert f"{entry['samples'][1]['psnr_to_input']:.2f} dB to the input" in shown.said["sample"]["words"]
    assert f"{entry['mean']['psnr_to_input']:.2f} dB to the input" in shown.said["mean"]["words"]


@pytest.fixture(scope="module")
def transport(tmp_path_factory):
    """The file of one that draws what restored patches lack, so that seed and number of a sample count."""
    return written(tmp_path_factory.mktemp("transport") / "dot.safetensors", still=True)


@pytest.mark.parametrize(
    ("model", "file"), [("noise", "noise"), ("jpeg", "jpeg"), ("small", "small"), ("deterministic", "noise")]
)
def test_what_is_transported_is_what_restore_writes(model, file, models, files, transport, tmp_path, capfd):
    count = 1 if model == "deterministic" else 2
    arguments = ["--samples", count, "--seed", 7, "--transport", transport, "--alpha", 0.3]
    ended = restore(capfd, files[file], "--model", models[model], "--out", tmp_path, *arguments)
    assert ended.code == 0, ended.err
    client = client_of(models[model], transport=transport)
    asked = {"picture": upload(client, files[file].read_bytes()), "seed": 7, "sample": count, "average": count}
    moved = ask(client, **asked, alpha=0.3)
    assert png(client, **asked, alpha=0.3) == (tmp_path / f"{file}_sample{count}.png").read_bytes()
    assert "at α = 0.3" in moved.said["sample"]["words"]
    if count > 1:
        for part in ("mean", "std"):
            assert np.array_equal(np.squeeze(moved.panes[part]), pixels((tmp_path / f"{file}_{part}.png").read_bytes()))
        assert "at α = 0.3" in moved.said["mean"]["words"]
    without = client_of(models[model])
    own = png(without, upload(without, files[file].read_bytes()), seed=7, sample=count)
    assert png(client, **asked) == own != png(client, **asked, alpha=0.3)


def test_another_alpha_is_that_of_a_fresh_page(models, files, transport):
    """Features stay, and nothing else that was drawn for another α."""
    client, fresh = (client_of(models["noise"], transport=transport) for _ in range(2))
    names = [upload(one, files["noise"].read_bytes()) for one in (client, fresh)]
    ask(client, names[0], alpha=0, average=3)
    found, expected = (ask(*one, alpha=-0.5, average=3).panes for one in zip((client, fresh), names, strict=True))
    for part in ("sample", "mean", "std"):
        assert np.array_equal(found[part], expected[part])


def test_alpha_needs_a_transport(client):
    name = upload(client, encoded(noise(40, 48)))
    assert ask(client, name, alpha=0.3).said["error"]["error"] == "alpha must be 1 where no transport is given, got 0.3"


def test_pictures_of_16_bits_are_shown_in_8_and_saved_in_16(models, files):
    client = client_of(models["range"])
    shown = ask(client, (name := upload(client, files["range"].read_bytes())))
    deep = noise(40, 37, depth=np.uint16)
    assert np.array_equal(shown.panes["y"], np.round(deep / 257).astype(np.uint8))
    assert png(client, name)[24] == 16  # bits a sample


def test_y_and_x_are_shown_as_they_are(client):
    clean = noise(40, 48)
    name = upload(client, encoded(clean))
    given = ask(client, name)
    assert np.array_equal(given.panes["y"], clean)
    assert "x" not in given.panes
    degraded = ask(client, name, degrade=True)
    assert np.array_equal(degraded.panes["x"], clean)
    assert not np.array_equal(degraded.panes["y"], clean)


@pytest.mark.parametrize("alpha", [1, 0.3])
def test_the_ends_of_the_way_are_the_samples(alpha, models, transport):
    client = client_of(models["noise"], transport=transport)
    name = upload(client, encoded(noise(40, 48)))
    first, second = (png(client, name, sample=k, alpha=alpha) for k in (4, 9))
    way = [png(client, name, sample=4, other=9, share=share, alpha=alpha) for share in (0, 1 / 3, 1)]
    assert (way[0], way[2]) == (first, second)
    assert len({*way}) == 3
    near = [np.square(pixels(way[1]).astype(float) - pixels(end)).mean() for end in (first, second)]
    assert near[0] < near[1]


def test_without_z_all_samples_are_one(client):
    name = upload(client, encoded(noise(40, 48)))
    assert len({png(client, name, sample=k, sigma_z=0) for k in (1, 2, 3)}) == 1
    assert not ask(client, name, sigma_z=0, average=4).panes["std"].any()


def test_the_mean_of_one_is_the_sample(client):
    shown = ask(client, upload(client, encoded(noise(40, 48))), average=1, degrade=True)
    assert np.array_equal(shown.panes["mean"], shown.panes["sample"])
    assert not shown.panes["std"].any()
    assert "gained" not in shown.said["mean"]["words"]


def test_a_mean_goes_on_from_fewer_and_begins_again_for_fewer(client):
    name = upload(client, encoded(noise(40, 48)))
    fresh = {n: ask(client, name, seed=1, average=n) for n in (5, 2)}  # downwards: each from the first sample
    assert fresh[5].kinds.count("progress") == 5
    more = ask(client, name, seed=1, average=5)
    assert more.kinds.count("progress") == 3
    for part in ("mean", "std"):
        assert np.array_equal(more.panes[part], fresh[5].panes[part])


def test_the_gain_is_that_of_the_same_samples_in_code(models, client):
    clean = noise(64, 48)
    name = upload(client, encoded(clean))
    words = ask(client, name, degrade=True, seed=3, average=4).said["mean"]["words"]
    sampler = load(models["noise"])
    x = torch.from_numpy(clean / 255).movedim(-1, 0)[None]
    samples = sampler.sample(sampler.degradation(x.float(), Rng(3, "degrade", [0])), 4, seed=3)
    of_one, of_mean = ((images - x).square().mean() for images in (samples, samples.mean(dim=0)))
    gain = 10 * math.log10(of_one / of_mean)
    assert float(re.search(r"gained ([\d.]+) dB", words).group(1)) == pytest.approx(gain, abs=0.006)
    assert f"4 samples of an exact sampler gain {10 * np.log10(8 / 5):.2f} dB" in words
    other = ask(client, name, degrade=True, seed=3, average=4, sigma_z=0.5).said["mean"]["words"]
    assert "exact sampler" not in other


def test_panes_that_the_page_holds_are_not_sent_again(client):
    name = upload(client, encoded(noise(40, 48)))
    first = ask(client, name, average=2)
    held = [first.said[f"pane {part}"]["key"] for part in ("y", "sample", "mean", "std")]
    again = ask(client, name, average=2, held=held)
    assert again.panes == {}
    assert all(again.said[kind] == first.said[kind] for kind in ("picture", "sample", "mean"))
    assert ask(client, name, average=2, sample=2, held=held).panes.keys() == {"sample"}
    assert ask(client, name, average=2, sigma_z=0.5, held=held).panes.keys() == {"sample", "mean", "std"}


def test_the_certificate_is_what_other_encoders_count(models, files, tmp_path):
    client = client_of(models["jpeg"])
    name = upload(client, files["jpeg"].read_bytes())
    shown = ask(client, name, sample=3)
    (tmp_path / "sample.png").write_bytes(png(client, name, sample=3))
    counted = count_differences(files["jpeg"], tmp_path / "sample.png", tmp_path / "again.jpg")
    assert counted["levels_wrong"] == 0
    assert shown.said["sample"]["exact"]
    words = shown.said["sample"]["proof"]
    assert f"Blocks {counted['blocks']} of {counted['blocks']} exact" in words
    assert f"levels {counted['levels']:,} of {counted['levels']:,} exact" in words


def test_the_noise_may_be_told_where_the_model_knows_several(models, client):
    many = client_of(models["range"])
    name = upload(many, encoded(noise(40, 48)))
    assert ask(many, name, sigma=25).said["picture"]["facts"]["sigma"] == 25
    assert "sigma must be a number from 5 to 60" in ask(many, name, sigma=61).said["error"]["error"]
    other = upload(client, encoded(noise(40, 48)))
    assert "sigma must be 50" in ask(client, other, sigma=25).said["error"]["error"]


def test_a_deterministic_model_has_one_restoration(models):
    client = client_of(models["deterministic"])
    name = upload(client, encoded(noise(40, 48)))
    assert ask(client, name, degrade=True).panes.keys() == {"y", "x", "sample"}
    for wrong in ({"average": 2}, {"sample": 2}, {"share": 0.5}):
        assert "the model is deterministic" in ask(client, name, **wrong).said["error"]["error"]


@pytest.mark.parametrize("model", ["noise", "grey", "jpeg"])
def test_the_bundled_photograph_suits_every_model(models, model):
    client = client_of(models[model], max_pixels=10**6)
    shown = ask(client, client.post("/bundled").json()["picture"], degrade=True)
    assert "error" not in shown.said
    assert shown.panes["x"].shape == (360, 640, 1 if model == "grey" else 3)
