"""What every linear operator keeps to: the adjoint, and the projection onto what was measured."""

import numpy as np
import pytest
import torch

from pscgan.data.degradations.hole_masks import Strokes
from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.masks import CenterBox, Half, RandomPixels
from pscgan.data.degradations.operators.bayer import PHASES, Bayer
from pscgan.data.degradations.operators.block_average import BlockAverage
from pscgan.data.degradations.operators.blur import Blur
from pscgan.data.degradations.operators.blur_kernels import GaussianKernel, MotionKernel, UniformKernel
from pscgan.data.degradations.operators.compressed_sensing import CompressiveSensing
from pscgan.data.degradations.operators.luma import Luma
from pscgan.data.degradations.operators.masked import Masked
from pscgan.data.degradations.operators.radon import Radon
from pscgan.data.degradations.operators.resampling import Bicubic, Bilinear
from pscgan.data.degradations.operators.shear import Shear
from pscgan.rng import Rng

OPERATORS = {
    "block_average_2": lambda: BlockAverage(2),
    "block_average_4": lambda: BlockAverage(4),
    "bicubic_2": lambda: Bicubic(2),
    "bicubic_4": lambda: Bicubic(4),
    "bicubic_8": lambda: Bicubic(8),
    "blur_uniform": lambda: Blur(UniformKernel(3)),
    "blur_gaussian": lambda: Blur(GaussianKernel(7, [0.5, 2.0])),
    "blur_motion": lambda: Blur(MotionKernel(5, [1, 4], turn=90)),
    "bayer_drawn": lambda: Bayer(PHASES),
    "bayer_gbrg": lambda: Bayer("GBRG"),
    "bilinear_2": lambda: Bilinear(2),
    "bilinear_4": lambda: Bilinear(4),
    "compressive_sensing": lambda: CompressiveSensing(0.3, seed=1),
    "compressive_sensing_lowest": lambda: CompressiveSensing(0.3, rows="lowest"),
    "luma": Luma,
    "luma_mean": lambda: Luma([1 / 3] * 3),
    "masked_box": lambda: Masked(CenterBox()),
    "masked_half": lambda: Masked(Half()),
    "masked_pixels": lambda: Masked(RandomPixels(0.8)),
    "masked_strokes": lambda: Masked(Strokes()),
    "radon": lambda: Radon(2, arc=120),  # of S up to 1.3 nothing lies between 1e-16 and 2e-3
    "shear": Shear,
    "shear_masked": lambda: Shear(RandomPixels(0.2)),
}
SIZES = [(12, 8), (9, 7)]
NUMBERS = [3, 5]


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(params=OPERATORS)
def operator(request):
    return OPERATORS[request.param]()


@pytest.fixture(params=SIZES, ids=str)
def x(request):
    return uniform(2, 3, *request.param)


@pytest.fixture
def params(operator, x):
    return operator.draw(x, Rng(0, "operator", NUMBERS))


def size(image):
    return tuple(image.shape[-2:])


def matrix(operator, x, params, image):
    """A of one image of the batch, by what it makes of every unit vector, (values of y, values of x)."""
    units = torch.eye(x[0].numel(), dtype=torch.float64).view(-1, *x.shape[1:])
    one = {name: value[image : image + 1].expand(len(units), *value.shape[1:]) for name, value in params.items()}
    return operator.forward(units, one).flatten(1).T.numpy()


def test_the_adjoint_is_the_adjoint(operator, x, params):
    y = operator.forward(x, params)
    other = uniform(*y.shape, seed=1)
    left, right = (y * other).flatten(1).sum(1), (x * operator.adjoint(other, params, size(x))).flatten(1).sum(1)
    torch.testing.assert_close(left, right, rtol=1e-12, atol=1e-12)


def test_it_is_linear(operator, x, params):
    other = uniform(*x.shape, seed=2)
    together = operator.forward(2 * x - 3 * other, params)
    apart = 2 * operator.forward(x, params) - 3 * operator.forward(other, params)
    torch.testing.assert_close(together, apart, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "operator", [name for name in OPERATORS if not name.startswith(("blur", "radon", "shear_masked"))], indirect=True
)
def test_the_pseudoinverse_is_that_of_the_matrix(operator, x, params):
    assert operator.exact
    y = operator.forward(x, params)
    other = y + uniform(*y.shape, seed=3)
    found = operator.pseudoinverse(other, params, size(x))
    for image in range(len(x)):
        inverse = np.linalg.pinv(matrix(operator, x, params, image), rcond=1e-10)
        expected = inverse @ other[image].flatten().numpy()
        np.testing.assert_allclose(found[image].flatten().numpy(), expected, atol=1e-9)


def test_singular_values_fit_the_adjoint_and_the_pseudoinverse(operator, x, params):
    """AᵀA = V S² Vᵀ, A⁺A = V [S > 0] Vᵀ, and V Vᵀ = 1; A⁺ of a blur takes gains below 1e-6 for lost."""
    y = operator.forward(x, params)
    for found, gain, digits in [
        (operator.adjoint(y, params, size(x)), torch.square, 1e-12),
        (operator.pseudoinverse(y, params, size(x)), lambda s: (s > 1e-6).to(s), 1e-9),
        (x, torch.ones_like, 1e-12),
    ]:
        torch.testing.assert_close(operator.filtered(x, params, gain), found, rtol=0, atol=digits)


