"""``pscgan adapt``: one seed one file, which everything opens; mistakes in one line, and nothing half written."""

import signal

import numpy as np
import pytest
from PIL import Image

from pscgan.data.sources.generated import page_of_text
from pscgan.scripts.adapt import main
from pscgan.train import adaptation
from pscgan.train.inference.load import load
from pscgan.train.inference.safetensors_file import read_export

from ..train.export.exporting import JPEG, exported
from .restoring import restore

SHORT = ("--images", 64, "--lr", 0.02, "--crop", 16)


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.png"
    Image.fromarray(page_of_text(0)[:, :48, :64].movedim(0, -1).numpy()).save(path)
    return path


def adapt(model, out, *arguments):
    main([str(model), "--out", str(out), "--device", "cpu", *map(str, (*SHORT, *arguments))])


def test_one_seed_is_one_file_that_restores(page, tmp_path, capfd):
    model = exported(tmp_path, latent_channels=0)
    for name, seed in (("new/a", 0), ("b", 0), ("c", 1)):
        adapt(model, tmp_path / f"{name}.safetensors", "--like", page, "--seed", seed)
    said = capfd.readouterr()
    assert said.out.splitlines()[0] == str(tmp_path / "new/a.safetensors")
    assert "the error falls from" in said.err
    first, again, other = (tmp_path / f"{name}.safetensors" for name in ("new/a", "b", "c"))
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()
    about = load(first).metadata["adapted"]
    assert (about["to"], about["noisy"], about["of"]["name"]) == (["page.png"], False, "made")
    assert about["error"] < about["error_before"]
    ended = restore(capfd, page, "--model", first, "--samples", 1, "--out", tmp_path / "restored")
    assert ended.code == 0


def test_what_lowers_no_error_leaves_the_weights_and_says_so(tmp_path, capfd):
    model = exported(tmp_path, latent_channels=0)
    np.save(tmp_path / "y.npy", np.random.default_rng(0).normal(0.5, 0.5, (48, 64, 3)))
    adapt(model, tmp_path / "a.safetensors", "--self", tmp_path / "y.npy", "--lr", 1)
    assert "the weights stay as they are" in capfd.readouterr().err
    found, expected = read_export(tmp_path / "a.safetensors")[1], read_export(model)[1]
    assert all((found[name] == expected[name]).all() for name in expected)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--like", "nowhere.png"], "root must be an existing folder"),
        (["--like", "page.png", "--self", "page.png"], "not allowed with argument"),
        ([], "one of the arguments --like --self is required"),
        (["--like", "page.png", "--out", "a.pt"], "--out must end with .safetensors, got a.pt"),
        (["--like", "page.png", "--out", "page.png.safetensors"], "--out must not be there yet"),
        (["--like", "page.png", "--sigma", 20], "--sigma goes with --self, which is not given"),
        (["--like", "page.png", "--images", 100], "images must be a positive multiple of 32, got 100"),
        (["--like", "page.png", "--crop", 50], "48x64 pixels, too few for crop=50"),
        (["--self", "cut.png"], "--self: 100 % of the values are 0 or 255"),
        (["--self", "page.png", "--sigma", 20], "sigma must be 50 on the 0..255 scale, got 20"),
    ],
)
def test_a_mistake_is_named(arguments, said, page, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.png.safetensors").touch()
    Image.new("RGB", (64, 48), (255, 0, 0)).save("cut.png")
    with pytest.raises(SystemExit) as ended:
        adapt(exported(tmp_path, latent_channels=0), "out.safetensors", *arguments)
    line = capfd.readouterr().err
    assert (ended.value.code, line.count("\n")) == (2, 1)
    assert said in line
    assert not (tmp_path / "out.safetensors").exists()


def test_another_degradation_is_named(page, tmp_path, capfd):
    with pytest.raises(SystemExit):
        adapt(exported(tmp_path, degradation=JPEG, maps=3), tmp_path / "out.safetensors", "--self", page)
    assert "need a model of GaussianNoise, got one of Jpeg" in capfd.readouterr().err


def test_interrupted_it_leaves_nothing(page, tmp_path, capfd, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt(signal.SIGINT)

    monkeypatch.setattr(adaptation, "random_crop", interrupt)
    model = exported(tmp_path, latent_channels=0)
    with pytest.raises(KeyboardInterrupt):
        adapt(model, tmp_path / "new/a.safetensors", "--like", page)
    assert "nothing was written" in capfd.readouterr().err
    assert not (tmp_path / "new").exists()
