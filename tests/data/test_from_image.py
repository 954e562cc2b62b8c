"""A picture that is y is read as the measurement it came from, and windows of it stand for themselves."""

import pytest
import torch

from pscgan.data.degradations.chain import Chain
from pscgan.data.degradations.deepinv import DeepinvPhysics
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.masks import RandomPixels
from pscgan.data.degradations.operators.bayer import COLOURS, Bayer
from pscgan.data.degradations.operators.block_average import BlockAverage
from pscgan.data.degradations.operators.blur import Blur
from pscgan.data.degradations.operators.blur_kernels import GaussianKernel
from pscgan.data.degradations.operators.compressed_sensing import CompressiveSensing
from pscgan.data.degradations.operators.luma import Luma
from pscgan.data.degradations.operators.masked import Masked
from pscgan.data.degradations.operators.radon import Radon
from pscgan.data.degradations.operators.resampling import Bicubic
from pscgan.data.degradations.poisson import Poisson
from pscgan.data.degradations.quantisation import Quantisation
from pscgan.data.degradations.salt_and_pepper import SaltAndPepper
from pscgan.data.from_image import FromImage, ImageSideInfo
from pscgan.data.jpeg.coefficients import from_params
from pscgan.data.toy_posteriors.fields import noisy_field
from pscgan.rng import Rng

from .choices import NAMES, built

SIZE = (32, 48)


def picture(seed=0, size=SIZE):
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))


def measured(degradation, clean):
    return degradation(clean, Rng(0, "degradation", [3]))


def as_picture(measurement):
    """y as a file would hold it, but unrounded, and what a user or the file would tell besides."""
    params = {
        name.split(".")[-1]: value for name, value in measurement.params.items()
    }  # of a chain, the last of a name
    y = measurement.degraded if "tables" in params else params.get("measured", measurement.degraded)
    y = params.get("degraded", y)
    side_info = ImageSideInfo(
        mask=params.get("known"),
        phase=phase_of(params["colours"][0]) if "colours" in params else None,
        kernel=params["kernel"][0] if "kernel" in params else None,
        photons=float(params["photons"]) if "photons" in params else None,
        sigma=255 * float(params["sigma"]) if "sigma" in params else None,
        coefficients=next(from_params(params, *y.shape[-2:]))[1] if "tables" in params else None,
    )
    return y.expand(-1, 3, -1, -1), side_info


def phase_of(colours):
    return "".join(COLOURS[colours[:, row, column].int().argmax()] for row in (0, 1) for column in (0, 1))


IN_NO_PICTURE = ("cs8", "radon", "shear")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in IN_NO_PICTURE])
def test_what_was_measured_is_read_from_y(name):
    degradation = built(name)
    assert isinstance(degradation, FromImage)
    measurement = measured(degradation, picture())
    read = degradation.from_image(*as_picture(measurement)).measurement
    torch.testing.assert_close(read.condition, measurement.condition, rtol=0, atol=2e-6)
    other = picture(seed=1)
    for method in (degradation.residual, degradation.project):
        torch.testing.assert_close(method(other, read), method(other, measurement), rtol=1e-4, atol=1e-5)


WINDOWED = [name for name in NAMES if not name.startswith(("cs8", "jpeg", "icassp_sr4", "sr4_bicubic"))]


@pytest.mark.parametrize("name", WINDOWED)
def test_windows_are_projected_as_the_whole(name):
    degradation, clean = built(name), picture()
    measurement, drawn = measured(degradation, clean), picture(seed=1)
    whole = degradation.project(drawn, measurement)
    for top, left, height, width in [(0, 0, 16, 16), (16, 8, 16, 40), (8, 24, 24, 24)]:
        window = (..., slice(top, top + height), slice(left, left + width))
        part = measurement.window(top, left, height, width, degradation.unit)
        torch.testing.assert_close(degradation.project(drawn[window], part), whole[window], rtol=0, atol=1e-6)
        torch.testing.assert_close(part.condition, measurement.condition[window], rtol=0, atol=0)


@pytest.mark.parametrize("name", ["cs8", "icassp_sr4", "sr4_bicubic"])
def test_what_needs_the_whole_says_so(name):
    degradation = built(name)
    assert degradation.unit is None
    measurement, drawn = measured(degradation, picture()), picture(seed=1)
    part = measured(degradation, picture()[..., :16])
    difference = degradation.project(drawn[..., :16], part) - degradation.project(drawn, measurement)[..., :16]
    assert difference.abs().max() > 1e-2


def test_a_window_at_the_border_holds_what_is_left_of_a_block():
    degradation, clean = Linear(BlockAverage(3)), picture(size=(20, 31))
    measurement, drawn = measured(degradation, clean), picture(seed=1, size=(20, 31))
    whole = degradation.project(drawn, measurement)
    part = measurement.window(9, 12, 11, 19, degradation.unit)
    assert part.params["measured"].shape[-2:] == (4, 7)
    torch.testing.assert_close(degradation.project(drawn[..., 9:, 12:], part), whole[..., 9:, 12:], rtol=0, atol=1e-6)


def test_a_chain_that_can_be_undone_needs_the_whole_and_others_no_window_at_all():
    steps = [Linear(BlockAverage(2)), Quantisation(5)]
    assert Chain(steps).unit is None
    assert Chain([Linear(BlockAverage(2), sigma=3), Quantisation(5)]).unit == 1
    assert Chain(steps).scale == 2


