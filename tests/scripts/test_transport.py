"""``pscgan transport``: one seed one file, and mistakes that are named in one line; the file used by ``restore``."""

import json

import pytest
from PIL import Image

from pscgan.scripts.transport import main
from pscgan.train.inference.safetensors_file import read_export

from ..data.jpeg.makers import picture
from ..train.export.exporting import JPEG, NOISE, exported
from ..train.inference.transports import written
from .restoring import report, restore

RANGE = {"_target_": NOISE, "sigma": [5, 80]}


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, size in (("a", (60, 44)), ("b", (48, 50)), ("c", (44, 40))):
        Image.fromarray(picture(size)).save(folder / f"{name}.png")
    return folder


def transport(model, photos, out, *arguments):
    main([str(model), "--images", str(photos), "--out", str(out), "--device", "cpu", *map(str, arguments)])


def test_one_seed_is_one_file(photos, tmp_path, capfd):
    model, given = exported(tmp_path), ("--count", 5, "--crop", 40, "--patch", 3)
    transport(model, photos, tmp_path / "a.safetensors", *given)
    said = capfd.readouterr()
    assert said.out == f"{tmp_path / 'a.safetensors'}\n"
    assert said.err.startswith("pscgan transport: 5 crops in ")
    for name, seed in (("new/b", 0), ("c", 1)):
        transport(model, photos, tmp_path / f"{name}.safetensors", *given, "--seed", seed)
    transport(model, photos, tmp_path / "d.safetensors", *given, "--unpaired", "--space", "unshuffled:2")
    first, again, other, unpaired = (tmp_path / f"{name}.safetensors" for name in ("a", "new/b", "c", "d"))
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()
    about, tensors = read_export(first)
    asked = {"patch": 3, "count": 5, "crop": 40, "seed": 0, "unpaired": False, "space": "pixels", "image_channels": 3}
    assert {name: about[name] for name in asked} == asked
    assert (about["of"]["name"], len(about["of"]["weights"])) == ("made", 12)
    assert tensors["source_covariance"].shape == (27, 27)
    assert read_export(unpaired)[1]["target_covariance"].shape == (108, 108)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--count", 0], "--count must be >= 1, got 0"),
        (
            ["--count", 1, "--crop", 8, "--patch", 5],
            "more patches than the 75 values of one of 5 x 5, got 16; give more",
        ),
        (["--space", "pixel"], "there is no space pixel, did you mean pixels?"),
        (["--out", "a.pt"], "--out must end with .safetensors, got a.pt"),
        (["--out", "there.safetensors"], "--out must not be there yet, got there.safetensors"),
        (["--images", "nowhere"], "root must be an existing folder"),
        (["--sigma", 20], "sigma must be 50 on the 0..255 scale, got 20"),
    ],
)
def test_a_mistake_is_named(arguments, said, photos, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.safetensors").touch()
    with pytest.raises(SystemExit) as ended:
        transport(exported(tmp_path), photos, "out.safetensors", *arguments)
    line = capfd.readouterr().err
    assert (ended.value.code, line.count("\n")) == (2, 1)
    assert said in line
    assert not (tmp_path / "out.safetensors").exists()


def test_a_model_of_many_levels_is_told_one(photos, tmp_path):
    model = exported(tmp_path, degradation=RANGE, maps=1, latent_channels=0)
    for sigma in (10, 60):
        transport(model, photos, tmp_path / f"{sigma}.safetensors", "--patch", 3, "--sigma", sigma)
    assert read_export(tmp_path / "60.safetensors")[0]["sigma"] == 60
    assert (tmp_path / "10.safetensors").read_bytes() != (tmp_path / "60.safetensors").read_bytes()


def test_pictures_are_restored_by_it(photos, tmp_path, capfd):
    model, dot = exported(tmp_path), written(tmp_path / "dot.safetensors")
    given = (photos / "a.png", "--model", model, "--samples", 2)
    assert restore(capfd, *given, "--out", tmp_path / "plain").code == 0
    for name, alpha in (("one", ["--alpha", 1]), ("full", [])):
        assert restore(capfd, *given, "--transport", dot, *alpha, "--out", tmp_path / name).code == 0
    plain, one, full = (tmp_path / name / "a_sample2.png" for name in ("plain", "one", "full"))
    assert plain.read_bytes() == one.read_bytes()
    assert plain.read_bytes() != full.read_bytes()
    said = report(tmp_path / "full")
    assert (said["alpha"], len(said["transport_sha256"])) == (0.0, 64)
    assert said["call"] != report(tmp_path / "one")["call"] != report(tmp_path / "plain")["call"]


def test_a_file_is_still_encoded_to_its_own_levels(tmp_path, capfd):
    Image.fromarray(picture((56, 40))).save(tmp_path / "photo.jpg", quality=10)
    (tmp_path / "model").mkdir()
    model, dot = exported(tmp_path / "model", degradation=JPEG, maps=3), written(tmp_path / "dot.safetensors")
    given = (tmp_path / "photo.jpg", "--model", model, "--samples", 1, "--transport", dot)
    assert restore(capfd, *given, "--out", tmp_path / "out").code == 0
    (found,) = json.loads((tmp_path / "out/restore.jsonl").read_text())["samples"]
    assert found["levels_wrong"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--alpha", 0.5], "--alpha goes with --transport, which is not given"),
        (["--transport", "dot.safetensors", "--alpha", 3], "--alpha must be a number in [-1, 2], got 3.0"),
        (["--transport", "grey.safetensors"], "grey.safetensors is of images with 1 channels; these have 3"),
        (["--transport", "mine.safetensors"], "mine.safetensors is of the space mine, which must be given"),
        (["--transport", "made.safetensors"], "made.safetensors is no transport, which pscgan transport writes"),
        (["--transport", "photos/a.png"], "photos/a.png is"),
        (["--transport", "dot.safetensors", "--method", "pnp_hqs"], "--transport goes with --model, got --method"),
    ],
)
def test_what_does_not_go_together_is_named(arguments, said, photos, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "dot.safetensors")
    written(tmp_path / "grey.safetensors", channels=1)
    written(tmp_path / "mine.safetensors", name="mine")
    model = exported(tmp_path)
    ended = restore(capfd, photos / "a.png", "--model", model, "--out", "out", *arguments)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err
    assert not (tmp_path / "out").exists()
