"""Cells, their centres, and the clamp into them."""

import numpy as np
import pytest
import torch

from pscgan.data.degradations.quantisation import Quantisation
from pscgan.data.straight_through_clamp import straight_through_clamp
from pscgan.rng import Rng


def rng(*numbers):
    return Rng(0, "degradation", numbers)


@pytest.mark.parametrize("levels", [2, 3, 5, 256])
def test_values_are_shown_by_the_centre_of_their_cell(levels):
    clean = torch.linspace(0, 1, 1001, dtype=torch.float64).view(1, 1, 7, 143)
    edges = np.linspace(0, 1, levels + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    degraded = Quantisation(levels)(clean, rng(0)).degraded
    assert len(degraded.unique()) == levels
    expected = centres[np.abs(clean.numpy()[..., None] - centres).argmin(-1)]
    near_an_edge = np.abs(clean.numpy()[..., None] - edges).min(-1) < 1e-9
    np.testing.assert_allclose(degraded.numpy()[~near_an_edge], expected[~near_an_edge], atol=1e-12)
    assert (degraded - clean).abs().max() <= 0.5 / levels + 1e-12
    np.testing.assert_allclose(degraded.flatten()[[0, -1]].numpy(), centres[[0, -1]], atol=1e-12)


def test_levels_are_drawn_whole_and_the_map_is_the_length_of_a_cell():
    measurement = Quantisation([2, 5])(torch.rand(64, 3, 4, 6), rng(*range(64)))
    levels = measurement.params["levels"]
    assert levels.unique().tolist() == [2, 3, 4, 5]
    assert torch.equal(measurement.maps, (1 / levels).view(64, 1, 1, 1).expand(64, 1, 4, 6))


def test_the_truth_explains_it_and_a_cell_off_is_one():
    clean = rng(0, 1).rand(3, 16, 16)
    degradation = Quantisation(8)
    measurement = degradation(clean, rng(0, 1))
    assert degradation.residual(clean, measurement).max() < 1e-6
    shifted = measurement.degraded + torch.tensor([1.5, -2.5]).view(2, 1, 1, 1) / 8
    torch.testing.assert_close(degradation.residual(shifted, measurement), torch.tensor([1.0, 2.0]))


def test_the_projection_is_the_nearest_and_idempotent():
    clean, start = rng(0, 1).rand(3, 16, 16).double(), rng(2, 3).randn(3, 16, 16).double()
    degradation = Quantisation(5)
    measurement = degradation(clean, rng(0, 1))
    projected = degradation.project(start, measurement)
    low, high = (measurement.degraded + side * 0.1 for side in (-1, 1))
    assert torch.equal(projected, start.clamp(low, high))  # of a box, the clamp is the nearest point
    assert torch.equal(degradation.project(projected, measurement), projected)
    assert degradation.residual(projected, measurement).max() < 1e-9
    assert torch.equal(degradation.project(clean, measurement), clean)


def test_a_value_outside_is_pulled_back_by_its_gradient():
    x = torch.tensor([-1.0, -1.0, 0.5, 0.5, 2.0, 2.0], requires_grad=True)
    low, high = torch.zeros(6), torch.ones(6)
    descent = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])  # where each is moved to by gradient descent
    straight_through_clamp(x, low, high).backward(-descent)
    assert torch.equal(-x.grad, torch.tensor([1.0, 0.0, 1.0, -1.0, 0.0, -1.0]))


@pytest.mark.parametrize("levels", [1, 0, 257, 4.5, [5, 2], [2], [2, 3, 4], [], [2.0, 4.0], None])
def test_wrong_levels_are_refused(levels):
    with pytest.raises(ValueError, match=r"levels must be "):
        Quantisation(levels)
