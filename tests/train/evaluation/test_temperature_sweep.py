"""Samples of less z: from the posterior mean to a sample."""

import pytest

from pscgan.train.evaluation.curves import perception_distortion_curve
from pscgan.train.evaluation.methods import Degraded
from pscgan.train.evaluation.temperature_sweep import TemperatureSweep
from pscgan.train.metrics.patch_distribution import PatchDistribution

from .wiener import Wiener, field

IMAGES = 2_000


def sweep(restorer, clean, measurement, numbers, sigma_zs):
    return TemperatureSweep(sigma_zs, len(numbers), 0).metrics(restorer, clean, measurement, numbers)


@pytest.fixture(scope="module")
def curve():
    world, clean, measurement = field(IMAGES)
    whole = PatchDistribution(8)
    whole.update(Wiener(world).restore(measurement, 8, range(IMAGES)), clean)
    metrics = sweep(Wiener(world), clean, measurement, range(IMAGES), [1.0, 0.0, 0.5])
    found = {sigma_z: at.compute() for (_, sigma_z), at in metrics.items()}
    return perception_distortion_curve(whole.compute(), {"sigma_z": found})


def test_error_grows_with_the_square_of_sigma_z(curve):
    """(1 + sigma_z²) of the least."""
    least = curve["bound"][0]["rmse"] ** 2
    assert [point["sigma_z"] for point in curve["sigma_z"]] == [0, 0.5, 1]
    for point in curve["sigma_z"]:
        assert point["rmse"] ** 2 == pytest.approx((1 + point["sigma_z"] ** 2) * least, rel=0.03)


def test_distance_falls_from_that_of_the_mean_to_that_of_chance(curve):
    away, chance = curve["bound"][0]["distance"], curve["averaged"][0]["distance"]
    centre, _, sample = (point["distance"] for point in curve["sigma_z"])
    assert centre == pytest.approx(away, rel=0.03)
    assert chance < sample < away / 2.5  # one sample an image is fewer patches than all of K
    assert curve["bound"][-1]["distance"] == 0
    assert [set(points[0]) for points in curve.values()] == [
        {"n", "rmse", "distance"},
        {"sigma_z", "rmse", "distance"},
        {"rmse", "distance"},
    ]


def test_images_add_up_for_the_same_z():
    world, clean, measurement = field(3)
    whole = sweep(Wiener(world), clean, measurement, range(3), [0.5])["sigma_z", 0.5]
    parts = [
        sweep(Wiener(world), clean[b : b + 1], measurement[b : b + 1], [b], [0.5])["sigma_z", 0.5].error
        for b in range(3)
    ]
    assert float(sum(parts)) == pytest.approx(float(whole.error), rel=1e-6)


def test_without_z_there_is_nothing_to_sweep():
    _, clean, measurement = field(1)
    assert sweep(Degraded(), clean, measurement, [0], [0.5]) == {}
