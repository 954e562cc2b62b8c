"""``pscgan synthesise``: what is written, which image is which, and mistakes that are named before any work."""

import json

import numpy as np
import pytest
from PIL import Image

from pscgan.scripts.synthesise import main
from pscgan.train.inference.denoiser import TrainedDenoiser

from ..train.export.exporting import NOISE, exported

RANGE = {"_target_": NOISE, "sigma": [0.5, 1020], "draw": "log"}


@pytest.fixture
def denoiser(tmp_path):
    return exported(tmp_path, degradation=RANGE, maps=1, latent_channels=0)


def synthesise(denoiser, out, *arguments):
    main([str(denoiser), "--out", str(out), "--device", "cpu", *map(str, arguments)])


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_what_is_written(denoiser, tmp_path, capfd):
    out = tmp_path / "new/out"
    synthesise(denoiser, out, "--rule", "simoncelli", "--count", 3, "--size", "24x32", "--seed", 5)
    said = capfd.readouterr()
    assert "56 calls of the denoiser on 10 images of 24 x 32, about" in said.err
    assert said.out == f"{out}\n"
    images = ["00001.png", "00002.png", "00003.png"]
    assert sorted(path.name for path in out.iterdir()) == [*images, "grid.png", "synthesis.json", "way.png"]
    assert [pixels(out / name).shape for name in images] == [(24, 32, 3)] * 3
    first = pixels(out / images[0])
    assert (pixels(out / "grid.png")[0:72:3, 0:96:3] == first).all()
    way = pixels(out / "way.png")
    assert (way[0:72:3, -98:-2:3] == first).all()  # the last above
    assert (way[74:146:3, -98:-2:3] == first).all()  # and below
    found = json.loads((out / "synthesis.json").read_text())
    assert found["settings"]["beta"] == 0.5
    expected = {"rule": "simoncelli", "calls": 56, "count": 3, "size": [24, 32], "seed": 5, "sigma": [0.5, 1020.0]}
    assert {name: found[name] for name in expected} == expected
    assert found["seconds"] > 0
    assert len(found["weights"]) == 12


def test_an_image_is_that_of_its_seed_and_number(denoiser, tmp_path):
    for name, count, seed in (("a", 3, 0), ("b", 4, 0), ("c", 1, 1)):
        synthesise(denoiser, tmp_path / name, "--count", count, "--size", 64, "--seed", seed)
    for number in (1, 2, 3):
        first, second = (tmp_path / name / f"0000{number}.png" for name in "ab")
        assert first.read_bytes() == second.read_bytes()
    assert (pixels(tmp_path / "a/00001.png") != pixels(tmp_path / "c/00001.png")).any()
    assert (pixels(tmp_path / "a/00001.png") != pixels(tmp_path / "a/00002.png")).any()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rule", "anealed"], "there is no rule anealed, did you mean annealed?"),
        (["--size", 8], "height must be >= 16, got 8"),
        (["--size", "32x"], "--size must be pixels a side, as 32, or HxW, as 32x48, got 32x"),
        (["--count", 0], "--count must be >= 1, got 0"),
        (["--like", "bundled:photos", "--size", "32x48"], "--size must be that of a square with --like, got 32x48"),
        (["--like", "bundled:photos"], "count must be >= 20, got 16"),
        (["--out", "full"], "--out must be a new or empty folder, got full, which is not empty"),
    ],
)
def test_a_mistake_is_named_before_any_work(arguments, said, denoiser, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.png").touch()
    with pytest.raises(SystemExit) as ended:
        synthesise(denoiser, "out", *arguments)
    assert ended.value.code == 2
    assert capfd.readouterr().err == f"pscgan synthesise: {said}\n"
    assert not (tmp_path / "out").exists()


def test_a_denoiser_that_does_not_know_noise_that_hides_an_image_is_refused(tmp_path, capfd):
    few = exported(tmp_path, degradation={"_target_": NOISE, "sigma": [0.5, 75]}, maps=1, latent_channels=0)
    with pytest.raises(SystemExit) as ended:
        synthesise(few, tmp_path / "out")
    assert ended.value.code == 2
    assert "denoiser must be trained on sigma 1.275 to 255 or more" in capfd.readouterr().err


@pytest.mark.parametrize("existed", [False, True])
def test_an_interrupt_leaves_nothing(existed, denoiser, tmp_path, capfd, monkeypatch):
    out, calls, denoise = tmp_path / "out", [], TrainedDenoiser.denoise

    def interrupted(self, images, sigma):
        calls.append(sigma)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return denoise(self, images, sigma)

    monkeypatch.setattr(TrainedDenoiser, "denoise", interrupted)
    if existed:
        out.mkdir()
    with pytest.raises(KeyboardInterrupt):
        synthesise(denoiser, out)
    assert capfd.readouterr().err.endswith("interrupted; nothing was written\n")
    assert out.exists() == existed
    assert not existed or not list(out.iterdir())
