"""Ranks by counting them one by one, ties shared, and what they say of samplers that are known."""

import pytest
import torch
from scipy.stats import binom

from pscgan.data.measurement import Measurement
from pscgan.train.metrics.calibration import Calibration, nominal_coverage, ranks_of


def draws(k=15, spread=1.0, correlated=False, images=2, side=64):
    rng = torch.Generator().manual_seed(1)
    white = torch.randn(k + 1, images, 1, side, side, generator=rng)
    if correlated:  # of the truth alone: its blocks of 8 vary as much as its pixels
        white[0] = white[0, :, :, ::8, ::8].repeat_interleave(8, -1).repeat_interleave(8, -2)
    return 0.5 + 0.1 * spread * white[1:], 0.5 + 0.1 * white[0]


def computed(samples, clean):
    metric = Calibration(len(samples))
    metric.update(samples, clean, Measurement(clean))
    return metric.compute()


def test_ranks_one_by_one_with_ties_shared():
    rng = torch.Generator().manual_seed(0)
    truth = torch.randint(0, 4, (50,), generator=rng).float()
    samples = torch.randint(0, 4, (6, 50), generator=rng).float()
    counts = [0.0] * 7
    for value, among in zip(truth.tolist(), samples.T.tolist(), strict=True):
        below, equal = sum(s < value for s in among), sum(s == value for s in among)
        for rank in range(below, below + equal + 1):
            counts[rank] += 1 / (equal + 1)
    assert ranks_of(truth, samples).tolist() == pytest.approx(counts)


def test_an_exact_sampler_is_flat_and_its_intervals_hold_what_they_say():
    figures = computed(*draws())
    count, k = 2 * 64 * 64, 15
    low, high = binom.interval(1 - 1e-4, count, 1 / (k + 1))
    assert all(low / count <= share <= high / count for share in figures["pixels_ranks"])
    assert figures["nominal"] == pytest.approx([1 - 2 * j / 16 for j in range(7, 0, -1)])
    assert figures["blocks_spread_skill"] == pytest.approx(1, abs=0.12)
    for scale, tolerance in (("pixels", 0.02), ("blocks", 0.12)):
        assert figures[f"{scale}_coverage"] == pytest.approx(figures["nominal"], abs=tolerance)


def test_coverage_is_what_counting_gives():
    samples, clean = draws(k=7, spread=0.7)
    figures = computed(samples, clean)
    ordered = samples.sort(dim=0).values
    for nominal, share in zip(figures["nominal"], figures["pixels_coverage"], strict=True):
        j = round((1 - nominal) * 4)
        inside = (clean >= ordered[j - 1]) & (clean <= ordered[7 - j])
        assert share == pytest.approx(float(inside.float().mean()), abs=1e-6)
    assert nominal_coverage(2) == pytest.approx([1 / 3])


def test_collapse_is_a_bowl_and_excess_a_hill():
    bowl, hill = (computed(*draws(spread=spread)) for spread in (0.5, 2.0))
    assert bowl["pixels_ranks"][0] + bowl["pixels_ranks"][-1] > 3 * 2 / 16
    assert hill["pixels_ranks"][0] + hill["pixels_ranks"][-1] < 0.3 * 2 / 16
    assert bowl["pixels_coverage_at"] < bowl["nominal_at"] - 0.2
    assert hill["pixels_coverage_at"] > hill["nominal_at"] + 0.05


def test_blocks_see_errors_that_neighbours_share():
    figures = computed(*draws(correlated=True))
    assert figures["blocks_spread_skill"] < 0.2  # white samples vary an eighth as much there


def test_small_images_have_no_blocks():
    figures = computed(*draws(side=6))
    assert "pixels_ranks" in figures
    assert "blocks_ranks" not in figures


def test_images_add_up():
    samples, clean = draws()
    apart = Calibration(15)
    for b in range(len(clean)):
        apart.update(samples[:, b : b + 1], clean[b : b + 1], Measurement(clean[b : b + 1]))
    whole = computed(samples, clean)
    for name, value in apart.compute().items():
        assert value == pytest.approx(whole[name], rel=1e-5)
