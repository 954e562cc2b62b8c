"""Pictures of every task by tiles are the pictures as a whole, and their pixels explain y."""

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.data.degradations.hole_masks import RandomBoxes
from pscgan.data.from_image import ParsedMeasurement
from pscgan.data.measurement import Measurement
from pscgan.data.toy_posteriors.fields import noisy_field
from pscgan.rng import Rng
from pscgan.train.inference.windows import Window
from pscgan.train.restore.open_image import ImageOpener
from pscgan.train.restore.restoration_input import UnsupportedImageError
from pscgan.train.restore.side_info import SideInfo
from pscgan.train.restore.tiling import Tile, TiledSample, Tiling

from ...data.choices import chosen
from ...data.jpeg.makers import by_pillow, picture
from .pictures import by_tiles, noise_sampler, opened, png, task_sampler, whole

SIZE = (150, 101)  # no multiple of anything
SMALL = (35, 26)  # times 4, more than a tile either way
DEGRADATIONS = "pscgan.data.degradations"


def linear(operator, **arguments):
    return {
        "_target_": f"{DEGRADATIONS}.linear.Linear",
        "operator": {"_target_": f"{DEGRADATIONS}.operators.{operator}", **arguments},
    }


def chain(*steps):
    return {"_target_": f"{DEGRADATIONS}.chain.Chain", "steps": list(steps)}


JPEG = {"_target_": f"{DEGRADATIONS}.jpeg.Jpeg", "quality": 40, "sampling": "4:4:4"}
THREE = linear("block_average.BlockAverage", factor=3)
SMALL_JPEG = chain(linear("block_average.BlockAverage", factor=2), JPEG)
TASKS = {
    "colourise": (chosen("colourise"), "L", SIZE, {}),
    "demosaic": (chosen("demosaic"), "L", SIZE, {}),
    "quantise": (chosen("quantise"), "RGB", SIZE, {}),
    "salt": (chosen("salt_and_pepper"), "RGB", SIZE, {}),
    "inpaint": (chosen("inpaint_strokes"), "RGBA", SIZE, {}),
    "poisson": (chosen("poisson_gaussian"), "RGB", SIZE, {"side_info": SideInfo(photons=50.0)}),
    "deblur": (chosen("blur_gaussian"), "RGB", SIZE, {}),
    "sr4": (chosen("sr4"), "RGB", SMALL, {}),
    "sr4 grey": (chosen("sr4"), "L", SMALL, {}),
    "sr3": (THREE, "RGB", SMALL, {}),
    "sr4 bicubic": (chosen("sr4_bicubic"), "RGB", SMALL, {}),
    "sr4 bilinear": (chosen("icassp_sr4"), "RGB", SMALL, {}),
    "small jpeg": (SMALL_JPEG, "JPEG", (75, 52), {}),
}
WHOLE = {"sr3", "sr4 bicubic", "sr4 bilinear", "small jpeg"}


def file(path, size, mode):
    if mode == "JPEG":
        return by_pillow(path.with_suffix(".jpg"), picture(size), quality=40, subsampling="4:4:4")
    if mode != "RGBA":
        return png(path, size, mode)
    known = RandomBoxes().draw(size[::-1], Rng(0, "mask", [0]))[0, 0].numpy()
    Image.fromarray(np.dstack([picture(size), 255 * known.astype(np.uint8)])).save(path)
    return path


@pytest.fixture(params=TASKS)
def task(request, tmp_path):
    """Name, sampler and picture of each."""
    degradation, mode, size, options = TASKS[request.param]
    sampler = task_sampler(tmp_path / "model", degradation)
    return request.param, sampler, opened(sampler, file(tmp_path / "photo.png", size, mode), **options)


def test_tiles_are_the_whole_picture(task):
    name, sampler, y = task
    tiling = Tiling(sampler, 64)
    assert tiling.exact
    windows = tiling.windows(y)
    assert (len(windows) == 1) == (name in WHOLE)
    assert isinstance(tiling.tile(y, windows[0]), TiledSample if name in WHOLE else Tile)
    expected = whole(sampler, y, 2, seed=3, sigma_z=0.7)
    torch.testing.assert_close(by_tiles(tiling, y, 2, 3, 0.7), expected, atol=1e-5, rtol=0)


