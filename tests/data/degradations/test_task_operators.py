"""What the operators of masks, mosaics, luma and bilinear samples show, and what is their own."""

import numpy as np
import pytest
import torch
from kornia.color import rgb_to_grayscale
from kornia.color.raw import CFA, raw_to_rgb
from scipy.ndimage import map_coordinates

from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.masks import CenterBox, RandomPixels
from pscgan.data.degradations.operators.bayer import PHASES, Bayer
from pscgan.data.degradations.operators.luma import Luma
from pscgan.data.degradations.operators.masked import Masked, pull_push
from pscgan.data.degradations.operators.resampling import Bilinear
from pscgan.rng import Rng

KORNIA = {"RGGB": CFA.BG, "GRBG": CFA.GB, "BGGR": CFA.RG, "GBRG": CFA.GR}  # it names the cell at (1, 1)


def rng(*numbers):
    return Rng(0, "degradation", numbers)


@pytest.fixture
def clean():
    return rng(4, 7).rand(3, 24, 18)


def test_what_is_known_is_shown_and_the_map_says_where(clean):
    measurement = Linear(Masked(RandomPixels(0.5)))(clean, rng(0, 1))
    known = measurement.maps.bool().expand_as(clean)
    assert torch.equal(measurement.degraded[known], clean[known])
    assert not torch.equal(measurement.degraded[~known], clean[~known])


def test_masked_noise_is_measured_where_something_is_known():
    clean = torch.full((2, 3, 128, 128), 0.5)
    degradation = Linear(Masked(CenterBox()), sigma=20)
    measurement = degradation(clean, rng(0, 1))
    known = measurement.params["known"].expand_as(clean)
    assert (measurement.params["measured"][~known] == 0).all()
    noise = (measurement.params["measured"] - clean)[known].double() * 255 / 20
    assert abs(noise.square().mean() - 1) < 4 * (2 / noise.numel()) ** 0.5
    assert ((degradation.residual(clean, measurement) - 1).abs() < 4 / noise.numel() ** 0.5).all()


def test_the_residual_of_a_mask_does_not_count_the_hole(clean):
    degradation = Linear(Masked(CenterBox()))
    measurement = degradation(clean, rng(0, 1))
    torch.testing.assert_close(degradation.residual(clean + 1 / 255, measurement), torch.ones(2), rtol=1e-4, atol=0)


@pytest.mark.parametrize("size", [(24, 18), (7, 13), (1, 5)])
def test_holes_are_filled_within_the_range_of_what_is_known(size):
    values = rng(0, 1).rand(3, *size)
    known = RandomPixels(0.9).draw(size, rng(0, 1)).index_fill_(3, torch.tensor([2]), True)
    filled = pull_push(values, known)
    assert torch.equal(filled.where(known, 0), values.where(known, 0))
    seen = values.masked_fill(~known, torch.nan)
    assert (filled >= seen.nan_to_num(torch.inf).amin((2, 3), keepdim=True) - 1e-6).all()
    assert (filled <= seen.nan_to_num(-torch.inf).amax((2, 3), keepdim=True) + 1e-6).all()


def test_a_smooth_picture_is_filled_smoothly():
    row, column = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 64), indexing="ij")
    ramp = (0.5 * row + 0.5 * column)[None, None]
    assert (pull_push(ramp, RandomPixels(0.8).draw((64, 64), rng(0))) - ramp).abs().mean() < 0.01
    assert (pull_push(ramp, CenterBox().draw((64, 64), rng(0))) - ramp).abs().max() < 0.15


def test_nothing_known_is_grey():
    assert (pull_push(torch.rand(1, 3, 5, 6), torch.zeros(1, 1, 5, 6, dtype=torch.bool)) == 0.5).all()


@pytest.mark.parametrize("phase", PHASES)
def test_a_mosaic_holds_the_colours_of_its_phase(clean, phase):
    measurement = Linear(Bayer(phase))(clean, rng(0, 1))
    measured = measurement.params["measured"][:, 0]
    for place, colour in enumerate(phase):
        cell = (..., slice(place // 2, None, 2), slice(place % 2, None, 2))
        assert torch.equal(measured[cell], clean[:, "RGB".index(colour)][cell])
        assert (measurement.maps[:, "RGB".index(colour)][cell] == 1).all()
    assert (measurement.maps.sum(1) == 1).all()


@pytest.mark.parametrize("phase", PHASES)
def test_demosaicing_is_bilinear(clean, phase):
    """As kornia has it within the picture; it extends borders otherwise."""
    measurement = Linear(Bayer(phase))(clean, rng(0, 1))
    expected = raw_to_rgb(measurement.params["measured"], KORNIA[phase])
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(measurement.degraded[inside], expected[inside], rtol=0, atol=1e-6)
    known = measurement.params["colours"]
    assert torch.equal(measurement.degraded[known], clean[known])


@pytest.mark.parametrize("size", [(2, 2), (3, 2), (5, 7)])
def test_a_flat_picture_is_shown_as_it_is(size):
    flat = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1).expand(1, 3, *size)
    torch.testing.assert_close(Linear(Bayer("GRBG"))(flat, rng(0)).degraded, flat)


def test_all_phases_are_drawn():
    clean = torch.rand(64, 3, 4, 4)
    cells = Linear(Bayer(PHASES))(clean, rng(*range(64))).params["colours"][..., :2, :2]
    assert len(cells.flatten(1).unique(dim=0)) == 4


def test_luma_is_that_of_bt601_and_kept(clean):
    degradation = Linear(Luma())
    measurement = degradation(clean, rng(0, 1))
    torch.testing.assert_close(measurement.params["measured"], rgb_to_grayscale(clean), rtol=0, atol=1e-6)
    assert (measurement.degraded == measurement.degraded[:, :1]).all()
    other = degradation.project(clean.flip(3), measurement)
    torch.testing.assert_close(rgb_to_grayscale(other), rgb_to_grayscale(clean), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (10, 13), (4, 5)])
def test_bilinear_samples_are_at_evenly_spaced_points(size):
    image = rng(0).rand(1, *size).double()
    rows, columns = (np.linspace(0, n - 1, n // 4) for n in size)
    expected = map_coordinates(image[0, 0].numpy(), np.meshgrid(rows, columns, indexing="ij"), order=1)
    np.testing.assert_allclose(Bilinear(4).forward(image, {})[0, 0].numpy(), expected, atol=1e-12)


def test_images_below_the_factor_are_refused():
    with pytest.raises(ValueError, match=r"factor must .*3 x 8, got 4"):
        Linear(Bilinear(4))(torch.rand(1, 3, 3, 8), rng(0))


@pytest.mark.parametrize("operator", [Luma(), Bayer()], ids=["luma", "bayer"])
def test_grey_images_are_refused(operator):
    with pytest.raises(ValueError, match=r"the image must .*got 1"):
        Linear(operator)(torch.rand(1, 1, 8, 8), rng(0))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Bilinear(1), "factor must .*got 1"),
        (lambda: Luma([1, 0]), r"weights must .*got \[1, 0\]"),
        (lambda: Luma([0.5, 0.5, 0.5]), "weights must be "),
        (lambda: Luma([1.5, -0.5, 0]), "weights must be "),
        (lambda: Bayer("RGB"), "phase must .*got RGB"),
        (lambda: Bayer([]), r"phase must .*got \[\]"),
        (lambda: Bayer(["RGGB", "RGBG"]), "phase must be "),
    ],
)
def test_wrong_arguments_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
