"""Padding mirrors where it can, repeats where it cannot, and leaves what fits alone."""

import torch

from pscgan.models.layers import pad_to_multiple


def test_border_is_mirrored():
    row = torch.arange(6.0).view(1, 1, 1, 6).expand(1, 1, 4, 6)
    assert pad_to_multiple(row, 4)[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 4, 3]


def test_border_is_repeated_where_the_mirror_image_is_too_small():
    row = torch.arange(2.0).view(1, 1, 1, 2)
    assert pad_to_multiple(row, 4)[0, 0].tolist() == [[0, 1, 1, 1]] * 4


def test_multiples_stay():
    image = torch.rand(1, 2, 8, 4)
    assert torch.equal(pad_to_multiple(image, 4), image)
