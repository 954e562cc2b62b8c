"""JPEG as a degradation: what it draws, what it tells the networks, what it refuses."""

import numpy as np
import pytest
import torch

from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.jpeg import codec
from pscgan.data.jpeg.coefficients import SAMPLINGS, from_params
from pscgan.data.jpeg.differentiable_codec import synthesise
from pscgan.data.jpeg.quantisation import tables_of_quality
from pscgan.rng import Rng

from .jpeg import libjpeg


def clean(count, height=16, width=16, kind="4:2:0"):
    return torch.cat([libjpeg.tensor(libjpeg.photograph(i, height, width, kind)) for i in range(count)]) / 255


def measured(degradation, x):
    return degradation(x, Rng(0, "degradation", range(len(x))))


def equal(one, two):
    return (
        torch.equal(one.condition, two.condition)
        and one.params.keys() == two.params.keys()
        and all(torch.equal(value, two.params[name]) for name, value in one.params.items())
    )


@pytest.mark.parametrize("kind", libjpeg.KINDS)
def test_it_shows_what_pillow_shows(kind, tmp_path):
    pixels = libjpeg.photograph(2, 45, 54, kind)
    file = libjpeg.read(libjpeg.save(tmp_path / "a.jpg", pixels, kind, quality=30))
    sampling, channels = ("4:2:0", 1) if kind == "grey" else (kind, 3)
    degraded = measured(Jpeg(30, sampling, channels), libjpeg.tensor(pixels) / 255).degraded
    assert np.array_equal(libjpeg.array((255 * degraded[0]).round().byte()), file.shown)


def test_qualities_are_uniform_within_their_bounds():
    measurement = measured(Jpeg([20, 23]), torch.full((400, 3, 8, 8), 0.5))
    known = tables_of_quality(torch.arange(1, 101), 3)
    drawn = (measurement.params["tables"][:, None] == known).flatten(2).all(2).nonzero()[:, 1] + 1
    counts = torch.bincount(drawn, minlength=101)
    assert counts.sum() == counts[20:24].sum() == 400
    # of 400 draws, each of four has 100 with standard deviation sqrt(75); four of them miss in 1 of 4,000 seeds
    assert (counts[20:24] - 100).abs().max() < 4 * 75**0.5


def test_samplings_are_uniform():
    names = ["4:4:4", "4:2:2", "4:2:0"]
    drawn = measured(Jpeg(50, names), torch.full((300, 3, 8, 8), 0.5)).params["sampling"]
    for name in names:
        count = (drawn == torch.tensor(SAMPLINGS[name])).all(dim=1).sum()
        assert abs(count - 100) < 4 * (300 * 2 / 9) ** 0.5


def test_draws_depend_on_the_image_alone():
    degradation, x = Jpeg([5, 95], ["4:4:4", "4:2:0", "4:2:2"]), clean(8, 21, 35)
    together = measured(degradation, x)
    assert equal(together, measured(degradation, x))
    for i in (0, 5, 7):
        assert equal(together[i : i + 1], degradation(x[i : i + 1], Rng(0, "degradation", [i])))
    order = torch.tensor([6, 1, 3])
    assert equal(together[order], degradation(x[order], Rng(0, "degradation", order.tolist())))


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("maps", [["steps", "coefficients"], ["coefficients"], []])
def test_the_condition_has_the_channels_it_announces(channels, maps):
    degradation = Jpeg(10, channels=channels, maps=maps)
    measurement = measured(degradation, clean(2, 19, 27, "grey" if channels == 1 else "4:2:0"))
    assert degradation.num_maps == len(maps) * channels
    assert measurement.condition.shape == (2, channels + degradation.num_maps, 19, 27)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_maps_say_step_and_coefficient_at_a_pixels_place(sampling):
    height, width = 32, 48
    measurement = measured(Jpeg([5, 95], sampling, maps=["steps", "coefficients"]), clean(3, height, width))
    ((_, coded),) = from_params(measurement.params, height, width)
    for component in range(3):
        steps, coefficients = measurement.maps[:, 2 * component : 2 * component + 2].unbind(1)
        horizontal, vertical = SAMPLINGS[sampling] if component else (1, 1)
        assert steps.min() >= 0
        assert steps.max() <= 1
        assert (coefficients - 0.5).abs().max() <= (1024 + 255 / 2) / 1024
        row, column = torch.arange(height) // vertical, torch.arange(width) // horizontal
        table = coded.tables[:, component][:, row % 8][:, :, column % 8]
        assert torch.equal(steps, table.float().log2() / 8)
        levels = coded.levels[component][:, row][:, :, column]
        assert torch.allclose(coefficients, 0.5 + levels * table / 1024)


