"""Physics of deepinv behind our seam, against what deepinv itself measures."""

import numpy as np
import pytest
import torch

from pscgan.data.degradations.deepinv import DeepinvPhysics
from pscgan.data.degradations.linear import Linear
from pscgan.rng import Rng

KERNEL = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=torch.float64)[None, None] / 16


@pytest.fixture(scope="module")
def physics():
    return pytest.importorskip("deepinv").physics


def masked(physics):
    mask = (torch.rand(3, 12, 8, generator=torch.Generator().manual_seed(0)) < 0.6).double()
    return physics.Inpainting(img_size=(3, 12, 8), mask=mask), True


def shrunk(physics):
    return physics.Downsampling(img_size=(3, 12, 8), filter=KERNEL, factor=2, padding="circular"), False


def blurred(physics):
    return physics.BlurFFT(img_size=(3, 12, 8), filter=KERNEL), False


def without_colour(physics):
    return physics.Decolorize(), False


@pytest.fixture(params=[masked, shrunk, blurred, without_colour])
def operator(request, physics):
    return DeepinvPhysics(*request.param(physics))


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_adjoint_is_the_adjoint(operator):
    x = uniform(2, 3, 12, 8)
    y = operator.forward(x, {})
    other = uniform(*y.shape, seed=1)
    left, right = (y * other).sum(), (x * operator.adjoint(other, {}, (12, 8))).sum()
    torch.testing.assert_close(left, right, rtol=1e-12, atol=1e-12)


def test_filtered_is_that_of_the_dense_svd(operator):
    x = uniform(2, 3, 12, 8)
    A = operator.forward(torch.eye(288, dtype=torch.float64).view(-1, 3, 12, 8), {}).flatten(1).T.numpy()
    S = np.zeros(288)
    _, S[: min(A.shape)], Vt = np.linalg.svd(A, full_matrices=True)
    for gain in (lambda s: 1 / (s**2 / 0.01 + 2), lambda s: (s < 1e-12) * 1.0, lambda s: s**2):
        expected = (x.flatten(1).numpy() @ Vt.T * gain(S)) @ Vt
        np.testing.assert_allclose(operator.filtered(x, {}, gain).flatten(1).numpy(), expected, rtol=0, atol=1e-10)


def test_filtering_more_than_64_pixels_a_side_is_refused(physics):
    operator = DeepinvPhysics(physics.BlurFFT(img_size=(1, 8, 65), filter=KERNEL))
    with pytest.raises(ValueError, match=r"BlurFFT must .*64 .*got 8 x 65"):
        operator.filtered(uniform(1, 1, 8, 65), {}, torch.square)


def test_measurements_are_those_of_deepinv(operator):
    x = uniform(2, 3, 12, 8)
    degradation = Linear(operator)
    measurement = degradation(x, Rng(0, "degradation", [0, 1]))
    assert torch.equal(measurement.params["measured"], operator.physics(x))
    assert measurement.degraded.shape == x.shape
    assert (degradation.residual(x, measurement) == 0).all()


def test_projection_keeps_what_is_known_and_takes_the_rest(physics):
    operator = DeepinvPhysics(*masked(physics))
    x, start = uniform(2, 3, 12, 8), uniform(2, 3, 12, 8, seed=1)
    degradation = Linear(operator)
    projected = degradation.project(start, degradation(x, Rng(0, "degradation", [0, 1])))
    known = operator.physics.mask.bool().expand_as(x)
    torch.testing.assert_close(projected, torch.where(known, x, start))


def test_what_is_not_exact_does_not_project(physics):
    degradation = Linear(DeepinvPhysics(*shrunk(physics)))
    x, start = uniform(2, 3, 12, 8), uniform(2, 3, 12, 8, seed=1)
    assert degradation.project(start, degradation(x, Rng(0, "degradation", [0, 1]))) is start


def test_a_physics_of_another_size_is_refused(physics):
    operator = DeepinvPhysics(*shrunk(physics))
    with pytest.raises(ValueError, match=r"the physics must .*\(11, 8\) pixels, got \(12, 8\)"):
        operator.adjoint(uniform(1, 3, 6, 4), {}, (11, 8))


def test_what_is_no_linear_physics_is_refused():
    with pytest.raises(ValueError, match=r"physics must .*got a Linear without A, A_adjoint, A_dagger"):
        DeepinvPhysics(torch.nn.Linear(1, 1))
