"""Compressive sensing: the transform, which rows are kept, and the start that is shown."""

import numpy as np
import pytest
import torch

from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.blur import POWER
from pscgan.data.degradations.operators.compressed_sensing import LOWEST, CompressiveSensing, hartley
from pscgan.rng import Rng

SIZE = (12, 9)


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariance(size):
    """Of the pixels of a periodic field whose power is POWER / f², below LOWEST what it is there."""
    vertical, horizontal = np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1])
    power = POWER / np.maximum(np.hypot(vertical, horizontal), LOWEST) ** 2
    at_lag = np.fft.ifft2(power).real
    row, column = (index.ravel() for index in np.indices(size))
    return at_lag[(row[:, None] - row) % size[0], (column[:, None] - column) % size[1]]


def test_the_transform_is_that_of_hartley():
    (row, column), x = np.indices(SIZE), uniform(1, 1, *SIZE)
    phase = 2 * np.pi * (np.multiply.outer(row, row) / SIZE[0] + np.multiply.outer(column, column) / SIZE[1])
    expected = np.einsum("klij,ij->kl", np.cos(phase) + np.sin(phase), x[0, 0].numpy()) / np.prod(SIZE) ** 0.5
    np.testing.assert_allclose(hartley(x)[0, 0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("rows", ["random", "lowest"])
@pytest.mark.parametrize("size", [(31, 50), (1, 7), (1, 1)], ids=str)
def test_rows_are_orthonormal_and_of_the_rate(rows, size):
    operator = CompressiveSensing(0.125, rows)
    count = max(1, round(size[0] * size[1] / 8))
    y = uniform(2, 3, count)
    assert operator.forward(uniform(2, 3, *size), {}).shape == y.shape
    torch.testing.assert_close(operator.forward(operator.adjoint(y, {}, size), {}), y, rtol=0, atol=1e-12)


def test_every_image_is_measured_alike_and_another_seed_is_another_operator():
    x = uniform(1, 1, *SIZE)
    y = CompressiveSensing(0.5).forward(x.expand(2, 3, -1, -1), {})
    assert (y == y[:1, :1]).all()
    assert torch.equal(CompressiveSensing(0.5).forward(x, {}), y[:1, :1])
    assert not torch.equal(CompressiveSensing(0.5, seed=1).forward(x, {}), y[:1, :1])


def test_signs_spread_even_a_flat_image_over_all_rows():
    """Its coefficients are sums of n signs: of m of them the mean square is that of all, 1, within √(2/m)."""
    y = CompressiveSensing(0.125).forward(torch.ones(1, 1, 128, 128), {})
    assert abs(y.square().mean() - 1) < 4 * (2 / y.numel()) ** 0.5


def test_the_lowest_rows_are_an_ideal_low_pass():
    x = uniform(1, 1, 16, 16)
    operator = CompressiveSensing(9 / 256, rows="lowest")
    low = np.abs(np.fft.fftfreq(16)) < 1.5 / 16
    expected = np.fft.ifft2(np.fft.fft2(x[0, 0].numpy()) * np.outer(low, low)).real
    found = operator.pseudoinverse(operator.forward(x, {}), {}, (16, 16))
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("rows", ["random", "lowest"])
def test_shown_is_the_mean_of_a_gaussian_field_given_y(rows):
    degradation, x = Linear(CompressiveSensing(0.15, rows), sigma=10), uniform(2, 3, *SIZE)
    measurement = degradation(x, Rng(0, "degradation", [0, 1]))
    units = torch.eye(x[0, 0].numel(), dtype=torch.float64).view(-1, 1, *SIZE)
    A, C = degradation.operator.forward(units, {}).flatten(1).T.numpy(), covariance(SIZE)
    missed = measurement.params["measured"].flatten(0, 1).numpy() - 0.5 * A.sum(axis=1)
    gain = C @ A.T @ np.linalg.inv(A @ C @ A.T + (10 / 255) ** 2 * np.eye(len(A)))
    np.testing.assert_allclose(measurement.degraded.flatten(2).flatten(0, 1).numpy(), 0.5 + missed @ gain.T, atol=1e-8)


def test_grey_is_shown_as_grey():
    grey = torch.full((1, 3, 16, 16), 0.5)
    assert torch.equal(Linear(CompressiveSensing(0.125))(grey, Rng(0, "degradation", [0])).degraded, grey)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rate": 0}, r"rate must be a number in \(0, 1\], got 0"),
        ({"rate": 1.5}, r"rate must be a number in \(0, 1\], got 1.5"),
        ({"rate": 0.5, "rows": "highest"}, "rows must be one of random, lowest, got highest"),
        ({"rate": 0.5, "seed": None}, "seed must be a whole number, got None"),
    ],
)
def test_wrong_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        CompressiveSensing(**arguments)