def test_the_inverse_transform_of_the_maps_is_the_picture():
    measurement = measured(Jpeg(80, "4:4:4", maps=["coefficients"]), clean(2, 32, 48))
    planes = [1024 * (measurement.maps[:, component] - 0.5) for component in range(3)]
    picture = 128 + synthesise(planes, SAMPLINGS["4:4:4"], 32, 48)
    difference = picture.clamp(0, 255) - 255 * measurement.degraded
    assert difference.square().mean().sqrt() < 1  # the decoder rounds, and clips planes before it mixes colours


def test_a_file_is_measured_as_its_picture_was():
    degradation, x = Jpeg(35, "4:2:2"), clean(2, 21, 30)
    coded = codec.encode((255 * x).round(), tables_of_quality(torch.tensor([35, 35]), 3), SAMPLINGS["4:2:2"])
    assert equal(degradation.measure(coded), measured(degradation, x))
    shown = torch.zeros(2, 3, 21, 30, dtype=torch.uint8)
    assert (degradation.measure(coded, shown).degraded == 0).all()


def test_params_hold_the_file():
    x = clean(6, 21, 35)
    measurement = measured(Jpeg([5, 95], list(SAMPLINGS)), x)
    for images, coded in from_params(measurement.params, 21, 35):
        again = codec.encode((255 * x[images]).round(), coded.tables, coded.sampling)
        assert all(torch.equal(one, two) for one, two in zip(coded.levels, again.levels, strict=True))
        assert torch.equal(codec.decode(coded).float() / 255, measurement.degraded[images])


def test_the_truth_has_no_residual_and_finishing_reaches_none():
    degradation, x = Jpeg([5, 75], list(SAMPLINGS)), clean(6, 21, 35)
    measurement = measured(degradation, x)
    assert (degradation.residual(x, measurement) == 0).all()
    start = (x.roll(3, dims=3) + 0.1).clamp(0, 1)
    finished = degradation.to_exact_uint8(start, measurement)
    assert finished.dtype == torch.uint8
    assert (degradation.residual(start, measurement) > 0).all()
    assert degradation.verify(finished, measurement).exact.all()
    assert (degradation.residual(finished / 255, measurement) == 0).all()
    apart = [degradation.to_exact_uint8(start[i : i + 1], measurement[i : i + 1]) for i in range(6)]
    assert torch.equal(finished, torch.cat(apart))


@pytest.mark.parametrize("quality", [0, 101, -3, [50, 10], [0, 10], [10, 101], [10], [1, 2, 3], [], [1.5, 3], 7.5])
def test_wrong_qualities_are_refused(quality):
    with pytest.raises(ValueError, match=r"quality must be "):
        Jpeg(quality)


@pytest.mark.parametrize("sampling", ["4:1:1", "420", "", [], ["4:2:0", "4:4:0"], 444])
def test_wrong_samplings_are_refused(sampling):
    with pytest.raises(ValueError, match=r"sampling must be "):
        Jpeg(10, sampling)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 2}, r"channels must .*got 2"),
        ({"channels": 0}, r"channels must .*got 0"),
        ({"tolerance": -0.1}, r"tolerance must be >= 0, got -0.1"),
        ({"maps": True}, r"maps must .*got True"),
        ({"maps": "steps"}, r"maps must .*got steps"),
        ({"maps": ["steps", "steps"]}, r"maps must be "),
        ({"tolerance": float("nan")}, r"tolerance must be >= 0, got nan"),
    ],
)
def test_other_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Jpeg(10, **arguments)
