"""Chains against their steps taken by hand, and their projection onto what the last step measured."""

import numpy as np
import pytest
import torch

from pscgan.data.degradations.chain import Chain
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.block_average import BlockAverage
from pscgan.data.degradations.operators.blur import Blur
from pscgan.data.degradations.operators.blur_kernels import GaussianKernel
from pscgan.data.degradations.operators.resampling import Bicubic
from pscgan.rng import Rng

NUMBERS = [3, 5]


def picture(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def blur():
    return Linear(Blur(GaussianKernel(5, [0.5, 1.5])))


def rng():
    return Rng(0, "degradation", NUMBERS)


def test_it_is_its_steps_one_after_the_other():
    x = picture(2, 3, 33, 26)
    steps = [blur(), Linear(Bicubic(2), sigma=3), GaussianNoise([1, 20]), Jpeg([30, 90])]
    measurement = Chain(steps)(x, rng())
    stream, image, parts = rng(), x, []
    for step in steps:
        parts.append(step(image, stream))
        image = parts[-1].params.get("measured", parts[-1].degraded)
    assert image.shape[-2:] == (17, 13)
    expected = Bicubic(2).to_image(image, {}, (33, 26), 0.0)
    assert torch.equal(measurement.degraded, expected)
    assert torch.equal(measurement.params["3.tables"], parts[3].params["tables"])
    assert torch.equal(measurement.params["0.kernel"], parts[0].params["kernel"])
    assert measurement.maps.shape == (2, 12 + 1 + 3, 33, 26)
    sigma = parts[2].params["sigma"]
    assert torch.equal(measurement.maps[:, 12], sigma.view(-1, 1, 1).expand(-1, 33, 26))
    assert torch.equal(measurement.maps[:, 13, ::2, ::2], parts[3].maps[:, 0])  # enlarged by repetition


def test_the_residual_is_that_of_the_last_step_after_the_linear_ones():
    x = picture(2, 3, 16, 24)
    last = GaussianNoise(10)
    chain = Chain([blur(), Linear(BlockAverage(2), sigma=30), last])
    measurement = chain(x, rng())
    kernel = {"kernel": measurement.params["0.kernel"]}
    other = picture(2, 3, 16, 24, seed=1)
    pushed = BlockAverage(2).forward(Blur(GaussianKernel(5, [0.5, 1.5])).forward(other, kernel), {})
    difference = measurement.params["2.degraded"] - pushed
    expected = difference.square().mean((1, 2, 3)).sqrt() * 255 / 10
    torch.testing.assert_close(chain.residual(other, measurement), expected)


def test_without_noise_before_it_the_truth_has_the_residual_the_last_step_states():
    x = picture(2, 3, 64, 64)
    noisy = Chain([blur(), Linear(Bicubic(2)), GaussianNoise(10)])
    assert ((noisy.residual(x, noisy(x, rng())) - 1).abs() < 5 / (2 * 3 * 32 * 32) ** 0.5).all()
    compressed = Chain([blur(), Linear(Bicubic(2)), Jpeg(50)])
    assert (compressed.residual(x, compressed(x, rng())) == 0).all()


def test_shrunk_files_are_explained_by_projections():
    """Block means, then JPEG: the nearest of all images whose means lie in the cell."""
    x, start = picture(2, 3, 32, 48).double(), picture(2, 3, 32, 48, seed=1).double()
    operator, last = BlockAverage(2), Jpeg(30, "4:4:4")
    chain = Chain([Linear(operator), last])
    measurement = chain(x, rng())
    projected = chain.project(start, measurement)
    small = operator.forward(projected, {})
    in_the_cell = last.project(operator.forward(start, {}), chain._last(measurement))
    torch.testing.assert_close(small, in_the_cell, rtol=0, atol=1e-6)
    # what rounding to 8 bits leaves
    assert (chain.residual(projected, measurement) < 0.01 * chain.residual(start, measurement)).all()
    torch.testing.assert_close(chain.project(projected, measurement), projected, rtol=0, atol=1e-6)
    # nearest: nothing is moved within blocks
    torch.testing.assert_close(
        projected - start, operator.pseudoinverse(small - operator.forward(start, {}), {}, (32, 48))
    )


@pytest.mark.parametrize("size", [(24, 16), (23, 13)])
def test_two_linear_steps_are_undone_together(size):
    x, start = picture(2, 1, *size).double(), picture(2, 1, *size, seed=1).double()
    first, second = Bicubic(2), BlockAverage(3)
    chain = Chain([Linear(first), Linear(second)])
    measurement = chain(x, rng())
    projected = chain.project(start, measurement)
    again = second.forward(first.forward(projected, {}), {})
    np.testing.assert_allclose(again.numpy(), measurement.params["1.measured"].numpy(), atol=1e-7)
    assert (chain.residual(start, measurement) > 1).all()
    assert (chain.residual(projected, measurement) < 1e-4).all()


@pytest.mark.parametrize(
    "steps",
    [
        lambda: [Linear(BlockAverage(2), sigma=5), Jpeg(30)],
        lambda: [blur(), Jpeg(30)],
        lambda: [GaussianNoise(5), Linear(BlockAverage(2))],
        lambda: [Linear(BlockAverage(2)), Jpeg(50), Jpeg(30)],
    ],
    ids=["noise", "blur", "noise alone", "two files"],
)
def test_what_cannot_be_undone_is_left(steps):
    x, start = picture(2, 3, 32, 32), picture(2, 3, 32, 32, seed=1)
    chain = Chain(steps())
    assert chain.project(start, chain(x, rng())) is start


def test_a_chain_within_stands_for_its_steps():
    x = picture(2, 3, 16, 16)
    steps = [blur(), Linear(Bicubic(2)), GaussianNoise(5)]
    inner = Chain([Chain(steps[:2]), steps[2]])
    assert torch.equal(inner(x, rng()).degraded, Chain(steps)(x, rng()).degraded)


def test_gradients_pass_through_the_projection():
    x = picture(2, 1, 12, 12).double()
    chain = Chain([Linear(BlockAverage(2)), Linear(Bicubic(2))])
    measurement = chain(x, rng())
    start = picture(2, 1, 12, 12, seed=1).double().requires_grad_()
    weights = picture(2, 1, 12, 12, seed=2).double()
    (gradient,) = torch.autograd.grad((weights * chain.project(start, measurement)).sum(), start)
    # what is measured cannot be moved: a step along any row of A changes nothing
    rows = BlockAverage(2).pseudoinverse(
        Bicubic(2).adjoint(picture(2, 1, 3, 3, seed=3).double(), {}, (6, 6)), {}, (12, 12)
    )
    moved = chain.project(start.detach() + rows, measurement) - chain.project(start.detach(), measurement)
    assert gradient.abs().max() > 0.1
    torch.testing.assert_close((gradient * rows).sum(), (weights * moved).sum(), rtol=1e-6, atol=1e-6)


class Flat:
    """y is no image."""

    num_maps, exact = 0, False

    def draw(self, clean, rng):
        return {}

    def forward(self, image, params):
        return image.flatten(1)

    def to_image(self, measured, params, size, sigma):
        return measured.view(len(measured), -1, *size)

    def maps(self, params, size):
        return None


def test_a_step_before_the_last_must_measure_an_image():
    x = picture(2, 3, 8, 8)
    assert Chain([GaussianNoise(5), Linear(Flat())])(x, rng()).degraded.shape == x.shape
    with pytest.raises(ValueError, match=r"step 0 must .*got the shape \(2, 192\)"):
        Chain([Linear(Flat()), GaussianNoise(5)])(x, rng())


@pytest.mark.parametrize("steps", [[], [GaussianNoise(5)], None, [GaussianNoise(5), "jpeg"]])
def test_wrong_steps_are_refused(steps):
    with pytest.raises(ValueError, match=r"steps must be "):
        Chain(steps)