BOUNDS = {"grey levels": 0.5, "cells": 0.03, "quantisation steps": 0.1}  # of what rounding to 8 bits makes


def test_pixels_explain_y_to_the_rounding_also_where_the_network_leaves_the_range(task):
    name, sampler, y = task
    window = Window(0, 0, y.info.height, y.info.width)
    (sample,) = whole(sampler, y, 1)
    wild = y.project(3 * sample[None].expand(-1, 3, -1, -1) - 1, window)
    said = y.residual(y.to_pixels(wild, window)[0])
    assert said["residual"] <= BOUNDS.get(said["residual_unit"], np.inf), name


def test_a_sample_is_what_load_draws_of_the_measurement(task):
    _, sampler, y = task
    if y.info.channels == sampler.image_channels:
        drawn = sampler.sample(y.held, 2, seed=5)
        torch.testing.assert_close(whole(sampler, y, 2, seed=5), drawn[:, 0], atol=1e-5, rtol=0)


def test_a_grey_picture_comes_back_grey_and_explains_y(tmp_path):
    sampler = task_sampler(tmp_path / "model", chosen("sr4"))
    y = opened(sampler, png(tmp_path / "photo.png", SMALL, "L"))
    (sample,) = whole(sampler, y, 1)
    small = np.asarray(Image.open(tmp_path / "photo.png")) / 255
    means = sample[0].double().reshape(SMALL[1], 4, SMALL[0], 4).mean(dim=(1, 3))
    assert sample.shape == (1, 4 * SMALL[1], 4 * SMALL[0])
    torch.testing.assert_close(means, torch.from_numpy(small), atol=1e-6, rtol=0)
    assert "it is grey" in y.warnings[0]


def test_alpha_grows_with_the_picture(tmp_path):
    alpha = np.arange(35 * 26, dtype=np.uint8).reshape(26, 35)
    Image.fromarray(np.dstack([picture(SMALL), alpha])).save(tmp_path / "photo.png")
    info = opened(task_sampler(tmp_path / "model", chosen("sr2")), tmp_path / "photo.png").info
    assert (info.alpha == np.kron(alpha, np.ones((2, 2), np.uint8))).all()


def test_what_would_become_too_large_is_refused_before(tmp_path):
    sampler, path = task_sampler(tmp_path / "model", chosen("sr8")), png(tmp_path / "photo.png", SMALL)
    with pytest.raises(UnsupportedImageError, match="it would be restored to 280x208 pixels, above the limit of 50000"):
        opened(sampler, path, max_pixels=50_000)


class Recorded:
    """As pairs of real noise are: y is any picture, and no operator is known."""

    num_maps, accepted_side_info, residual_unit, unit = 0, (), None, 1

    def __call__(self, clean, rng):
        raise ValueError("no y follows from x")

    def residual(self, restored, measurement):
        raise AssertionError("there is none")

    def project(self, restored, measurement):
        return restored

    def from_image(self, picture, told):
        return ParsedMeasurement(Measurement(picture))


def test_what_is_known_by_pairs_alone_takes_any_picture_for_y(tmp_path):
    sampler, path = noise_sampler(tmp_path / "model"), png(tmp_path / "photo.png", SIZE)
    sampler.degradation = Recorded()
    y = opened(sampler, path)
    drawn = by_tiles(Tiling(sampler, 64), y, 2)
    torch.testing.assert_close(drawn, sampler.sample(Image.open(path), 2)[:, 0], atol=1e-5, rtol=0)
    assert y.residual(picture(SIZE)) == {}
    with pytest.raises(UnsupportedImageError, match="no y follows from x"):
        opened(sampler, path, degrade=True)


def test_what_no_picture_holds_is_refused_at_once(tmp_path):
    sampler = noise_sampler(tmp_path / "model")
    sampler.degradation = noisy_field(4).degradation
    with pytest.raises(ValueError, match="the model was trained on LinearMeasurement, whose y no picture file holds"):
        ImageOpener(sampler)
