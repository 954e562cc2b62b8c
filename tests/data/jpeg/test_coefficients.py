"""Coefficients of a part are those of the file, and grey as colour is the same grey."""

import pytest
import torch

from pscgan.data.jpeg import codec
from pscgan.data.jpeg.coefficients import SAMPLINGS, grey_as_colour, unit
from pscgan.data.jpeg.reader import read
from pscgan.data.jpeg.verify import verify

from .makers import by_pillow, picture


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("window", [(0, 0, 70, 61), (16, 32, 32, 16), (48, 48, 22, 13), (64, 0, 6, 61)])
def test_levels_of_a_part_are_those_that_encoding_the_part_gives(subsampling, window, tmp_path):
    file = read(by_pillow(tmp_path / "photo.jpg", picture((61, 70)), quality=30, subsampling=subsampling))
    top, left, height, width = window
    assert top % unit(file.coefficients) == left % unit(file.coefficients) == 0
    part = file.coefficients.window(*window)
    pixels = torch.tensor(picture((61, 70))).movedim(-1, 0)[None].float()[..., top : top + height, left : left + width]
    again = codec.encode(pixels, part.tables, part.sampling)
    assert all(torch.equal(a, b) for a, b in zip(part.levels, again.levels, strict=True))
    assert verify(pixels.to(torch.uint8), part).exact


@pytest.mark.parametrize("sampling", SAMPLINGS.values())
@pytest.mark.parametrize("size", [(1, 1), (37, 53), (64, 48)])
def test_grey_as_colour_is_shown_as_the_same_grey(size, sampling, tmp_path):
    file = read(by_pillow(tmp_path / "grey.jpg", picture(size), quality=30, grey=True))
    colour = grey_as_colour(file.coefficients, sampling)
    assert torch.equal(codec.decode(colour)[0], file.decoded.expand(3, -1, -1))
    assert torch.equal(colour.tables[:, 1], file.coefficients.tables[:, 0])
