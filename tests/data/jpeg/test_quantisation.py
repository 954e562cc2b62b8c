import pytest
import torch

from pscgan.data.jpeg.coefficients import JpegCoefficients, Sampling
from pscgan.data.jpeg.quantisation import estimate_quality, tables_of_quality


def of_tables(tables):
    return estimate_quality(JpegCoefficients([], tables, Sampling(1, 1), 8, 8))


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("quality", [2, 10, 49, 50, 75, 100])
def test_every_quality_is_recognised(quality, components):
    assert of_tables(tables_of_quality(torch.tensor([quality]), components)) == (quality, True)


def test_tables_of_others_come_near_to_one_and_are_not_exact():
    tables = tables_of_quality(torch.tensor([40]), 3)
    tables[0, 2, 7, 7] += 1
    assert of_tables(tables) == (40, False)
    assert of_tables(torch.full((1, 1, 8, 8), 60000)) == (1, False)
