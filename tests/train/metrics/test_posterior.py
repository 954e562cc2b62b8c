"""Distances to a posterior against closed forms and scipy."""

import math

import pytest
import torch
from scipy import linalg, stats

from pscgan.data.toy_posteriors.points import Disk, JointDisk
from pscgan.rng import Rng
from pscgan.train.metrics import posterior as distance
from pscgan.train.metrics.calibration import ranks_of


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariance(seed, n):
    root = normal(seed, n, n)
    return root @ root.T


def test_bures_of_numbers_is_the_difference_of_deviations():
    assert distance.bures(torch.tensor([[4.0]]), torch.tensor([[9.0]])) == pytest.approx(1.0)
    assert distance.bures(torch.eye(3), torch.eye(3)) == pytest.approx(0.0, abs=1e-6)


def test_bures_against_matrix_roots_of_scipy():
    A, B = covariance(0, 5), covariance(1, 5)
    root = linalg.sqrtm(B.numpy())
    cross = linalg.sqrtm(root @ A.numpy() @ root).real
    expected = (A.trace() + B.trace() - 2 * cross.trace()) / 5
    assert distance.bures(A, B) == pytest.approx(float(expected), rel=1e-9)
    assert distance.bures(B, A) == pytest.approx(float(expected), rel=1e-9)


def test_gaussian_w2_adds_mean_and_spread():
    """Samples of half the spread around a mean that is off by 0.3: W2² = 0.09 + 0.25."""
    samples = 0.3 + 0.5 * normal(2, 64, 400, 1, 2, 2)
    w2 = distance.gaussian_w2(samples, torch.zeros(400, 1, 2, 2), torch.eye(4, dtype=torch.float64))
    assert w2 == pytest.approx(math.sqrt(0.34), rel=0.01)


def test_mean_error_leaves_the_error_of_finite_k_out():
    samples, K = 0.1 + normal(3, 4, 20_000, 1, 1, 1), 4
    truth = torch.zeros(20_000, 1, 1, 1)
    assert distance.mean_error(samples, truth) == pytest.approx(0.01, abs=0.008)
    assert distance.loss_db(samples, truth, mmse=1.0) == pytest.approx(10 * math.log10(1.01 + 1 / K), abs=0.05)
    assert distance.mean_error(samples[:1], samples[0] + 0.2) == pytest.approx(0.04)


def test_sliced_w1_of_scalars_is_that_of_scipy():
    samples, exact = normal(4, 50, 3, 1, 1, 1), 2 + 3 * normal(5, 50, 3, 1, 1, 1)
    expected = [stats.wasserstein_distance(samples[:, b].flatten(), exact[:, b].flatten()) for b in range(3)]
    assert distance.sliced_w1(samples, exact, pointwise=True) == pytest.approx(sum(expected) / 3)


def test_sliced_w1_of_a_shift_is_its_mean_projection():
    """A shift by v moves every projection by ⟨v, direction⟩, of mean absolute value |v| √(2/π) / √n for many n."""
    samples = normal(6, 20, 2, 1, 16, 16)
    shifted = distance.sliced_w1(samples, samples + 1.0, pointwise=False)
    assert shifted == pytest.approx(math.sqrt(2 / math.pi), rel=0.25)
    assert distance.sliced_w1(samples, samples, pointwise=False) == 0


def test_only_slices_of_images_see_how_pixels_vary_together():
    """Equal pixels against independent ones: the same law of each pixel."""
    equal, independent = normal(7, 400, 4, 1, 1, 1).expand(-1, -1, -1, 4, 4), normal(8, 400, 4, 1, 4, 4)
    assert distance.sliced_w1(equal, independent, pointwise=True) < 0.1
    assert distance.sliced_w1(equal, independent, pointwise=False) > 0.2


def test_spectrum_of_a_filter():
    """Means of 2 x 2 neighbours have the power |H|² = cos²(πf) cos²(πg) of white noise."""
    white = normal(9, 16, 256, 1, 16, 16)
    smooth = (white + white.roll(1, -1) + white.roll(1, -2) + white.roll((1, 1), (-1, -2))) / 4
    f = torch.fft.fftfreq(16, 1 / 16, dtype=torch.float64)
    gain = torch.cos(math.pi * f / 16).square()
    power = gain[:, None] * gain
    band = (f[:, None] ** 2 + f**2).sqrt().round()
    expected = torch.stack([power[band == b].mean() for b in range(9)])
    ratio = distance.radial_power(smooth) / distance.radial_power(white)
    assert torch.allclose(ratio, expected, atol=0.02)
    assert distance.spectrum_error_db(2 * white, white) == pytest.approx(20 * math.log10(2))


def test_ranks():
    K = 19
    uniform = ranks_of(normal(11, 20_000), normal(10, K, 20_000))
    assert stats.chisquare(uniform.numpy()).pvalue > 1e-3
    assert distance.coverage(uniform / 20_000) == pytest.approx(0.9, abs=0.01)
    collapsed = ranks_of(normal(12, 20_000), torch.zeros(K, 20_000)) / 20_000
    assert collapsed[[0, -1]].tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    ties = ranks_of(torch.zeros(20_000), torch.zeros(K, 20_000))
    assert ties.tolist() == pytest.approx([1000] * (K + 1))


def test_the_nearest_distribution():
    signs = normal(13, 300, 50, 1, 1, 1).sign()
    mean = torch.zeros(50, 1, 1, 1, dtype=torch.float64)
    for samples, expected in (
        (signs, "posterior"),
        (normal(14, 300, 50, 1, 1, 1), "gaussian"),
        (0.1 * normal(15, 300, 50, 1, 1, 1), "mean"),
    ):
        assert distance.nearest_distribution(samples, normal(16, 300, 50, 1, 1, 1).sign(), mean) == expected


@pytest.mark.parametrize(("alpha", "published"), [(1, (0.99, 0.01)), (50, (0.98, 0.98))])
def test_a_deterministic_estimator_fills_the_disk_by_jumping(alpha, published):
    """√(1 − y²) sin(αy) of arXiv 2211.08944, to its digits and four times .007, by which sets of points differ here."""
    problem = JointDisk()
    seen, clean = (problem.draw(Rng(0, stream, range(16))) for stream in ("seen", "clean"))
    y = (seen[:, :1] - 0.5) / Disk.RADIUS
    jumping = torch.cat([seen[:, :1], 0.5 + Disk.RADIUS * (1 - y.square()).sqrt() * torch.sin(alpha * y)], dim=1)
    found = distance.precision_recall(jumping, clean)
    for name, share in zip(("precision", "recall"), published, strict=True):
        assert found[name] == pytest.approx(share, abs=0.005 + 4 * 0.007), name
    floor = distance.precision_recall(problem.draw(Rng(0, "more", range(16))), clean)
    assert min(floor.values()) > 0.96
