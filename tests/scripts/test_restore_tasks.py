"""Pictures of every task in, restorations out that explain them."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.jpeg.reader import read as read_jpeg
from pscgan.data.measurement import Measurement
from pscgan.rng import Rng
from pscgan.train.inference.load import load

from ..data.choices import NAMES, built
from ..data.jpeg.makers import by_pillow, picture
from ..data.pictures import png_16
from .restoring import report, restore
from .tasks import SIZE, models_in, pixels, saved

pytestmark = pytest.mark.integration

LUMA = (0.299, 0.587, 0.114)
HALF = 0.5 + 1e-4  # grey levels, of rounding


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return models_in(tmp_path_factory.mktemp("models"))


@pytest.fixture
def photo(tmp_path):
    return saved(tmp_path / "photo.png", picture(SIZE))


def written(out, name="photo"):
    """Two samples and their mean, as floats."""
    return [pixels(out / f"{name}_{kind}.png").astype(float) for kind in ("sample1", "sample2", "mean")]


def run(capfd, path, model, out, *arguments):
    """The one entry of the report; the call must succeed."""
    ended = restore(capfd, path, "--model", model, "--samples", 2, "--out", out, *arguments)
    assert ended.code == 0, ended.err
    (entry,) = report(out)["files"]
    if "residual" in entry["mean"]:
        said = f"residual {entry['mean']['residual']:.2g} {entry['mean']['residual_unit']}"
        assert said in ended.out.splitlines()[-1]
    return entry


ROUNDING = {"grey levels": 0.5, "cells": 0.02}  # residuals of an exact projection, then rounded


@pytest.mark.parametrize("name", NAMES)
def test_clean_pictures_are_degraded_by_every_degradation(name, model, photo, tmp_path, capfd):
    entry = run(capfd, photo, model(name), tmp_path / "out", "--degrade")
    clean = pixels(photo).astype(float)
    degradation = built(name)
    image = torch.from_numpy(pixels(photo)).movedim(-1, 0)[None] / 255
    measurement = degradation(image, Rng(0, "degrade", [0]))
    shown = (255 * measurement.degraded[0]).round().clamp(0, 255).movedim(0, -1).numpy()
    assert np.abs(pixels(tmp_path / "out/photo_degraded.png") - shown).max() <= (1 if "blur" in name else 0)
    for proof, restored in zip((*entry["samples"], entry["mean"]), written(tmp_path / "out"), strict=True):
        mse = np.square(restored - clean).mean()
        assert proof["psnr_to_clean"] == pytest.approx(10 * np.log10(255**2 / mse))
        if not isinstance(degradation, GaussianNoise | Jpeg):
            again = torch.from_numpy(restored / 255).float().movedim(-1, 0)[None]
            assert proof["residual"] == pytest.approx(
                float(degradation.residual(again, measurement)), rel=1e-3, abs=1e-5
            )
            assert proof["residual"] <= ROUNDING.get(proof["residual_unit"], np.inf)


def test_a_grey_picture_is_coloured_and_keeps_its_luma(model, photo, tmp_path, capfd):
    grey = np.asarray(Image.open(photo).convert("L"))
    paths = [saved(tmp_path / "grey.png", grey), saved(tmp_path / "three.png", np.dstack([grey] * 3))]
    for path in paths:
        entry = run(capfd, path, model("colourise"), tmp_path / path.stem)
        assert entry["warnings"] == []
        for restored in written(tmp_path / path.stem, path.stem):
            assert np.abs(restored @ LUMA - grey).max() <= HALF
    first, second = (written(tmp_path / path.stem, path.stem)[0] for path in paths)
    assert (first == second).all()
    assert first.shape == (*grey.shape, 3)


def test_of_a_colour_picture_the_luma_is_taken_with_a_warning(model, photo, tmp_path, capfd):
    ended = restore(capfd, photo, "--model", model("colourise"), "--samples", 1, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "it has colour, of which only the brightness is taken" in ended.err


def test_means_of_blocks_are_the_small_picture(model, photo, tmp_path, capfd):
    entry = run(capfd, photo, model("sr4"), tmp_path / "out", "--tile", 64)
    assert (entry["width"], entry["height"]) == (4 * SIZE[0], 4 * SIZE[1])
    for restored in written(tmp_path / "out"):
        means = restored.reshape(SIZE[1], 4, SIZE[0], 4, 3).mean(axis=(1, 3))
        assert np.abs(means - pixels(photo)).max() <= HALF


def test_sixteen_bits_stay_sixteen_in_a_larger_picture(model, tmp_path, capfd):
    deep = picture(SIZE).astype(np.uint16) * 257
    (tmp_path / "deep.png").write_bytes(png_16(deep))
    entry = run(capfd, tmp_path / "deep.png", model("sr2"), tmp_path / "out")
    assert entry["samples"][0]["residual"] < 0.5 / 257


def test_bicubic_shrinking_gives_the_small_picture_again(model, photo, tmp_path, capfd):
    run(capfd, photo, model("sr4_bicubic"), tmp_path / "out", "--tile", 64)
    small = pixels(photo).astype(float)
    for restored in written(tmp_path / "out"):
        channels = [Image.fromarray(restored[..., c].astype(np.float32)) for c in range(3)]
        again = np.dstack([np.asarray(channel.resize(SIZE, Image.Resampling.BICUBIC)) for channel in channels])
        assert np.abs(again - small)[3:-3, 3:-3].max() <= 1  # by other people's code, which has another border


def test_bilinear_samples_are_the_small_picture(model, photo, tmp_path, capfd):
    run(capfd, photo, model("icassp_sr4"), tmp_path / "out")
    for restored in written(tmp_path / "out"):
        image = torch.from_numpy(restored).movedim(-1, 0)[None]
        again = F.interpolate(image, size=SIZE[::-1], mode="bilinear", align_corners=True)[0].movedim(0, -1).numpy()
        assert np.abs(again - pixels(photo)).max() <= HALF


@pytest.fixture
def known():
    known = np.ones(SIZE[::-1], bool)
    known[5:20, 10:30] = False
    return known


def test_what_is_known_is_kept_by_a_mask_or_by_transparency(known, model, photo, tmp_path, capfd):
    mask = saved(tmp_path / "mask.png", 255 * known.astype(np.uint8))
    np.save(tmp_path / "mask.npy", known)
    (tmp_path / "masks").mkdir()
    saved(tmp_path / "masks/photo.png", 255 * known.astype(np.uint8))
    clear = saved(tmp_path / "clear.png", np.dstack([picture(SIZE), 255 * known.astype(np.uint8)]))
    results = []
    for number, (path, option) in enumerate(
        [(photo, mask), (photo, tmp_path / "mask.npy"), (photo, tmp_path / "masks"), (clear, None)]
    ):
        out = tmp_path / str(number)
        entry = run(capfd, path, model("inpaint_strokes"), out, *(["--mask", option] if option else []))
        assert entry["known"] == pytest.approx(known.mean())
        assert entry["mean"]["residual"] == 0
        results.append(written(out, path.stem))
        assert all((restored[known] == pixels(photo)[known]).all() for restored in results[-1])
    assert all((one == other).all() for result in results for one, other in zip(result, results[0], strict=True))
    assert (results[0][0] != pixels(photo))[~known].mean() > 0.5


def test_what_lies_in_a_hole_changes_nothing(known, model, photo, tmp_path, capfd):
    mask = saved(tmp_path / "mask.png", 255 * known.astype(np.uint8))
    for name, values in (("photo", pixels(photo)), ("other", np.where(known[..., None], pixels(photo), 77))):
        run(capfd, saved(tmp_path / f"{name}.png", values), model("inpaint_box"), tmp_path / name, "--mask", mask)
    for one, other in zip(written(tmp_path / "photo"), written(tmp_path / "other", "other"), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("phase", [None, "RGGB", "GBRG"])
def test_measured_colours_of_a_mosaic_are_kept(phase, model, photo, tmp_path, capfd):
    mosaic = saved(tmp_path / "mosaic.png", pixels(photo)[..., 1])
    name, arguments = ("demosaic_noisy", ["--phase", phase]) if phase else ("demosaic", [])
    entry = run(capfd, mosaic, model(name), tmp_path / "out", *arguments)
    assert entry["phase"] == (phase or "RGGB")
    if phase is None:
        for restored in written(tmp_path / "out", "mosaic"):
            again = restored[..., 1].copy()
            again[::2, ::2], again[1::2, 1::2] = restored[::2, ::2, 0], restored[1::2, 1::2, 2]
            assert (again == pixels(mosaic)).all()


def test_values_stay_in_their_cells(model, photo, tmp_path, capfd):
    cell = pixels(photo).astype(int) * 5 // 256
    path = saved(tmp_path / "photo5.png", np.rint(255 * (cell + 0.5) / 5).astype(np.uint8))
    for number, name in enumerate(("quantise", "quantise_range")):
        entry = run(capfd, path, model(name), tmp_path / str(number))
        assert (entry["levels"], entry["warnings"]) == (5, [])
        for restored in written(tmp_path / str(number), "photo5"):
            assert (restored >= np.floor(255 * cell / 5)).all()
            assert (restored <= np.ceil(255 * (cell + 1) / 5)).all()


def test_values_that_no_impulse_hit_are_kept(model, photo, tmp_path, capfd):
    values, chance = pixels(photo).clip(1, 254), np.random.default_rng(0).random(pixels(photo).shape)
    noisy = np.where(chance < 0.15, 0, np.where(chance < 0.3, 255, values)).astype(np.uint8)
    entry = run(capfd, saved(tmp_path / "noisy.png", noisy), model("salt_and_pepper"), tmp_path / "out")
    assert entry["warnings"] == []
    for restored in written(tmp_path / "out", "noisy"):
        assert (restored == values)[chance >= 0.3].all()


def drawn(model, measurement):
    """Two samples of it, as 8-bit pixels."""
    samples = load(model).sample(measurement, 2)[:, 0]
    return (255 * samples).round().clamp(0, 255).movedim(1, -1).numpy()


@pytest.mark.parametrize("name", ["blur_motion", "poisson_gaussian"])
def test_what_a_picture_does_not_show_is_told(name, model, photo, tmp_path, capfd):
    image = torch.from_numpy(pixels(photo)).movedim(-1, 0)[None] / 255
    if name == "blur_motion":
        kernel = np.outer([0, 1, 0], [1, 3, 2])
        arguments = ["--kernel", saved(tmp_path / "kernel.png", (40 * kernel).astype(np.uint8))]
        facts = {"kernel": torch.from_numpy(kernel / 6)[None]}
        measurement = built(name).measure(image, facts, SIZE[::-1])
    else:
        arguments = ["--photons", 80]
        map_of_80 = torch.full((1, 1, *SIZE[::-1]), 80**-0.5)
        measurement = Measurement(image, map_of_80, {"photons": torch.tensor([80.0])})
    run(capfd, photo, model(name), tmp_path / "out", *arguments)
    for restored, expected in zip(written(tmp_path / "out")[:2], drawn(model(name), measurement), strict=True):
        assert np.abs(restored - expected).max() <= 1
        assert (restored != expected).mean() < 1e-2


def test_any_picture_is_a_recording(model, photo, tmp_path, capfd):
    entry = run(capfd, photo, model("recorded"), tmp_path / "out")
    assert "residual" not in entry["mean"]
    expected = drawn(model("recorded"), Measurement(torch.from_numpy(pixels(photo)).movedim(-1, 0)[None] / 255))
    for restored, sample in zip(written(tmp_path / "out")[:2], expected, strict=True):
        assert np.abs(restored - sample).max() <= 1


@pytest.mark.parametrize("grey", [False, True])
def test_a_small_jpg_is_explained_by_larger_pictures(grey, model, tmp_path, capfd):
    path = by_pillow(tmp_path / "photo.jpg", picture(SIZE), quality=10, grey=grey)
    entry = run(capfd, path, model("small_jpeg"), tmp_path / "out")
    assert entry["samples"][0]["residual"] < 0.02
    coded = read_jpeg(path).decoded
    assert written(tmp_path / "out")[0].shape[:2] == (2 * coded.shape[1], 2 * coded.shape[2])


def test_a_chain_that_was_told_its_blur_and_noise_takes_a_jpg(model, tmp_path, capfd):
    np.save(tmp_path / "kernel.npy", np.full((3, 3), 1 / 9))
    path = by_pillow(tmp_path / "photo.jpg", picture(SIZE), quality=60)
    told = ("--kernel", tmp_path / "kernel.npy", "--sigma", 5)
    entry = run(capfd, path, model("real_chain"), tmp_path / "out", *told)
    assert (entry["width"], entry["sigma"], entry["kernel_size"]) == (2 * SIZE[0], 5, [3, 3])
