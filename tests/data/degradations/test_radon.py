"""The Radon transform: against rotations of kornia, and what it is shown as."""

import numpy as np
import pytest
import torch
from kornia.geometry.transform import rotate
from torch.nn import functional as F

from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.radon import Radon
from pscgan.rng import Rng


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_y_holds_sums_of_the_turned_image_down_its_columns():
    x, angles = uniform(2, 3, 20, 14), (0, 30, 60, 90)
    framed = F.pad(x, (6, 6, 3, 3))  # to 26 pixels a side; the diagonal is 24.4 long
    turned = [rotate(framed, torch.tensor(float(angle), dtype=torch.float64)).sum(dim=2) / 20 for angle in angles]
    found = Radon(4, arc=120).forward(x, {})
    torch.testing.assert_close(found, torch.stack(turned, dim=2), rtol=0, atol=1e-12)


def test_what_is_shown_is_the_image_where_all_directions_are_seen():
    grid = torch.linspace(-1, 1, 64, dtype=torch.float64)
    blob = torch.exp(-((grid[:, None] - 0.2).square() + (grid + 0.1).square()) / 0.1)
    shown = Linear(Radon(60))(blob[None, None], Rng(0, "degradation", [0])).degraded[0, 0]
    assert (shown - blob).square().mean().sqrt() < 0.005  # of a peak of 1; it is 0.003


def test_edges_along_no_line_are_lost():
    """Lines within 60 degrees of the columns: waves along columns show, waves along rows do not."""
    operator = Radon(20, arc=60)
    wave = torch.sin(torch.arange(32, dtype=torch.float64)) * torch.hann_window(32, dtype=torch.float64)
    window = torch.hann_window(32, dtype=torch.float64)
    seen, unseen = (
        operator.forward(x[None, None], {}).square().sum() for x in (window[:, None] * wave, wave[:, None] * window)
    )
    assert unseen < 1e-3 * seen


def test_the_pseudoinverse_is_that_of_the_matrix():
    operator, size = Radon(2, arc=120), (12, 8)
    units = torch.eye(96, dtype=torch.float64).view(-1, 1, *size)
    A = operator.forward(units, {}).flatten(1).T.numpy()
    y = uniform(2, 3, *operator.forward(units[:1], {}).shape[-2:], seed=1)
    found = operator.pseudoinverse(y, {}, size).flatten(2)
    np.testing.assert_allclose(found.numpy(), y.flatten(2).numpy() @ np.linalg.pinv(A, rcond=1e-10).T, atol=1e-9)


def test_the_adjoint_needs_no_gradients_and_serves_single_precision():
    operator, x = Radon(7, arc=100), uniform(2, 3, 21, 16).float()
    y = operator.forward(x, {})
    other = uniform(*y.shape, seed=1).float()
    expected = operator.adjoint(other, {}, (21, 16))
    left, right = (y * other).sum(dtype=torch.float64), (x * expected).sum(dtype=torch.float64)
    assert abs(left - right) < 1e-6 * left
    for without in (torch.no_grad, torch.inference_mode):
        with without():
            assert torch.equal(operator.adjoint(other.clone(), {}, (21, 16)), expected)


def test_gradients_pass_through_the_adjoint():
    operator, x = Radon(3), uniform(1, 1, 6, 5)
    y = uniform(*operator.forward(x, {}).shape, seed=1).requires_grad_()
    (gradient,) = torch.autograd.grad((x * operator.adjoint(y, {}, (6, 5))).sum(), y)
    torch.testing.assert_close(gradient, operator.forward(x, {}), rtol=0, atol=1e-12)


def test_images_too_large_for_an_svd_are_refused_by_name():
    with pytest.raises(ValueError, match="Radon must see at most 64 x 64 pixels for an SVD, got 65 x 8"):
        Radon(3).filtered(torch.zeros(1, 1, 65, 8), {}, torch.square)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"angles": 0}, "angles must be a whole number >= 1, got 0"),
        ({"angles": 2.5}, "angles must be a whole number >= 1, got 2.5"),
        ({"angles": 3, "arc": 181}, r"arc must be a number in \(0, 180\], got 181"),
        ({"angles": 3, "arc": 0}, r"arc must be a number in \(0, 180\], got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Radon(**arguments)
