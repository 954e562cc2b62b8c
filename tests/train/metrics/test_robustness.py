"""Distances of laws that are known, and what an attack of known size did."""

import math

import pytest
import torch

from pscgan.train.metrics.robustness import Robustness, squared_w2


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("K", [2, 3, 8])
@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (0.5, 1.0), (0.0, 0.4), (0.3, 2.0)])
def test_the_distance_of_two_gaussians_has_no_error_of_a_finite_k(K, shift, spread):
    values = 40_000
    estimates = squared_w2(normal(0, K, values), shift + spread * normal(1, K, values))
    error = float(estimates.std()) / math.sqrt(values)
    assert error < 0.04
    assert float(estimates.mean()) == pytest.approx(shift**2 + (spread - 1) ** 2, abs=4 * error)


def test_without_spread_it_is_the_distance_of_the_images():
    a, b = normal(2, 1, 5), normal(3, 1, 5)
    assert torch.equal(squared_w2(a, b), (a - b)[0].square())


def test_figures_of_a_shift():
    """The samples of the same z move by 0.1, those of other z have twice the spread."""
    clean, attack = 0.5 + 0 * normal(4, 4, 3, 32, 32), torch.full((4, 3, 32, 32), 0.01)
    before, other = clean + 0.2 * normal(5, 8, 4, 3, 32, 32), clean + 0.4 * normal(6, 8, 4, 3, 32, 32)
    metric = Robustness()
    metric.update(before, before + 0.1, other, clean, attack)
    score = metric.compute()
    assert score["ai_psnr"] == pytest.approx(40, abs=1e-5)
    assert score["robustness_db"] == pytest.approx(20)
    assert score["distribution_distance"] == pytest.approx(0.2, abs=0.005)
    assert (score["std"], score["std_attacked"]) == pytest.approx((0.2, 0.4), rel=0.01)
    assert score["psnr"] == pytest.approx(-20 * math.log10(0.2), abs=0.05)
    assert score["psnr_attacked"] == pytest.approx(-20 * math.log10(0.4), abs=0.05)


def test_batches_add_up():
    before, same, other = (normal(seed, 3, 4, 1, 8, 8) for seed in range(3))
    clean, attack = normal(3, 4, 1, 8, 8), normal(4, 4, 1, 8, 8)
    together, apart = Robustness(), Robustness()
    together.update(before, same, other, clean, attack)
    for b in range(4):
        one = slice(b, b + 1)
        apart.update(before[:, one], same[:, one], other[:, one], clean[one], attack[one])
    assert apart.compute() == pytest.approx(together.compute(), rel=1e-12)
