"""A picture by tiles is the picture as a whole; tiles cover it once, and know what is around them."""

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.train.inference.windows import Window, windows_of
from pscgan.train.restore.tiling import Tiling

from .pictures import by_tiles, jpeg_sampler, jpg, noise_sampler, opened, png, whole

SIZE = (201, 150)  # no multiple of anything


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    return noise_sampler(tmp_path_factory.mktemp("noise"))


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory):
    return jpeg_sampler(tmp_path_factory.mktemp("jpeg"))


def test_tiles_that_overlap_by_the_reach_are_the_whole_picture(noise, tmp_path):
    y = opened(noise, png(tmp_path / "photo.png", SIZE))
    tiling = Tiling(noise, 64)
    assert tiling.exact
    assert tiling.overlap == tiling.receptive_field
    assert len(tiling.windows(y)) == 4 * 3
    torch.testing.assert_close(
        by_tiles(tiling, y, 2, seed=3, sigma_z=0.7), whole(noise, y, 2, 3, 0.7), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("options", [{"subsampling": "4:2:0"}, {"subsampling": "4:4:4"}, {"grey": True}])
def test_of_a_file_too(options, jpeg, tmp_path):
    y = opened(jpeg, jpg(tmp_path / "photo.jpg", SIZE, **options))
    torch.testing.assert_close(by_tiles(Tiling(jpeg, 64), y, 2), whole(jpeg, y, 2), atol=1e-5, rtol=0)


def test_without_overlap_they_are_not(noise, tmp_path):
    """The check can fail: seams are there where tiles do not see what is around them."""
    y = opened(noise, png(tmp_path / "photo.png", SIZE))
    tiling = Tiling(noise, 64, overlap=0)
    assert not tiling.exact
    difference = (by_tiles(tiling, y, 1) - whole(noise, y, 1)).abs()
    assert difference.max() > 1e-3
    assert difference[..., 24:40, 24:40].max() < 1e-5  # in the middle of a tile nothing is seen of its border


def test_a_small_picture_is_what_load_gives(noise, tmp_path):
    path = png(tmp_path / "photo.png", (50, 40))
    drawn = by_tiles(Tiling(noise, 64), opened(noise, path), 3, seed=5)
    torch.testing.assert_close(drawn, noise.sample(Image.open(path), 3, seed=5)[:, 0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((60,), "tile must be a multiple of 16 pixels, 64 or more, got 60"),
        ((100,), "tile must be .* got 100"),
        ((64, -1), "overlap must be >= 0 pixels, got -1"),
    ],
)
def test_sizes_out_of_range_are_refused(arguments, said, noise):
    with pytest.raises(ValueError, match=said):
        Tiling(noise, *arguments)


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (65, 63), (200, 130), (1, 1000)])
def test_tiles_cover_every_pixel_once(size):
    count = np.zeros(size, int)
    for window in windows_of(*size, 64):
        count[window.area] += 1
        assert max(window.height, window.width) <= 64
    assert (count == 1).all()


@pytest.mark.parametrize("margin", [0, 1, 8, 30, 1000])
def test_a_grown_window_has_the_margin_or_the_border(margin):
    for window in windows_of(200, 130, 64):
        around = window.grown(margin, 16, 200, 130)
        assert around.top % 16 == around.left % 16 == 0
        assert around.bottom == 200 or (around.bottom % 16 == 0 and around.bottom >= window.bottom + margin)
        assert around.right == 130 or (around.right % 16 == 0 and around.right >= window.right + margin)
        assert around.top == 0 or around.top <= window.top - margin
        assert around.left == 0 or around.left <= window.left - margin


def test_it_is_cut_from_what_is_around_it():
    image = torch.arange(200 * 130).view(1, 1, 200, 130)
    window = Window(64, 64, 40, 30)
    around = window.grown(20, 16, 200, 130)
    assert torch.equal(window.cut_from(image[(..., *around.area)], around), image[(..., *window.area)])
