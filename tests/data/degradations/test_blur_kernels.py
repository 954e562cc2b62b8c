"""Every kernel sums to one; moments and shapes are what the arguments say."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.data.degradations.operators.blur_kernels import GaussianKernel, GivenKernel, MotionKernel, UniformKernel
from pscgan.rng import Rng

KERNELS = {
    "uniform": lambda: UniformKernel(5),
    "gaussian": lambda: GaussianKernel(9, 1.2),
    "gaussians": lambda: GaussianKernel(9, [0.3, 3]),
    "line": lambda: MotionKernel(9, 6, angle=30),
    "lines": lambda: MotionKernel(9, [0, 8]),
    "curves": lambda: MotionKernel(9, 8, turn=200),
    "given": lambda: GivenKernel([[0.25, 0.5, 0.25]]),
}


@pytest.fixture(params=KERNELS)
def source(request):
    return KERNELS[request.param]()


def drawn(source, numbers, seed=0):
    return source.draw(Rng(seed, "kernel", numbers))


def centred(kernel):
    """Mean place and covariance (rows, columns) about the middle, in pixels."""
    places = torch.stack(
        torch.meshgrid(*(torch.arange(side).double() - side // 2 for side in kernel.shape), indexing="ij"), dim=-1
    )
    mean = (kernel[..., None] * places).sum((0, 1))
    return mean, torch.einsum("hw,hwi,hwj->ij", kernel, places - mean, places - mean)


def test_kernels_sum_to_one_and_are_not_negative(source):
    kernels = drawn(source, range(50))
    torch.testing.assert_close(kernels.sum((1, 2)), torch.ones(50, dtype=torch.float64), rtol=0, atol=1e-12)
    assert kernels.min() >= 0


def test_a_kernel_does_not_depend_on_its_batch(source):
    together = drawn(source, [4, 7, 1])
    assert torch.equal(together, torch.cat([drawn(source, [number]) for number in (4, 7, 1)]))
    different = not torch.equal(together[0], together[1]) and not torch.equal(
        together[0], drawn(source, [4], seed=1)[0]
    )
    assert different == source.drawn


def test_a_gaussian_has_its_variance():
    mean, covariance = centred(drawn(GaussianKernel(15, 1.3), [0])[0])
    torch.testing.assert_close(mean, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(covariance, 1.69 * torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-3)


def test_drawn_gaussians_have_two_widths_from_the_range_and_any_angle():
    covariances = torch.stack([centred(kernel)[1] for kernel in drawn(GaussianKernel(25, [1, 3]), range(200))])
    values, vectors = torch.linalg.eigh(covariances)
    widths = values.sqrt()
    assert 0.95 < widths.min() < 1.1
    assert 2.8 < widths.max() < 3.05
    angle = torch.atan2(vectors[:, 0, 1], vectors[:, 1, 1]) % math.pi
    quarters = torch.histc(angle, 4, 0, math.pi)
    assert quarters.min() > 25  # 50 expected, standard deviation 6


@pytest.mark.parametrize("angle", [0, 30, 90, 135])
def test_a_straight_line_has_the_moments_of_its_segment(angle):
    """Along it L²/12, more by what interpolation spreads: at most 1/4 a pixel² along each axis."""
    length = 10.0
    mean, covariance = centred(drawn(MotionKernel(15, length, angle=angle), [0])[0])
    torch.testing.assert_close(mean, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-9)
    radians = math.radians(angle)
    direction = torch.tensor([math.sin(radians), math.cos(radians)], dtype=torch.float64)
    spread = covariance - length**2 / 12 * direction.outer(direction)
    assert torch.linalg.eigvalsh(spread).min() > -0.01
    assert torch.linalg.eigvalsh(spread).max() < 0.26


def test_no_path_leaves_its_kernel():
    """Weight that leaves is lost, and the sum of a traced kernel is not mended."""
    for turn in (0, 60, 300):
        kernels = drawn(MotionKernel(5, 4, turn=turn), range(300))
        assert (kernels.sum((1, 2)) - 1).abs().max() < 1e-12


def test_no_length_is_no_blur():
    kernel = drawn(MotionKernel(5, 0), [0])[0]
    expected = torch.zeros(5, 5, dtype=torch.float64)
    expected[2, 2] = 1
    torch.testing.assert_close(kernel, expected)


def test_given_kernels_are_read_from_files(tmp_path):
    weights = np.array([[0.0, 0.25, 0.0], [0.5, 0.0, 0.25], [0.0, 0.0, 0.0]])
    np.save(tmp_path / "kernel.npy", weights)
    Image.fromarray((200 * weights).astype(np.uint8)).save(tmp_path / "kernel.png")
    for name in ("kernel.npy", "kernel.png"):
        kernel = drawn(GivenKernel(str(tmp_path / name)), [0])[0]
        np.testing.assert_allclose(kernel.numpy(), weights, atol=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: UniformKernel(4), "size must .*got 4"),
        (lambda: UniformKernel(-1), "size must .*got -1"),
        (lambda: GaussianKernel(5, 0), "sigma must .*got 0"),
        (lambda: GaussianKernel(5, [2, 1]), r"sigma must .*got \[2, 1\]"),
        (lambda: GaussianKernel(5, float("nan")), "sigma must .*got nan"),
        (lambda: MotionKernel(5, 4.5), "length must .*got 4.5"),
        (lambda: MotionKernel(5, [-1, 2]), "length must be "),
        (lambda: MotionKernel(5, 3, turn=-1), "turn must .*got -1"),
        (lambda: MotionKernel(5, 3, angle=float("inf")), "angle must .*got inf"),
        (lambda: GivenKernel([[0.5, 0.5]]), r"kernel must .*the shape \(1, 2\)"),
        (lambda: GivenKernel([[0.5, 0.1, 0.1]]), "sum of kernel must .*got 0.7"),
        (lambda: GivenKernel([[float("nan")]]), "kernel must .*the shape .*"),
        (lambda: GivenKernel([[1.0], [1.0, 2.0]]), "kernel must be "),
        (lambda: GivenKernel("nowhere.npy"), "kernel must .*got nowhere.npy"),
    ],
)
def test_wrong_arguments_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_file_that_is_none_is_refused(tmp_path):
    for name in ("kernel.npy", "kernel.png"):
        (tmp_path / name).write_bytes(b"none")
        with pytest.raises(ValueError, match="which cannot be read"):
            GivenKernel(str(tmp_path / name))
