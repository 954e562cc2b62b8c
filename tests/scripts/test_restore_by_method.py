"""``pscgan restore --method``: pictures by a denoiser that is called many times, and mistakes that are named."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.models.unfolded import Unfolded

from ..train.export.exporting import JPEG, NOISE, exported
from ..train.tiny import LIGHTNING_SAYS, run
from .restoring import report, restore

pytestmark = LIGHTNING_SAYS
RANGE = {"_target_": NOISE, "sigma": [0.5, 1020], "draw": "log"}


@pytest.fixture
def denoiser(tmp_path):
    return exported(tmp_path, degradation=RANGE, maps=1, latent_channels=0)


@pytest.fixture
def photo(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_tiles_that_are_not_taken_are_said(photo, tmp_path, capfd):
    with torch.random.fork_rng():
        network = Unfolded(3, 3, width=4, levels=2)
    unfolded = {"_target_": "pscgan.models.unfolded.Unfolded", "width": 4, "levels": 2}
    model = exported(tmp_path, unfolded, weights=network.state_dict())
    for asked in ((), ("--tile", 64)):
        out = tmp_path / f"out{len(asked)}"
        ended = restore(capfd, photo, "--model", model, "--samples", 1, "--out", out, *asked)
        assert (ended.code, "--tile" in ended.err) == (0, bool(asked))


def by_method(capfd, denoiser, photo, out, *arguments):
    given = ("--method", "pnp_hqs", "--denoiser", denoiser, "--degradation", "blur_uniform", "--sigma", 1.4)
    return restore(capfd, photo, *given, "--out", out, *arguments)


def test_a_picture_is_restored_as_a_whole_and_its_cost_said_first(denoiser, photo, tmp_path, capfd):
    ended = by_method(capfd, denoiser, photo, tmp_path / "out")
    assert ended.code == 0
    assert "photo.png: 24 calls of the denoiser on 0.0022 megapixels, about" in ended.err
    with Image.open(tmp_path / "out/photo_sample1.png") as restored:
        assert restored.size == (56, 40)
    said = report(tmp_path / "out")
    assert said["model"]["degradation"] == "blur_uniform"
    assert said["model"]["rule"].startswith("HQS(steps=24")
    assert len(said["files"][0]["samples"]) == 1


def test_the_way_to_the_first_sample_is_y_and_eight_calls(denoiser, photo, tmp_path, capfd):
    chain = ("--method", "chain", "--degradation", "gaussian_noise", "--sigma", "30", "--samples", 2, "--way")
    assert by_method(capfd, denoiser, photo, tmp_path / "out", *chain).code == 0
    with Image.open(tmp_path / "out/photo_way.png") as strip:
        way, (width, height) = np.asarray(strip), strip.size
    with Image.open(photo) as y:
        factor = height // y.size[1]
        one = y.size[0] * factor
        assert (way[: y.size[1] * factor : factor, :one:factor] == np.asarray(y)).all()
    assert width // 9 > one
    assert report(tmp_path / "out")["files"][0]["way"] == {"file": "photo_way.png"}
    again = by_method(capfd, denoiser, photo, tmp_path / "out", *chain)
    assert (again.code, "photo_sample1.png is there already" in again.err) == (2, True)


def test_samples_repeat_and_differ(denoiser, photo, tmp_path, capfd):
    chain = ("--method", "chain", "--degradation", "gaussian_noise", "--sigma", "30", "--samples", 2)
    assert by_method(capfd, denoiser, photo, tmp_path / "a", *chain).code == 0
    assert by_method(capfd, denoiser, photo, tmp_path / "b", *chain).code == 0
    first, second = ((tmp_path / f"a/photo_sample{k}.png").read_bytes() for k in (1, 2))
    assert first != second
    assert first == (tmp_path / "b/photo_sample1.png").read_bytes()


def test_a_smaller_picture_and_one_that_is_degraded_here(denoiser, photo, tmp_path, capfd):
    assert by_method(capfd, denoiser, photo, tmp_path / "up", "--degradation", "sr2", "--sigma", "0").code == 0
    with Image.open(tmp_path / "up/photo_sample1.png") as restored:
        assert restored.size == (112, 80)
    ended = by_method(capfd, denoiser, photo, tmp_path / "own", "--degrade")
    assert ended.code == 0
    assert "dB to the clean picture" in ended.out
    assert json.loads((tmp_path / "own/restore.jsonl").read_text())["samples"][0]["residual"] > 0


@pytest.mark.parametrize(("method", "samples"), [("ddrm_jpeg", 2), ("pnp_admm", 1)])
def test_a_jpeg_file_is_restored_to_pictures_that_encode_to_it(method, samples, denoiser, photo, tmp_path, capfd):
    with Image.open(photo) as picture:
        picture.save(tmp_path / "photo.jpg", quality=10)
    given = ("--method", method, "--denoiser", denoiser, "--degradation", "jpeg", "--samples", samples)
    ended = restore(capfd, tmp_path / "photo.jpg", *given, "--out", tmp_path / "out")
    assert ended.code == 0
    for sample in report(tmp_path / "out")["files"][0]["samples"]:
        assert sample["blocks_wrong"] == 0
    ended = restore(capfd, tmp_path / "photo.jpg", *given, "--sigma", 5, "--out", tmp_path / "other")
    assert (ended.code, ended.err) == (2, "pscgan restore: --sigma is 5.0; jpeg has none\n")


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["--method", "vst", "--denoiser", "classic:wiener", "--degradation", "poisson", "--sigma", 0], "Anscombe()"),
        (["--method", "tv", "--degradation", "gaussian_noise", "--sigma", 25], "Denoising()"),
    ],
)
def test_classical_methods_restore_pictures(arguments, rule, photo, tmp_path, capfd):
    ended = restore(capfd, photo, *arguments, "--out", tmp_path / "out")
    assert ended.code == 0
    said = report(tmp_path / "out")
    assert said["model"]["rule"] == rule
    assert len(said["files"][0]["samples"]) == 1


@pytest.fixture(scope="module")
def gan(tmp_path_factory):
    size = ("dataset.crop=16", "dataset.evaluation_crop=16")
    return run(tmp_path_factory.mktemp("runs") / "gan", "experiment=textures_gan", "penalty=[]", "images=16", *size)


@pytest.mark.parametrize("mask", [False, True])
def test_a_picture_of_the_size_of_a_gan_is_restored_by_inversion(mask, gan, tmp_path, capfd):
    values = np.random.default_rng(0).integers(0, 256, (16, 16, 4 if mask else 1), dtype=np.uint8)
    if mask:
        values[..., 3] = 255
        values[4:9, 5:12, 3] = 0
    Image.fromarray(values if mask else values[..., 0]).save(tmp_path / "photo.png")
    options = ("--method", "inversion", "--gan", gan, "--degradation", "inpaint_box" if mask else "colourise")
    ended = restore(capfd, tmp_path / "photo.png", *options, "--sigma", 0, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "photo.png: 151 steps of 4 restarts, about" in ended.err
    assert report(tmp_path / "out")["model"]["rule"].startswith("GanInversion(restarts=4")
    with Image.open(tmp_path / "out/photo_sample1.png") as restored:
        pixels = np.asarray(restored.convert("RGB")).astype(float)
    if mask:
        known = values[..., 3] > 0
        assert (pixels[known] == values[known][:, :3]).all()
    else:
        assert np.abs(pixels @ (0.299, 0.587, 0.114) - values[..., 0]).max() <= 0.51  # grey levels, of rounding


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--method", "inversion"], "--gan must be given with --method inversion"),
        (["--gan", "runs/gan"], "--gan does not go with --method pnp_hqs"),
        (["--method", "inversion", "--gan", "runs/gan"], "--denoiser does not go with --method inversion, which calls"),
        (["--method", "pnp_hsq"], "there is no method pnp_hsq, did you mean pnp_hqs?"),
        (["--method", "dot"], "--method must be one that calls a denoiser or a GAN, got dot"),
        (["--degradation", "blur"], "there is no degradation blur; there are blur_gaussian"),
        (["--method", "red_fp", "--degradation", "jpeg"], "red_fp needs a linear degradation; Jpeg is not linear"),
        (["--method", "snips", "--degradation", "quantise"], "is not linear"),
        (["--sigma", "auto"], "--sigma must be that of the noise in y, 0 for none, with --method, got auto"),
        (["--sigma", "-1"], "sigma must be a number in [0, 255], got -1.0"),
        (["--model", "bundled:demo"], "--method and --model exclude each other"),
        (["--samples", 3], "--samples must be 1 for"),
        (["--sigma-z", 0.5], "--sigma-z must be 1 with --method, got 0.5"),
        (["--precision", "bf16"], "--precision must be fp32 with --method, got bf16"),
        (["--denoiser", "classic:tvv"], "there is no classical denoiser tvv, did you mean tv?"),
        (["--method", "vst"], "vst needs a degradation that counts photons; Linear does not"),
        (["--denoiser", "jpeg.safetensors"], "sampler must be one of GaussianNoise, got one of Jpeg"),
    ],
)
def test_a_mistake_is_named_before_any_work(arguments, said, denoiser, photo, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    exported(tmp_path / "other", degradation=JPEG, maps=3).rename(tmp_path / "jpeg.safetensors")
    ended = by_method(capfd, denoiser, photo, tmp_path / "out", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_what_goes_with_a_method_alone_is_refused_without(photo, tmp_path, capfd):
    ended = restore(capfd, photo, "--model", "bundled:demo", "--degradation", "sr4", "--out", tmp_path / "out")
    assert ended.code == 2
    assert "--degradation goes with --method, which is not given" in ended.err


def test_the_level_is_said_where_the_denoiser_does_not_know_it(photo, tmp_path, capfd):
    few = exported(tmp_path, degradation={"_target_": NOISE, "sigma": [25, 75]}, maps=1, latent_channels=0)
    ended = by_method(capfd, few, photo, tmp_path / "out")
    assert ended.code == 2
    assert "sigma must be in [25, 75] as in training" in ended.err
    assert not list((tmp_path / "out").glob("*.png"))
