"""What does not go with a model or a picture is named in one line."""

import numpy as np
import pytest

from ..data.jpeg.makers import by_pillow, picture
from .restoring import restore
from .tasks import SIZE, models_in, pixels, saved

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return models_in(tmp_path_factory.mktemp("models"))


@pytest.fixture
def photo(tmp_path):
    return saved(tmp_path / "photo.png", picture(SIZE))


@pytest.mark.parametrize(
    ("shape", "value", "said"),
    [
        ((9, 9), None, "its mask: path is mask.png, a mask of 9 x 9; the image is 36 x 44"),
        (None, None, "nothing says what of it is known; give a mask, or transparency where it is missing"),
        (None, 255, "every pixel of it is known"),
        (None, 100, "every pixel of it is missing"),
        (None, 0, "nothing of it is visible"),
    ],
)
def test_masks_that_do_not_fit_a_picture_are_named(shape, value, said, model, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = picture(SIZE)
    saved(tmp_path / "a.png", values if value is None else np.dstack([values, np.full(SIZE[::-1], value, np.uint8)]))
    arguments = []
    if shape:
        saved(tmp_path / "mask.png", 255 * np.eye(*shape, dtype=np.uint8))
        arguments = ["--mask", "mask.png"]
    ended = restore(capfd, "a.png", "--model", model("inpaint_box"), "--out", "out", *arguments)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith("pscgan restore: a.png: ")
    assert said in ended.err


@pytest.mark.parametrize(
    ("name", "file", "said"),
    [
        ("demosaic", "photo.png", "it must be grey, the mosaic"),
        ("demosaic_noisy", "grey.png", "phase must be that of the picture, one of RGGB"),
        ("blur_motion", "photo.png", "kernel must be given, as a picture does not show it"),
        ("poisson_gaussian", "photo.png", "photons at white must be given, from 10 to 1000, got None"),
        ("real_chain", "photo.png", "it is a PNG file; this model restores .jpg files by the levels they hold"),
        ("real_chain", "photo.jpg", "sigma must be a number from 1 to 15"),
        ("blur_gaussian", "dot.png", "kernel must be at most as large as the image, 1 x 1 pixels, got 13 x 13"),
        ("demosaic", "dot.png", "the image must be at least 2 x 2, got 1 x 1"),
    ],
)
def test_a_picture_that_cannot_be_such_a_measurement_is_named(name, file, said, model, photo, tmp_path, capfd):
    saved(tmp_path / "grey.png", pixels(photo)[..., 0])
    saved(tmp_path / "dot.png", np.full((1, 1), 9, np.uint8))
    by_pillow(tmp_path / "photo.jpg", picture(SIZE))
    ended = restore(capfd, tmp_path / file, "--model", model(name), "--out", tmp_path / "out")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith(f"pscgan restore: {tmp_path / file}: ")
    assert said in ended.err


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        (
            "sr4",
            ["--mask", "photo.png"],
            "mask is photo.png; the model was trained on BlockAverage, which asks for none",
        ),
        ("sr4", ["--sigma", "5"], "sigma is 5.0; the model was trained on BlockAverage, which has none"),
        ("sr4", ["--tolerance", "1"], "tolerance is 1.0; the model was trained on BlockAverage, which has none"),
        ("gaussian_noise", ["--photons", "5"], "photons is 5.0; the model was trained on GaussianNoise, which asks"),
        ("demosaic", ["--phase", "RGGB"], "phase is RGGB; the model was trained on Bayer, which asks for none"),
        ("demosaic", ["--phase", "RGB"], "argument --phase: invalid choice: 'RGB'"),
        ("blur_gaussian", ["--kernel", "k.npy"], "kernel is k.npy; the model was trained on Blur, which asks for none"),
        ("blur_motion", ["--kernel", "k.npy"], "kernel must be a .npy or .png file that is there"),
        ("inpaint_box", ["--mask", "m.png"], "path is m.png; it cannot be read as a mask"),
        ("inpaint_box", ["--mask", "photo.png", "--degrade"], "mask is photo.png; with degrade it is that of training"),
        (
            "real_chain",
            ["--sigma", "auto"],
            "sigma must be a number for the model, which was trained on Chain, got auto",
        ),
        ("recorded", ["--degrade"], "degrade is true; the model was trained on Recorded, and nothing makes y"),
        ("real_chain", ["--sigma", "5", "--degrade"], "sigma is 5.0; with degrade the noise is drawn as in training"),
    ],
)
def test_options_that_do_not_go_with_the_model_are_named(name, arguments, said, model, photo, capfd, monkeypatch):
    monkeypatch.chdir(photo.parent)
    ended = restore(capfd, photo, "--model", model(name), "--out", "out", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not (photo.parent / "out").exists()
