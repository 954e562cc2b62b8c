"""y is given: it comes out as it went in, and what would need an operator is refused."""

import pytest
import torch

from pscgan.data.degradation import channels_read, measure
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.recorded import Recorded
from pscgan.rng import Rng

NUMBERS = [4, 7]


def of_colour(channels=3, stream="picture"):
    return Rng(0, stream, NUMBERS).rand(channels, 16, 24)


@pytest.mark.parametrize("channels", [1, 3])
def test_pairs_come_apart_into_clean_and_recorded(channels):
    clean, recorded = of_colour(channels), of_colour(channels, "recorded")
    found, measurement = measure(Recorded(), torch.cat([clean, recorded], dim=1), Rng(0, "degradation", NUMBERS))
    assert torch.equal(found, clean)
    assert torch.equal(measurement.degraded, recorded)
    assert torch.equal(measurement.condition, recorded)
    assert measurement.params == {}
    assert found.is_contiguous()
    assert measurement.degraded.is_contiguous()


def test_other_degradations_are_given_the_clean_images_and_the_same_draws():
    clean = of_colour()
    found, measurement = measure(GaussianNoise(50), clean, Rng(0, "degradation", NUMBERS))
    assert found is clean
    assert torch.equal(measurement.degraded, GaussianNoise(50)(clean, Rng(0, "degradation", NUMBERS)).degraded)


def test_a_data_set_gives_twice_the_channels_where_y_is_recorded():
    assert [channels_read(channels, Recorded()) for channels in (1, 3)] == [2, 6]
    assert [channels_read(channels, GaussianNoise(50)) for channels in (1, 3)] == [1, 3]


def test_a_picture_alone_is_a_measurement():
    recorded = of_colour()
    assert torch.equal(Recorded().measure(recorded).condition, recorded)


def test_projection_is_the_identity():
    restored = of_colour()
    assert torch.equal(Recorded().project(restored, Recorded().measure(of_colour(stream="recorded"))), restored)


def test_what_needs_an_operator_is_refused():
    clean = of_colour()
    with pytest.raises(ValueError, match=r"is Recorded, which makes no y of a clean image: give pairs"):
        Recorded()(clean, Rng(0, "degradation", NUMBERS))
    with pytest.raises(ValueError, match=r"is Recorded, which has no residual"):
        Recorded().residual(clean, Recorded().measure(clean))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_are_no_pairs_is_refused(channels):
    with pytest.raises(ValueError, match=f"pairs must .*got {channels}"):
        measure(Recorded(), of_colour(channels), Rng(0, "degradation", NUMBERS))
