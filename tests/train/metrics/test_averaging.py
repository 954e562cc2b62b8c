"""The error of means of samples: by brute force over groups, and its two parts on laws that are known."""

import math

import pytest
import torch

from pscgan.data.measurement import Measurement
from pscgan.train.metrics.averaging import Averaging


def draws(k, offset=0.0, spread=1.0, images=4, side=64):
    """x ~ N(0.5, 0.1²) given y; samples of N(0.5 + offset, (0.1 spread)²)."""
    rng = torch.Generator().manual_seed(0)
    clean = 0.5 + 0.1 * torch.randn(images, 3, side, side, generator=rng)
    samples = 0.5 + offset + 0.1 * spread * torch.randn(k, images, 3, side, side, generator=rng)
    return samples, clean


def computed(samples, clean):
    metric = Averaging(len(samples))
    metric.update(samples, clean, Measurement(clean))
    return metric.compute()


@pytest.mark.parametrize("k", [2, 7, 16])
def test_means_of_groups_by_brute_force(k):
    samples, clean = draws(k, side=8)
    figures = computed(samples, clean)
    assert figures["n"] == [n for n in (1, 2, 4, 8, 16) if n <= k]
    for n, mse in zip(figures["n"], figures["mse"], strict=True):
        n = int(n)
        groups = [samples[start : start + n].mean(0) for start in range(0, k - n + 1, n)]
        if k & (k - 1) == 0:  # other counts leave a rest behind at each level
            assert mse == pytest.approx(sum(float((g - clean).square().mean()) for g in groups) / len(groups), rel=1e-5)
    expected = [-10 * math.log10(mse) for mse in figures["mse"]]
    assert figures["psnr"] == pytest.approx(expected)


@pytest.mark.parametrize(("offset", "spread"), [(0.0, 1.0), (0.05, 1.0), (0.0, 0.5), (0.02, 2.0)])
def test_both_parts_are_those_of_the_law(offset, spread):
    figures = computed(*draws(16, offset, spread))
    a, b = 0.01 + offset**2, (0.1 * spread) ** 2
    assert figures["a"] == pytest.approx(a, rel=0.02)
    assert figures["b"] == pytest.approx(b, rel=0.01)
    assert figures["b_over_a"] == pytest.approx(b / a, rel=0.02)
    for n, mse in zip(figures["n"], figures["mse"], strict=True):
        assert mse == pytest.approx(a + b / n, rel=0.02)


def test_images_add_up():
    samples, clean = draws(4, side=8)
    apart = Averaging(4)
    for b in range(len(clean)):
        apart.update(samples[:, b : b + 1], clean[b : b + 1], Measurement(clean[b : b + 1]))
    whole = computed(samples, clean)
    assert apart.compute()["mse"] == pytest.approx(whole["mse"], rel=1e-6)
    assert apart.compute()["b_over_a"] == pytest.approx(whole["b_over_a"], rel=1e-5)
