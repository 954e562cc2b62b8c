"""What y leaves open: of Gaussian fields in closed form, of any restorer by its dense Jacobian."""

import math

import pytest
import torch
from torch.nn.functional import avg_pool2d, conv2d

from pscgan.data.measurement import Measurement
from pscgan.rng import Rng
from pscgan.train.metrics.calibration import SIDES
from pscgan.train.metrics.tweedie import STEP, Tweedie

from ..evaluation.wiener import Wiener, field

SIGMA = 50 / 255


def seen(degraded):
    return Measurement(degraded, None, {"sigma": torch.full((len(degraded),), SIGMA)})


def figures(restorer, clean, measurement, k):
    metric = Tweedie(restorer.restore, 2)
    metric.update(restorer.restore(measurement, k, range(len(clean))), clean, measurement)
    return metric.compute()


@pytest.mark.parametrize("spread", [1.0, 0.5, 0.0], ids=["exact", "narrow", "deterministic"])
def test_of_a_field_it_is_the_posterior_at_every_side(spread):
    """Wrong spread shows as wrong spread alone: the mean stays the posterior mean."""
    world, clean, measurement = field(400, size=16)
    k = 4 if spread else 1
    found = figures(Wiener(world, spread), clean, seen(measurement.degraded), k)
    for side in SIDES[:-1]:
        blocks = avg_pool2d(torch.eye(256, dtype=torch.float64).view(256, 1, 16, 16), side).flatten(1)
        std = math.sqrt((blocks.T @ world.posterior_covariance @ blocks).diagonal().mean())
        n = 400 * (16 / side) ** 2  # errors of block means; of the signs side 16 has no error at all
        assert found[f"std/{side}"] == pytest.approx(std, rel=0.01 if side < 16 else 1e-4), side
        assert found[f"spread/{side}"] == pytest.approx(spread, abs=0.01 + 1.5 / n**0.5), side
        assert found[f"mean/{side}"] == pytest.approx(1, abs=0.02 + 3 / n**0.5), side
    assert "std/32" not in found


def test_a_wrong_mean_shows_as_a_wrong_mean_alone():
    world, clean, measurement = field(400, size=16)
    exact = figures(Wiener(world), clean, seen(measurement.degraded), 4)
    off = Wiener(world)
    off.restore = lambda *arguments: Wiener.restore(off, *arguments) + 0.1  # of every block the same error
    found = figures(off, clean, seen(measurement.degraded), 4)
    for side in SIDES[:-1]:
        assert found[f"spread/{side}"] == pytest.approx(exact[f"spread/{side}"], rel=1e-3)
        v, error = exact[f"std/{side}"] ** 2, (exact[f"std/{side}"] / exact[f"mean/{side}"]) ** 2
        assert found[f"mean/{side}"] == pytest.approx(math.sqrt(v / (error + 0.01)), rel=0.05)


def test_it_is_what_the_dense_jacobian_gives_for_the_same_signs():
    """Of a denoiser that is not linear, three channels, 8 x 8 pixels."""
    kernel = torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 6
    given = []

    def denoiser(y):
        return 0.5 + conv2d(torch.tanh(conv2d(y - 0.5, kernel, padding=1)), kernel, padding=1) + 0.3 * (y - 0.5)

    def restore(measurement, num_samples, seeds):
        given.append(measurement.degraded)
        return denoiser(measurement.degraded).expand(num_samples, -1, -1, -1, -1)

    y = Rng(0, "y", [0]).rand(3, 8, 8).double()
    metric = Tweedie(restore, 1)
    metric.update(restore(seen(y), 1, [0]), torch.zeros_like(y), seen(y))
    found, (_, before, *moved) = metric.compute(), given
    J = torch.autograd.functional.jacobian(denoiser, y).reshape(192, 192)
    assert len(moved) == 4
    for side, after in zip(SIDES, moved, strict=False):
        R = (after - before) / (STEP * SIGMA)
        assert torch.allclose(R.abs(), torch.ones(()).double())
        assert torch.allclose(avg_pool2d(R, side).abs(), torch.ones(()).double())  # a sign a block
        v = SIGMA**2 / side**2 * avg_pool2d(R * (J @ R.flatten()).view_as(R), side)  # 1ᵀ J R of each block
        assert found[f"std/{side}"] == pytest.approx(math.sqrt(v.mean()), rel=0.01), side


def test_signs_and_z_are_those_of_the_image_in_any_batch():
    world, clean, measurement = field(3)
    restorer, y = Wiener(world), measurement.degraded
    whole, apart = Tweedie(restorer.restore, 2), Tweedie(restorer.restore, 2)
    samples = restorer.restore(seen(y), 2, range(3))
    whole.update(samples, clean, seen(y))
    for b in (2, 0, 1):
        apart.update(samples[:, b : b + 1], clean[b : b + 1], seen(y[b : b + 1]))
    assert apart.compute() == pytest.approx(whole.compute(), rel=1e-6)


def test_blocks_that_are_cut_do_not_count():
    y = Rng(0, "y", [0]).rand(1, 20, 21)
    metric = Tweedie(lambda measurement, *_: measurement.degraded[None], 1)
    metric.update(y[None], torch.zeros_like(y), seen(y))
    for side in SIDES[:-1]:  # of y itself J is the identity
        assert metric.compute()[f"std/{side}"] == pytest.approx(SIGMA / side, rel=1e-3)
