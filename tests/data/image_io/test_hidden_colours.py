"""What is visible stays, what is hidden continues it, and nothing depends on what was hidden."""

import numpy as np
import pytest

from pscgan.data.image_io.hidden_colours import fill_hidden

from ..pictures import noise


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 5), (33, 65), (64, 64)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_visible_colours_stay_and_hidden_ones_lie_between_them(size, depth):
    colours, visible = noise(*size, depth=depth), noise(*size, channels=1, seed=1) < 80
    visible[0, 0] = True
    filled = fill_hidden(colours, visible)
    assert filled.dtype == depth
    assert np.array_equal(filled[visible], colours[visible])
    lowest, highest = colours[visible].min(axis=0), colours[visible].max(axis=0)
    assert ((lowest <= filled) & (filled <= highest)).all()
    others = np.where(visible[..., None], colours, noise(*size, seed=2, depth=depth))
    assert np.array_equal(fill_hidden(others, visible), filled)


def test_one_colour_fills_all():
    visible = np.zeros((37, 50), bool)
    visible[20, 11] = True
    colours = noise(37, 50)
    assert (fill_hidden(colours, visible) == colours[20, 11]).all()


def test_hidden_pixels_are_like_the_nearest_visible_ones():
    """Left and right of a hidden stripe lie two colours, which meet in its middle."""
    colours = np.zeros((64, 96, 3), np.uint8)
    colours[:, 64:] = 200
    visible = np.ones((64, 96), bool)
    visible[:, 32:64] = False
    row = fill_hidden(colours, visible)[30, :, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert row[33] <= 60
    assert row[62] >= 140


def test_a_slope_goes_on_behind_small_holes():
    slope = np.linspace(0, 250, 128).round().astype(np.uint8)[None, :, None].repeat(64, axis=0)
    visible = noise(64, 128, channels=1) < 128
    missed = np.abs(fill_hidden(slope, visible).astype(int) - slope)
    assert missed[8:-8, 8:-8].max() <= 8  # two levels a pixel