@pytest.mark.parametrize(
    ("degradation", "told", "said"),
    [
        (Linear(Masked(RandomPixels())), ImageSideInfo(), "nothing says what of it is known"),
        (
            Linear(Masked(RandomPixels())),
            ImageSideInfo(mask=torch.ones(1, 1, *SIZE).bool()),
            "every pixel of it is known",
        ),
        (
            Linear(Masked(RandomPixels())),
            ImageSideInfo(mask=torch.zeros(1, 1, *SIZE).bool()),
            "every pixel of it is missing",
        ),
        (Linear(Bayer()), ImageSideInfo(), "it must be grey, the mosaic as a sensor measures it, got colour"),
        (
            Linear(Bayer(["RGGB", "GBRG"])),
            ImageSideInfo(),
            "phase must be that of the picture, one of RGGB, GBRG, got None",
        ),
        (Linear(Bayer(["RGGB", "GBRG"])), ImageSideInfo(phase="BGGR"), "got BGGR"),
        (Linear(Blur(GaussianKernel(5, [1, 2]))), ImageSideInfo(), "kernel must be given"),
        (
            Linear(Blur(GaussianKernel(5, [1, 2]))),
            ImageSideInfo(kernel=torch.full((33, 1), 1 / 33)),
            "pixels, got 33 x 1",
        ),
        (Poisson([10, 100]), ImageSideInfo(), "photons at white must be given, from 10 to 100, got None"),
        (Poisson([10, 100]), ImageSideInfo(photons=5.0), "from 10 to 100, got 5.0"),
        (Poisson([10, 100]), ImageSideInfo(photons=float("nan")), "from 10 to 100, got nan"),
        (Jpeg(10), ImageSideInfo(), "it must be a .jpg file"),
        (Chain([Linear(Bicubic(2)), Jpeg(10)]), ImageSideInfo(), "it must be a .jpg file"),
        (
            Chain([Linear(Luma()), Quantisation(5)]),
            ImageSideInfo(),
            "trained on a chain with Luma, of which no picture is read",
        ),
    ],
)
def test_what_a_picture_does_not_show_must_be_told(degradation, told, said):
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        degradation.from_image(picture(), told)


class Physics:
    A = A_adjoint = A_dagger = staticmethod(lambda image: image)


@pytest.mark.parametrize("operator", [DeepinvPhysics(Physics()), CompressiveSensing(0.5), Radon(3)])
def test_what_measures_no_picture_is_named(operator):
    with pytest.raises(ValueError, match=f"trained on {type(operator).__name__}, whose y no picture file holds"):
        Linear(operator).from_image(picture(), ImageSideInfo())


def test_worlds_are_in_no_picture():
    assert not isinstance(noisy_field(4).degradation, FromImage)


def test_luma_of_a_picture_with_colour_is_taken_with_a_warning():
    colourise, image = Linear(Luma()), picture()
    reading = colourise.from_image(image, ImageSideInfo())
    assert reading.warnings == ("it has colour, of which only the brightness is taken",)
    torch.testing.assert_close(
        reading.measurement.params["measured"][:, 0], (image * torch.tensor(Luma().weights)[:, None, None]).sum(dim=1)
    )
    grey = image[:, :1].expand(-1, 3, -1, -1)
    assert colourise.from_image(grey, ImageSideInfo()).warnings == ()


def in_eight_bits(image):
    return (255 * image).round() / 255


@pytest.mark.parametrize("levels", [2, 3, 5, 11, 16])
def test_levels_that_were_drawn_are_found(levels):
    degradation = Quantisation([2, 16])
    drawn = Quantisation(levels)(picture(), Rng(0, "degradation", [0]))
    reading = degradation.from_image(in_eight_bits(drawn.degraded), ImageSideInfo())
    assert reading.facts == {"levels": levels}
    assert reading.warnings == ()
    torch.testing.assert_close(reading.measurement.degraded, drawn.degraded)
    assert (reading.measurement.maps == 1 / torch.tensor(float(levels))).all()


def test_levels_shown_by_other_values_are_counted():
    posterised = (picture() * 6).floor() / 5  # from black to white, as picture editors do it
    reading = Quantisation([2, 16]).from_image(in_eight_bits(posterised), ImageSideInfo())
    assert reading.facts == {"levels": 6}
    cell = (picture() * 6).floor()
    torch.testing.assert_close(reading.measurement.degraded, (cell + 0.5) / 6)


def test_a_picture_that_was_not_quantised_is_warned_of():
    reading = Quantisation(5).from_image(in_eight_bits(picture()), ImageSideInfo())
    (said,) = reading.warnings
    assert said.endswith("values a channel; it is taken for one of 5 levels")
    assert len(reading.measurement.degraded.unique()) == 5


def test_the_share_of_black_and_white_is_found_and_warned_of():
    degraded = SaltAndPepper(0.4)(picture(size=(200, 200)), Rng(0, "degradation", [0])).degraded
    reading = SaltAndPepper([0.1, 0.6]).from_image(degraded, ImageSideInfo())
    assert reading.facts["rate"] == pytest.approx(0.4, abs=4 * (0.24 / degraded.numel()) ** 0.5)
    assert reading.measurement.maps.unique().item() == pytest.approx(reading.facts["rate"])
    (said,) = SaltAndPepper(0.1).from_image(degraded, ImageSideInfo()).warnings
    assert said.endswith("of its values is black or white; the run was trained on 0.1")
