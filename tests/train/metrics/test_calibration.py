"""Ranks by counting them one by one, ties shared, and what they say of samplers that are known, at every scale."""

import math

import pytest
import torch
from scipy.stats import binom
from torch.nn.functional import avg_pool2d

from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.block_average import BlockAverage
from pscgan.data.measurement import Measurement
from pscgan.rng import Rng
from pscgan.train.metrics.calibration import SIDES, Calibration, in_words, nominal_coverage, ranks_of

from ..evaluation.fields import WORLD


def draws(k=15, spread=1.0, images=2, side=64):
    rng = torch.Generator().manual_seed(1)
    white = torch.randn(k + 1, images, 1, side, side, generator=rng)
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
    assert all(low / count <= share <= high / count for share in figures["ranks/1"])
    assert figures["intervals/nominal"] == pytest.approx([1 - 2 * j / 16 for j in range(7, 0, -1)])
    for side, tolerance in ((1, 0.02), (2, 0.04), (4, 0.07), (8, 0.12)):
        assert figures[f"intervals/{side}"] == pytest.approx(figures["intervals/nominal"], abs=tolerance)


def test_coverage_is_what_counting_gives():
    samples, clean = draws(k=7, spread=0.7)
    figures = computed(samples, clean)
    for side in (1, 8):
        ordered, truth = torch.stack([avg_pool2d(s, side) for s in samples]).sort(dim=0).values, avg_pool2d(clean, side)
        for nominal, share in zip(figures["intervals/nominal"], figures[f"intervals/{side}"], strict=True):
            j = round((1 - nominal) * 4)
            inside = (truth >= ordered[j - 1]) & (truth <= ordered[7 - j])
            assert share == pytest.approx(float(inside.float().mean()), abs=1e-6)
    assert nominal_coverage(2) == pytest.approx([1 / 3])


def test_collapse_is_a_bowl_and_excess_a_hill():
    bowl, hill = (computed(*draws(spread=spread)) for spread in (0.5, 2.0))
    for side in (1, 2):
        assert bowl[f"ranks/{side}"][0] + bowl[f"ranks/{side}"][-1] > 3 * 2 / 16
        assert hill[f"ranks/{side}"][0] + hill[f"ranks/{side}"][-1] < 0.3 * 2 / 16
        assert bowl[f"coverage/{side}"] < bowl["coverage/nominal"] - 0.2
        assert hill[f"coverage/{side}"] > hill["coverage/nominal"] + 0.05


def field_draws(k, white, images=300):
    """Of 16 x 16 fields under noise: the truth, and exact samples, or white ones of their pixel variance."""
    clean = WORLD.draw(Rng(0, "world", range(images)))
    measurement = WORLD.degradation(clean, Rng(0, "noise", range(images)))
    samples = WORLD.posterior_samples(measurement, k, Rng(0, "samples", range(images)))
    if white:
        noise = Rng(0, "white", range(images)).randn(k, 1, 16, 16).movedim(1, 0)
        samples = WORLD.posterior_mean(measurement) + noise * WORLD.posterior_covariance.diagonal().mean().sqrt()
    return samples.float(), clean


@pytest.mark.parametrize("white", [False, True], ids=["exact", "white"])
def test_spread_over_skill_of_a_field_is_that_of_theory_at_every_side(white):
    """Of a white sampler s² = v₁/n², and the error of its mean v + v₁/n²K, v being the variance of block means."""
    k, covariance = 8, WORLD.posterior_covariance
    samples, clean = field_draws(k, white)
    figures = computed(samples, clean)
    v_1 = float(covariance.diagonal().mean())
    for side in SIDES[:-1]:
        blocks = avg_pool2d(torch.eye(256, dtype=torch.float64).view(256, 1, 16, 16), side).flatten(1)
        v = float((blocks.T @ covariance @ blocks).diagonal().mean())
        spread = v_1 / side**2 if white else v
        expected = math.sqrt((1 + 1 / k) * spread / (v + spread / k))
        errors = avg_pool2d(samples.mean(0) - clean, side).square().mean((1, 2, 3))
        standard_error = expected / 2 * float(errors.std() / errors.mean()) / math.sqrt(len(errors))
        assert figures[f"spread_skill/{side}"] == pytest.approx(expected, abs=3 * standard_error), side
    assert (figures["spread_skill/8"] < 0.8) == white
    assert "spread_skill/32" not in figures


@pytest.mark.parametrize("spread", [0.1, 0.0])
def test_means_that_y_determines_have_no_ratio_and_collapse_has_zero(spread):
    degradation = Linear(BlockAverage(4), 0)
    clean = Rng(0, "clean", range(2)).rand(3, 64, 64)
    measurement = degradation(clean, Rng(0, "noise", range(2)))
    noise = Rng(0, "samples", range(2)).randn(4, 3, 64, 64).movedim(1, 0)
    loose = (0.5 + spread * noise).expand(4, 2, 3, 64, 64)
    metric = Calibration(4)
    metric.update(
        torch.stack([degradation.project(sample, measurement) for sample in loose]), clean, Measurement(clean)
    )
    figures = metric.compute()
    assert figures["given_by_y"] == 4
    assert [figures[f"{name}/{side}"] for name in ("spread_skill", "coverage") for side in SIDES[2:]] == [None] * 8
    assert not {"ranks/4", "intervals/8"} & set(figures)
    assert all((figures[f"spread_skill/{side}"] == 0) == (spread == 0) for side in (1, 2))
    words = in_words({name: figure for name, figure in figures.items() if isinstance(figure, float)})
    assert f"{figures['spread_skill/1']:.2f} (1), given by y (8, 32), exact 1.00" in words
    free = computed(loose, clean)
    assert "given_by_y" not in free
    assert all((free[f"spread_skill/{side}"] == 0) == (spread == 0) for side in SIDES)


def test_sides_larger_than_the_image_are_left_out_and_incomplete_blocks_do_not_count():
    samples, clean = draws(side=22)
    figures = computed(samples, clean)
    assert [side for side in SIDES if f"ranks/{side}" in figures] == [1, 2, 4, 8, 16]
    cut = computed(samples[..., :16, :16], clean[..., :16, :16])
    assert figures["spread_skill/8"] == pytest.approx(cut["spread_skill/8"])


def test_images_of_several_sizes_add_up_in_any_layout():
    samples, clean = draws(images=3)
    small, small_clean = draws(side=6)
    apart, whole = Calibration(15), Calibration(15)
    whole.update(samples, clean, Measurement(clean))
    whole.update(small, small_clean, Measurement(small_clean))
    apart.update(small, small_clean, Measurement(small_clean))
    for b in range(len(clean)):
        apart.update(samples[:, b : b + 1], clean[b : b + 1], Measurement(clean[b : b + 1]))
    expected = whole.compute()
    for name, value in apart.compute().items():
        assert value == pytest.approx(expected[name], rel=1e-6), name
    assert expected["spread_skill/8"] == pytest.approx(computed(samples, clean)["spread_skill/8"])
