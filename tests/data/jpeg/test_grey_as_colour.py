import pytest
import torch

from pscgan.data.jpeg import codec
from pscgan.data.jpeg.coefficients import SAMPLINGS, grey_as_colour
from pscgan.data.jpeg.reader import read

from .makers import by_pillow, picture


@pytest.mark.parametrize("sampling", SAMPLINGS.values())
@pytest.mark.parametrize("size", [(1, 1), (37, 53), (64, 48)])
def test_it_is_shown_as_the_same_grey(size, sampling, tmp_path):
    file = read(by_pillow(tmp_path / "grey.jpg", picture(size), quality=30, grey=True))
    colour = grey_as_colour(file.coded, sampling)
    assert torch.equal(codec.decode(colour)[0], file.decoded.expand(3, -1, -1))
    assert torch.equal(colour.tables[:, 1], file.coded.tables[:, 0])
