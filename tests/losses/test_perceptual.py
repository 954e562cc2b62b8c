"""The loss against scipy, the integral over distribution functions, its own derivative, and a world of textures."""

import pytest
import torch
from scipy.stats import wasserstein_distance

from pscgan.losses.distances import MeanDistance
from pscgan.losses.energy_score import EnergyScore
from pscgan.losses.experimental.feature_distances import SlicedWasserstein
from pscgan.losses.perceptual import ProjectedDistributionLoss, wasserstein

from .scalar_world import normal
from .taps import Smooth, pixels


@pytest.mark.parametrize(("P", "Q"), [(50, 50), (12, 8), (7, 30), (1, 5)])
def test_w1_of_any_counts_equals_scipy(P, Q):
    a, b = normal(0, P), normal(1, Q)
    assert wasserstein(a.sort().values, b.sort().values).item() == pytest.approx(wasserstein_distance(a, b), rel=1e-9)


def test_w1_is_the_area_between_distribution_functions():
    a, b = normal(2, 40).sort().values, normal(3, 25).sort().values
    places = torch.cat([a, b]).sort().values
    F_a, F_b = (torch.searchsorted(x, places[:-1], right=True) / len(x) for x in (a, b))
    assert torch.allclose(wasserstein(a, b), ((F_a - F_b).abs() * places.diff()).sum(), rtol=1e-6)


def test_w2_of_any_counts_is_that_of_the_repeated_numbers():
    a, b = normal(4, 6).sort().values, normal(5, 4).sort().values
    expected = (a.repeat_interleave(2) - b.repeat_interleave(3)).square().mean().sqrt()
    assert torch.allclose(wasserstein(a, b, p=2), expected, rtol=1e-12)


def test_is_the_mean_of_scipy_over_channels_summed_over_weighted_taps():
    x, y, features = normal(6, 2, 2, 6, 6), normal(7, 2, 2, 6, 6), Smooth()
    expected = 0.0
    for weight, one, other in zip((0.5, 2.0), features(x), features(y), strict=True):
        channels = zip(one.flatten(0, 1).flatten(1), other.flatten(0, 1).flatten(1), strict=True)
        distances = [wasserstein_distance(a, b) for a, b in channels]
        expected += weight * sum(distances) / len(distances)
    assert ProjectedDistributionLoss(features, (0.5, 2.0))(x, y).item() == pytest.approx(expected, rel=1e-9)


def test_gradient_is_the_sign_of_the_sorted_difference_scattered_back():
    x, y = normal(8, 1, 3, 4, 5).requires_grad_(), normal(9, 1, 3, 4, 5)
    ProjectedDistributionLoss(pixels)(x, y).backward()
    rank = x.detach().flatten(2).argsort(dim=-1).argsort(dim=-1)
    partner = y.flatten(2).sort(dim=-1).values.gather(-1, rank)
    expected = (x.detach().flatten(2) - partner).sign() / (3 * 20)
    assert torch.allclose(x.grad.flatten(2), expected)


def test_order_of_pixels_does_not_matter_to_a_feature_of_single_pixels():
    def mixed(images):
        return Smooth()(images)[:1]

    x, y = normal(10, 2, 2, 5, 5), normal(11, 2, 2, 5, 5)
    moved = x.flatten(2)[..., torch.randperm(25, generator=torch.Generator().manual_seed(0))].view_as(x)
    for loss in (ProjectedDistributionLoss(mixed), SlicedWasserstein(mixed)):
        assert torch.allclose(loss(moved, y), loss(x, y), rtol=1e-12)


def test_random_directions_see_how_channels_vary_together_and_channels_do_not():
    shared = normal(12, 1, 1, 64, 64)
    together = torch.cat([shared, shared], dim=1)
    apart = torch.cat([shared, shared.flip(-2)], dim=1)  # the same marginals, nothing in common
    channels, random = ProjectedDistributionLoss(pixels), SlicedWasserstein(pixels)
    assert channels(together, apart).item() == pytest.approx(0, abs=1e-12)
    assert random(together, apart) > 0.1


def test_random_directions_have_the_scale_of_channels():
    x, y = normal(13, 1, 32, 16, 16), 2 * normal(14, 1, 32, 16, 16)
    channels, random = ProjectedDistributionLoss(pixels)(x, y).item(), SlicedWasserstein(pixels)(x, y).item()
    assert random == pytest.approx(channels, rel=0.1)


def test_quantiles_and_channels_choose_among_the_sorted_ones():
    x, y = normal(15, 1, 6, 8, 8), normal(16, 1, 6, 8, 8)
    few = ProjectedDistributionLoss(pixels, quantiles=8, channels=2)
    a, b = few.embed(x)[0], few.embed(y)[0]
    assert a.shape == b.shape == (1, 2, 8)
    whole = x.flatten(2).sort(dim=-1).values[0]
    assert all(any(torch.equal(row, other[4::8]) for other in whole) for row in a[0])
    everything = ProjectedDistributionLoss(pixels, quantiles=64, channels=6)(x, y)
    assert torch.equal(everything, ProjectedDistributionLoss(pixels)(x, y))


def textures(seed, K, count, spread):
    """Noise of a random offset and amplitude, an image each: (K, count, 1, 4, 4)."""
    offset = 0.5 * spread * normal(seed, K, count, 1, 1, 1)
    amplitude = 1 + 0.5 * spread * normal(seed + 1, K, count, 1, 1, 1)
    return offset + amplitude * normal(seed + 2, K, count, 1, 4, 4)


@pytest.mark.parametrize("distance", [ProjectedDistributionLoss(pixels), SlicedWasserstein(pixels, directions=2)])
def test_energy_form_ranks_the_truth_first_and_the_plain_form_collapse(distance):
    count = 4000
    clean = textures(20, 1, count, 1.0)[0]
    samples = {spread: textures(30, 2, count, spread) for spread in (1.0, 0.5, 0.0)}
    plain = {spread: MeanDistance(distance)(x, clean, None).item() for spread, x in samples.items()}
    energy = {spread: EnergyScore(distance)(x, clean, None).item() for spread, x in samples.items()}
    assert plain[0.0] < plain[0.5] < plain[1.0]
    assert energy[1.0] < energy[0.5] < energy[0.0]


@pytest.mark.parametrize(
    ("kind", "arguments", "named"),
    [
        (ProjectedDistributionLoss, {"p": 3}, "p must.*3"),
        (ProjectedDistributionLoss, {"quantiles": 0}, "quantiles.*0"),
        (ProjectedDistributionLoss, {"channels": 0}, "channels.*0"),
        (ProjectedDistributionLoss, {"weights": [-1.0]}, r"weights.*\[-1.0\]"),
        (SlicedWasserstein, {"directions": 0}, "directions.*0"),
    ],
)
def test_bad_arguments_are_refused_by_name(kind, arguments, named):
    with pytest.raises(ValueError, match=named):
        kind(pixels, **arguments)
