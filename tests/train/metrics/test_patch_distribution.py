"""The plane of Gaussian images, in closed form, and what holds for any."""

import math
from itertools import combinations

import pytest
import torch
from scipy import linalg

from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.luma import luma
from pscgan.data.toy_posteriors.fields import noisy_field
from pscgan.rng import Rng
from pscgan.train.metrics.frechet import bures
from pscgan.train.metrics.patch_distribution import PatchDistribution, gelbrich

IMAGES, K, N = 6_000, 4, 64  # fields of one patch


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scores(samples_KBCHW, clean, patch=8):
    law = PatchDistribution(len(samples_KBCHW), patch)
    law.update(samples_KBCHW, clean)
    return law.compute()


@pytest.fixture(scope="module")
def world():
    return noisy_field(8, sigma=50)


@pytest.fixture(scope="module")
def drawn(world):
    """x, E[x | y] and exact samples."""
    rng = Rng(0, "world", range(IMAGES))
    clean = world.draw(rng).double()
    measurement = world.degradation(clean, rng)
    return clean, world.posterior_mean(measurement), world.posterior_samples(measurement, K, rng)


@pytest.fixture(scope="module")
def theory(world):
    """D*, P*."""
    law_of_mean = world.covariance - world.posterior_covariance
    return float(world.posterior_covariance.trace() / N), math.sqrt(bures(law_of_mean, world.covariance))


def test_an_exact_sampler_has_no_distance_and_twice_the_error(drawn, theory):
    clean, _, samples = drawn
    score = scores(samples, clean)
    least, away = theory
    assert score["averaged"][0]["rmse"] ** 2 == pytest.approx(2 * least, rel=0.01)
    assert score["sample"] < 0.25 * away
    assert score["limit"]["rmse"] ** 2 == pytest.approx(least, rel=0.01)
    assert score["limit"]["distance"] == pytest.approx(away, rel=0.02)
    for point in score["averaged"]:
        assert point["rmse"] ** 2 == pytest.approx((1 + 1 / point["n"]) * least, rel=0.01)


def test_the_posterior_mean_is_the_limit_and_the_end_of_the_bound(drawn, theory):
    clean, mean, samples = drawn
    score, of_samples = scores(mean[None], clean), scores(samples, clean)
    assert score["limit"]["rmse"] ** 2 == pytest.approx(theory[0], rel=0.01)
    assert score["limit"]["distance"] == pytest.approx(theory[1], rel=0.02)
    assert score["bound"][0] == pytest.approx(score["limit"])
    for name in ("rmse", "distance"):
        assert of_samples["limit"][name] == pytest.approx(score["limit"][name], rel=0.02)


def test_the_transported_mean_lies_on_the_bound(world, drawn, theory):
    """x̂ = T x̂* at the other end, T the optimal transport, and lines between (Freirich, Michaeli and Meir 2021)."""
    clean, mean, _ = drawn
    source, target = (world.covariance - world.posterior_covariance).numpy(), world.covariance.numpy()
    root = linalg.sqrtm(source).real
    inverse = linalg.inv(root)
    T = torch.tensor(inverse @ linalg.sqrtm(root @ target @ root).real @ inverse)
    transported = 0.5 + ((mean - 0.5).flatten(1) @ T.T).view_as(mean)
    least, away = theory
    for share in (0.0, 0.3, 0.7):
        point = scores((share * mean + (1 - share) * transported)[None], clean)["limit"]
        floor = 0.012  # what 6,000 patches leave of a distance of 0, in quadrature
        assert point["distance"] == pytest.approx(math.hypot(share * away, floor), abs=0.004)
        assert point["rmse"] ** 2 == pytest.approx(least + ((1 - share) * away) ** 2, rel=0.01)


def test_means_of_samples_are_beyond_the_bound(drawn):
    clean, _, samples = drawn
    score = scores(samples, clean)
    assert_beyond(score)
    assert score["averaged"][0]["rmse"] > 1.05 * least_rmse(score, score["sample"])  # strictly: noise is no transport


def least_rmse(score, distance):
    return math.hypot(score["limit"]["rmse"], max(score["limit"]["distance"] - distance, 0))


def assert_beyond(score):
    for point in score["averaged"]:
        assert point["rmse"] >= least_rmse(score, point["distance"]) - 1e-9
    for point in score["bound"]:
        assert point["rmse"] == pytest.approx(least_rmse(score, point["distance"]))


def test_means_of_samples_are_beyond_the_bound_for_any_law():
    """Not only in expectation and not only for Gaussians, as long as V/K leaves the limit a covariance."""
    content = normal(0, 400, 1, 8, 8).exp()
    samples = 0.7 * content + 0.2 * normal(1, 6, 400, 1, 8, 8).sign() * content.sqrt()
    assert_beyond(scores(samples, content + 0.3 * normal(2, 400, 1, 8, 8), patch=4))


