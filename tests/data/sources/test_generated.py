"""Pictures made by code: the same at every reading, no two alike, of the kind they are said to be."""

import pytest
import torch

from pscgan.data.sources.generated import COUNT, SIDE, Generated, field_of_stars, page_of_text
from pscgan.data.sources.image_source import ImageSource

MADE = {"bundled:text": page_of_text, "bundled:stars": field_of_stars}


@pytest.mark.parametrize("root", MADE)
def test_each_picture_is_another_and_the_same_again(root):
    source = ImageSource(root)
    pictures = [source.read(name) for name in source.names]
    assert len({picture.numpy().tobytes() for picture in pictures}) == COUNT
    assert {picture.shape for picture in pictures} == {(3, SIDE, SIDE)}
    assert torch.equal(MADE[root](3), pictures[3])
    assert source.size("00003.png") == (SIDE, SIDE)
    assert Generated(root).read_bytes("00003.png", 10) == Generated(root).read_bytes("00003.png")[:10]


def test_text_is_ink_on_paper():
    page = page_of_text(0).float().mean(0) / 255
    assert 0.05 < (page < 0.5).float().mean() < 0.25
    assert (page > 0.8).float().mean() > 0.6


def test_stars_are_points_on_a_dark_sky():
    """A star that is not cut off is brighter than what is three pixels away."""
    field = field_of_stars(0).float().mean(0) / 255
    assert field.median() < 0.1
    assert field.max() > 0.9
    bright = (field > 0.5).nonzero()
    inside = bright[((bright >= 3) & (bright < SIDE - 3)).all(1)]
    windows = torch.stack([field[r - 3 : r + 4, c - 3 : c + 4] for r, c in inside.tolist()])
    peaks = inside[(windows.amax((1, 2)) == windows[:, 3, 3]) & (windows[:, 3, 3] < 0.98)]
    assert len(peaks) > 1
    around = torch.stack([field[peaks[:, 0] + r, peaks[:, 1] + c] for r, c in ((3, 0), (-3, 0), (0, 3), (0, -3))])
    assert (around.mean(0) < 0.6 * field[tuple(peaks.T)]).all()
