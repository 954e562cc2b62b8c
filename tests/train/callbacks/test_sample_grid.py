"""The labelled picture of a validation."""

import numpy as np
import torch

from pscgan.train.callbacks.sample_grid import CAPTION, MARGIN, Row, draw_sample_grid

SIZE = 48


def row(num_samples=4, channels=3, side=64, std=0.1):
    rng = torch.Generator().manual_seed(0)
    clean = torch.full((channels, side, side), 0.5)
    samples = clean + std * torch.randn(num_samples, channels, side, side, generator=rng)
    return Row(clean + 0.2, samples, clean)


def panel(picture, row_index, column):
    pitch = SIZE + MARGIN
    top, left = CAPTION + row_index * pitch, MARGIN + column * pitch
    return np.asarray(picture)[top : top + SIZE, left : left + SIZE]


def legend(picture, column):
    pixels = np.asarray(picture)
    left = MARGIN + column * (SIZE + MARGIN)
    return pixels[pixels.shape[0] - CAPTION - MARGIN :][: CAPTION - 6, left : left + SIZE]


def test_one_panel_each_for_y_samples_mean_std_and_x():
    picture = draw_sample_grid([row(), row()], num_samples=3, size=SIZE)
    assert picture.size == (7 * (SIZE + MARGIN) + MARGIN, 2 * (SIZE + MARGIN) + 2 * CAPTION + MARGIN)
    assert (panel(picture, 0, 0) == round(0.7 * 255)).all()
    assert (panel(picture, 1, 6) == round(0.5 * 255)).all()
    assert not (panel(picture, 0, 1) == panel(picture, 0, 2)).all()
    assert panel(picture, 0, 4).std() < 0.7 * panel(picture, 0, 1).std()  # the mean of four


def test_captions_stand_above_every_panel():
    pixels = np.asarray(draw_sample_grid([row()], num_samples=2, size=SIZE))
    for column in range(6):
        left = MARGIN + column * (SIZE + MARGIN)
        assert (pixels[:CAPTION, left : left + SIZE] < 128).any()


def test_the_std_map_has_a_legend_on_a_linear_scale():
    noisy = draw_sample_grid([row(std=0.1)], num_samples=2, size=SIZE)
    assert len(np.unique(legend(noisy, 4).reshape(-1, 3), axis=0)) > SIZE // 2  # the colours in order
    louder = draw_sample_grid([row(std=0.2)], num_samples=2, size=SIZE)
    assert (panel(noisy, 0, 4) == panel(louder, 0, 4)).mean() > 0.99  # relative to the largest ...
    assert not (legend(noisy, 4) == legend(louder, 4)).all()  # ... which the legend names


def test_images_smaller_than_a_panel_and_grey_ones_are_shown():
    picture = draw_sample_grid([row(channels=1, side=32)], num_samples=1, size=SIZE)
    assert (panel(picture, 0, 0)[:32, :32] == round(0.7 * 255)).all()
    assert (panel(picture, 0, 0)[32:] == 255).all()


def test_a_single_sample_has_no_spread():
    picture = draw_sample_grid([row(num_samples=1)], num_samples=4, size=SIZE)
    assert picture.size[0] == 5 * (SIZE + MARGIN) + MARGIN
    assert len(np.unique(panel(picture, 0, 3).reshape(-1, 3), axis=0)) == 1
