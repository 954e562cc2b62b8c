"""What is said of a picture in windows is what is true of the whole."""

import numpy as np
import pytest
import torch

from pscgan.data.jpeg.reader import read
from pscgan.data.jpeg.verify import verify
from pscgan.train.inference.windows import Window, windows_of
from pscgan.train.restore.report import ReencodingReport

from ...data.jpeg.makers import by_pillow, picture


def test_counts_of_windows_add_up_to_those_of_the_picture(tmp_path):
    coded = read(by_pillow(tmp_path / "photo.jpg", picture((100, 70)), quality=20)).coefficients
    pixels = torch.tensor(picture((100, 70), index=1)).movedim(-1, 0)[None]
    proof = ReencodingReport()
    for window in windows_of(70, 100, 32):
        part = pixels[(..., *window.area)]
        proof.add(part[0].movedim(0, -1).numpy(), verify(part, coded.window(*window)))
    said, whole = proof.entry(), {name: value.item() for name, value in verify(pixels, coded)._asdict().items()}
    assert {name: said[name] for name in ("levels", "levels_wrong", "blocks", "blocks_wrong")} == {
        name: whole[name] for name in ("levels", "levels_wrong", "blocks", "blocks_wrong")
    }
    assert said["violation_steps"] == pytest.approx(whole["violation"])
    assert said["reencode_rmse"] == pytest.approx(whole["reencode_rmse"], rel=0.02)  # chroma is smoothed across windows


def test_psnr_is_that_of_the_whole_picture():
    rng = np.random.default_rng(0)
    pixels, other = rng.integers(0, 2**16, (40, 30, 3)).astype(np.uint16), rng.random((3, 40, 30))
    proof = ReencodingReport()
    for window in (Window(0, 0, 40, 7), Window(0, 7, 40, 23)):
        area = window.area
        proof.add(pixels[area], None, input=torch.from_numpy(other[(slice(None), *area)]))
    mse = np.square(pixels / 65535 - np.moveaxis(other, 0, -1)).mean()
    assert proof.entry() == {"psnr_to_input": pytest.approx(10 * np.log10(1 / mse))}


def test_the_same_pixels_have_no_psnr():
    proof = ReencodingReport()
    proof.add(np.full((2, 2, 1), 51, np.uint8), None, input=torch.full((1, 2, 2), 0.2, dtype=torch.float64))
    assert proof.entry() == {"psnr_to_input": None}
