"""Tiles cover a picture once, and know what is around them."""

import numpy as np
import pytest
import torch

from pscgan.train.restore.windows import Window, windows_of


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
