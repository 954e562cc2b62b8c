"""Lognormal convergence fields: their power, their shape, and that they are read as image files."""

import math

import pytest
import torch

from pscgan.data.convergence_fields import KAPPA_A_UNIT, LognormalFields, convergence_power
from pscgan.data.sources.image_source import ImageSource
from pscgan.rng import Rng

FIELDS = LognormalFields(15)


@pytest.fixture(scope="module")
def drawn():
    return FIELDS.draw(Rng(0, "fields", range(2000))).double()


def test_the_power_is_that_of_gaussian_fields():
    """A standard deviation of κ of 0.0182; what is set to 0 of the Gaussian field moves no coefficient by 1 %."""
    wanted = convergence_power(15)
    assert KAPPA_A_UNIT * wanted.mean().sqrt() == pytest.approx(0.0182)
    torch.testing.assert_close(FIELDS.power, wanted, rtol=0.01, atol=1e-15)


def test_fields_have_the_power_that_is_claimed(drawn):
    """Each coefficient within 5 standard errors: 112 are independent, of a law with longer tails than the normal."""
    power = torch.fft.fft2(drawn[:, 0] - 0.5, norm="ortho").abs().square()
    error = power.std(dim=0) / math.sqrt(len(power))
    assert ((power.mean(dim=0) - FIELDS.power).abs() <= 5 * error + 1e-12).all()
    assert (drawn.mean(dim=(1, 2, 3)) - 0.5).abs().max() < 1e-6


def test_fields_are_skewed_as_lognormal_ones(drawn):
    """Skewness (e^{s²} + 2) √(e^{s²} − 1), of which the mean of a field, taken away, has nothing left to change."""
    excess = FIELDS.power.mean() / (0.03 / KAPPA_A_UNIT) ** 2  # e^{s²} − 1
    expected = (3 + excess) * excess.sqrt()
    cubes = ((drawn - 0.5) / FIELDS.power.mean().sqrt()).pow(3).mean(dim=(1, 2, 3))
    assert abs(cubes.mean() - expected) < 4 * cubes.std() / math.sqrt(len(cubes))


def test_a_field_is_a_function_of_its_number(drawn):
    assert torch.equal(FIELDS.draw(Rng(0, "fields", [7])).double(), drawn[7:8])


def test_fields_are_read_as_grey_files_of_8_bits():
    source = ImageSource("lognormal:15", channels=1)
    image = source.read(source.names[3])
    expected = LognormalFields(15).draw(Rng(0, "lognormal", [3]))[0].clamp(0, 1)
    assert (image.float() / 255 - expected).abs().max() < 0.501 / 255
    assert (len(source.names), source.size(source.names[3])) == (10_000, (15, 15))


@pytest.mark.parametrize("root", ["lognormal:", "lognormal:1", "lognormal:31x31"])
def test_no_size_is_refused(root):
    with pytest.raises(ValueError, match=r"must be .*got "):
        ImageSource(root, channels=1)