def test_a_gain_of_singular_values_may_differ_between_images(operator, x, params):
    weight = torch.tensor([0.5, 2.0], dtype=torch.float64).view(2, 1, 1, 1)
    together = operator.filtered(x, params, lambda s: 1 / (s.square() + weight))
    for image in range(2):
        alone = operator.filtered(x, params, lambda s, image=image: 1 / (s.square() + weight[image].item()))
        torch.testing.assert_close(together[image], alone[image], rtol=0, atol=1e-12)


def test_filtering_is_differentiable_and_symmetric(operator, x, params):
    image = x.clone().requires_grad_()
    filtered = operator.filtered(image, params, lambda s: 1 / (s.square() + 0.1))
    (gradient,) = torch.autograd.grad((image * filtered).sum() / 2, image)
    torch.testing.assert_close(gradient, filtered.detach(), rtol=0, atol=1e-12)


def test_projection_is_exact_idempotent_and_nearest(operator, x, params):
    degradation = Linear(operator)
    measurement = degradation(x, Rng(0, "degradation", NUMBERS))
    start = uniform(*x.shape, seed=4)
    projected = degradation.project(start, measurement)
    if not operator.exact:
        assert torch.equal(projected, start)
        return
    again = operator.forward(projected, measurement.params)
    assert (again - measurement.params["measured"]).abs().max() < 1e-6
    torch.testing.assert_close(degradation.project(projected, measurement), projected, rtol=0, atol=1e-9)
    for image in range(len(x)):
        A = matrix(operator, x, measurement.params, image)
        missed = measurement.params["measured"][image].flatten().numpy() - A @ start[image].flatten().numpy()
        step, *_ = np.linalg.lstsq(A, missed, rcond=1e-10)  # of all solutions the shortest
        np.testing.assert_allclose((projected - start)[image].flatten().numpy(), step, atol=1e-8)


def test_gradients_pass_through_the_projection(operator, x):
    degradation = Linear(operator)
    measurement = degradation(x, Rng(0, "degradation", NUMBERS))
    start = uniform(*x.shape, seed=5).requires_grad_()
    weights = uniform(*x.shape, seed=6)
    (gradient,) = torch.autograd.grad((weights * degradation.project(start, measurement)).sum(), start)
    if operator.exact:  # what is measured cannot be moved: the gradient lies in the null space
        assert operator.forward(gradient, measurement.params).abs().max() < 1e-8


def all_that_solvers_call(problem, image):
    y, filtered = problem.forward(image), problem.filtered(image, lambda s: 1 / (s.square() + 0.1))
    return [y, filtered, problem.adjoint(y), problem.pseudoinverse(y)]


def test_autocast_changes_nothing(operator, x):
    """Networks are trained in bf16 on measurements that are not rounded to it."""
    degradation, clean, other = Linear(operator), x.float(), x.float().flip(3)
    measurement = degradation(clean, Rng(0, "degradation", NUMBERS))
    expected = all_that_solvers_call(degradation.linear_problem(measurement), other)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = degradation(clean, Rng(0, "degradation", NUMBERS))
        residual, projected = degradation.residual(other, measurement), degradation.project(other, measurement)
        found = all_that_solvers_call(degradation.linear_problem(measurement), other)
    assert all(map(torch.equal, found, expected))
    assert torch.equal(measurement.params["measured"], again.params["measured"])
    assert torch.equal(measurement.condition, again.condition)
    assert torch.equal(residual, degradation.residual(other, measurement))
    assert torch.equal(projected, degradation.project(other, measurement))


def test_noise_has_the_stated_law():
    clean = torch.full((2, 3, 256, 256), 0.4, dtype=torch.float64)
    degradation = Linear(BlockAverage(2), sigma=20)
    measurement = degradation(clean, Rng(0, "degradation", NUMBERS))
    noise = (measurement.params["measured"] - 0.4) * 255 / 20
    n = noise.numel()
    assert abs(noise.mean()) < 4 * n**-0.5
    assert abs(noise.square().mean() - 1) < 4 * (2 / n) ** 0.5
    assert ((degradation.residual(clean, measurement) - 1).abs() < 5 / noise[0].numel() ** 0.5).all()
    assert torch.equal(degradation.project(clean, measurement), clean)


@pytest.mark.parametrize("sigma", [-1, 256, float("nan")])
def test_wrong_sigmas_are_refused(sigma):
    with pytest.raises(ValueError, match=r"sigma must be "):
        Linear(BlockAverage(2), sigma)


@pytest.mark.parametrize("factor", [1, 0, -2])
def test_wrong_factors_are_refused(factor):
    with pytest.raises(ValueError, match=f"factor must .*got {factor}"):
        BlockAverage(factor)
    with pytest.raises(ValueError, match=f"factor must .*got {factor}"):
        Bicubic(factor)