@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_mean_of_n_is_that_over_all_choices(n):
    samples, clean = normal(3, 5, 3, 1, 8, 12), normal(4, 3, 1, 8, 12)
    law = PatchDistribution(5, 4)
    law.update(samples, clean)
    means = [samples[list(chosen)].mean(dim=0) for chosen in combinations(range(5), n)]
    every = scores(torch.cat(means)[None], clean.repeat(len(means), 1, 1, 1), patch=4)["limit"]
    (point,) = (point for point in law.compute()["averaged"] if point["n"] == n)
    assert (point["rmse"], point["distance"]) == pytest.approx((every["rmse"], every["distance"]), rel=1e-9)


def test_counts_are_powers_of_two_and_k():
    for number, counts in ((1, [1]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])):
        score = scores(normal(5, number, 1, 1, 8, 8), normal(6, 1, 1, 8, 8))
        assert [point["n"] for point in score["averaged"]] == counts
        assert (score["sample"], score["mean"]) == tuple(score["averaged"][i]["distance"] for i in (0, -1))


def test_a_shift_is_the_distance():
    clean = normal(7, 5, 1, 16, 16)
    point = scores((clean + 0.25)[None], clean)["limit"]
    assert (point["rmse"], point["distance"]) == pytest.approx((0.25, 0.25), rel=1e-6)


def test_shuffled_images_have_the_law_and_not_the_content():
    clean = normal(8, 50, 1, 16, 16)
    point = scores(clean.roll(1, 0)[None], clean)["limit"]
    assert point["distance"] == pytest.approx(0, abs=1e-6)
    assert point["rmse"] == pytest.approx(math.sqrt(2), rel=0.03)


def test_the_gelbrich_distance_is_that_of_scipy():
    root, other = normal(9, 5, 5), normal(10, 5, 5)
    A, B, a, b = root @ root.T, other @ other.T, normal(11, 5), normal(12, 5)
    cross = linalg.sqrtm(linalg.sqrtm(B.numpy()) @ A.numpy() @ linalg.sqrtm(B.numpy())).real
    squared = float((a - b).square().sum() + A.trace() + B.trace()) - 2 * cross.trace()
    assert gelbrich((a, A), (b, B)) == pytest.approx(math.sqrt(squared / 5), rel=1e-9)


def test_patches_lie_side_by_side_in_luma():
    colour = torch.rand(2, 3, 9, 14, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([0.299, 0.587, 0.114])
    grey = (colour * weights[:, None, None]).sum(dim=1, keepdim=True)
    assert torch.allclose(luma(colour), grey)
    law = PatchDistribution(1, 4)
    law.update(colour[None], colour)
    expected = torch.nn.functional.unfold(grey[..., :8, :12], 4, stride=4).movedim(1, 2).flatten(0, 1).double()
    assert law.clean_count == len(expected) == 12
    assert law.even_count == 6
    assert torch.allclose(law.clean_first, expected.sum(dim=0), rtol=1e-6)
    assert torch.allclose(law.clean_second, expected.T @ expected, rtol=1e-6)


def test_the_floor_is_that_of_every_second_patch():
    clean = normal(13, 1, 1, 4, 8)
    left, right = clean[0, 0, :, :4].flatten(), clean[0, 0, :, 4:].flatten()
    assert scores(clean[None], clean, patch=4)["floor"] == pytest.approx(float((left - right).square().mean().sqrt()))


def test_batches_add_up():
    clean = torch.rand(3, 3, 16, 24, generator=torch.Generator().manual_seed(1))
    measurement = GaussianNoise(50)(clean, Rng(0, "degradation", range(3)))
    samples = 0.8 * clean + 0.1 * Rng(0, "latent", range(4)).randn(*clean.shape)
    together, apart = PatchDistribution(4, 4), PatchDistribution(4, 4)
    together.update(samples, clean, measurement)
    for b in range(3):
        apart.update(samples[:, b : b + 1], clean[b : b + 1], measurement[b : b + 1])
    whole, parts = together.compute(), apart.compute()
    for i in range(3):
        assert whole["averaged"][i] == pytest.approx(parts["averaged"][i], rel=1e-6)
    assert whole["floor"] == pytest.approx(parts["floor"], rel=1e-6)


def test_what_it_cannot_judge_is_refused_by_name():
    with pytest.raises(ValueError, match=r"8 x 8.*7 x 20"):
        scores(torch.zeros(1, 1, 1, 7, 20), torch.zeros(1, 1, 7, 20))
    with pytest.raises(ValueError, match="channel"):
        scores(torch.zeros(1, 1, 4, 8, 8), torch.zeros(1, 4, 8, 8))
    with pytest.raises(ValueError, match=r"3 samples.*got 2"):
        PatchDistribution(3).update(torch.zeros(2, 1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
    for name in ("samples_per_image", "patch"):
        with pytest.raises(ValueError, match=f"{name} must be >= 1, got 0"):
            PatchDistribution(**{"samples_per_image": 1, name: 0})
