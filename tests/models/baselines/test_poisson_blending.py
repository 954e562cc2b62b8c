"""Blending against a sparse solver, and where its result is known."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from scipy.sparse.linalg import spsolve

from pscgan.models.baselines.poisson_blending import poisson_blend, sine_transform, solve_in_box
from pscgan.rng import Rng

SIZE = (17, 22)
HOLES = {
    "box": lambda: hole(slice(4, 12), slice(3, 15)),
    "side": lambda: hole(slice(None), slice(0, 11)),
    "corner": lambda: hole(slice(9, None), slice(13, None)),
    "pixels": lambda: Rng(0, "mask", [0]).rand(*SIZE)[0] < 0.7,
    "two": lambda: hole(slice(2, 5), slice(2, 9)) | hole(slice(8, 15), slice(10, 20)),
}


def hole(rows, columns):
    missing = torch.zeros(SIZE, dtype=torch.bool)
    missing[rows, columns] = True
    return missing


def by_sparse_solver(source, target, missing):
    """One channel: −∇²x = −∇²source at each missing pixel, written out neighbour by neighbour."""
    places = {place: row for row, place in enumerate(zip(*np.nonzero(missing), strict=True))}
    entries, right = {}, np.zeros(len(places))
    for (i, j), row in places.items():
        around = [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
        for n in (n for n in around if 0 <= n[0] < SIZE[0] and 0 <= n[1] < SIZE[1]):
            entries[row, row] = entries.get((row, row), 0) + 1
            right[row] += source[i, j] - source[n]
            if n in places:
                entries[row, places[n]] = -1
            else:
                right[row] += target[n]
    rows, columns = zip(*entries, strict=True)
    expected = target.copy()
    expected[missing] = spsolve(csr_array((list(entries.values()), (rows, columns))), right)
    return expected


@pytest.mark.parametrize("name", HOLES)
def test_it_is_what_a_sparse_solver_finds(name):
    missing, (source, target) = HOLES[name](), Rng(0, "images", [0, 1]).rand(2, *SIZE).double()
    found = poisson_blend(source[None], target[None], ~missing[None, None])[0]
    for c in range(2):
        expected = by_sparse_solver(source[c].numpy(), target[c].numpy(), missing.numpy())
        assert np.abs(found[c].numpy() - expected).max() < 1e-8


@pytest.mark.parametrize("name", HOLES)
def test_another_brightness_is_undone(name):
    clean = Rng(0, "clean", [0, 1]).rand(3, *SIZE).double()
    known = torch.stack([~HOLES[name](), ~HOLES["box"]()])[:, None]
    found = poisson_blend(clean + 0.2, torch.where(known, clean, torch.nan), known)
    torch.testing.assert_close(found, clean, rtol=0, atol=1e-12)


def test_the_sine_transform_is_its_sum_and_the_box_its_equation():
    x = Rng(0, "x", [0]).randn(5, 7)[0].double()
    k = torch.arange(1, 8).double()
    expected = x @ torch.sin(torch.pi * torch.outer(k, k) / 8)
    torch.testing.assert_close(sine_transform(x, -1), expected)
    u = torch.nn.functional.pad(solve_in_box(x), (1, 1, 1, 1))
    again = 4 * u - u.roll(1, 0) - u.roll(-1, 0) - u.roll(1, 1) - u.roll(-1, 1)
    torch.testing.assert_close(again[1:-1, 1:-1], x)
