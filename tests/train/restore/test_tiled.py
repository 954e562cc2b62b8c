"""A picture by tiles is the picture as a whole."""

import pytest
import torch

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
    subject = opened(noise, png(tmp_path / "photo.png", SIZE)).subject
    tiling = Tiling(noise, 64)
    assert tiling.exact
    assert tiling.overlap == tiling.reach
    assert len(tiling.windows(subject)) == 4 * 3
    torch.testing.assert_close(
        by_tiles(tiling, subject, 2, seed=3, sigma_z=0.7), whole(noise, subject, 2, 3, 0.7), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("options", [{"subsampling": "4:2:0"}, {"subsampling": "4:4:4"}, {"grey": True}])
def test_of_a_file_too(options, jpeg, tmp_path):
    subject = opened(jpeg, jpg(tmp_path / "photo.jpg", SIZE, **options)).subject
    torch.testing.assert_close(by_tiles(Tiling(jpeg, 64), subject, 2), whole(jpeg, subject, 2), atol=1e-5, rtol=0)


def test_without_overlap_they_are_not(noise, tmp_path):
    """The check can fail: seams are there where tiles do not see what is around them."""
    subject = opened(noise, png(tmp_path / "photo.png", SIZE)).subject
    tiling = Tiling(noise, 64, overlap=0)
    assert not tiling.exact
    difference = (by_tiles(tiling, subject, 1) - whole(noise, subject, 1)).abs()
    assert difference.max() > 1e-3
    assert difference[..., 24:40, 24:40].max() < 1e-5  # in the middle of a tile nothing is seen of its border


def test_a_small_picture_is_what_load_gives(noise, tmp_path):
    from PIL import Image

    path = png(tmp_path / "photo.png", (50, 40))
    drawn = by_tiles(Tiling(noise, 64), opened(noise, path).subject, 3, seed=5)
    torch.testing.assert_close(drawn, noise.sample(Image.open(path), 3, seed=5)[:, 0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((60,), "tile is 60; allowed is a multiple of 16 pixels, 64 or more"),
        ((100,), "tile is 100"),
        ((64, -1), "overlap is -1; allowed is 0 or more"),
    ],
)
def test_sizes_out_of_range_are_refused(arguments, said, noise):
    with pytest.raises(ValueError, match=said):
        Tiling(noise, *arguments)
