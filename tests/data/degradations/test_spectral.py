"""What a linear degradation gives to solvers, against the dense SVD of its matrix, and who is refused."""

import numpy as np
import pytest
import torch

from pscgan.data.degradation import LinearDegradation, linear_problem
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.masks import RandomPixels
from pscgan.data.degradations.operators.block_average import BlockAverage
from pscgan.data.degradations.operators.masked import Masked
from pscgan.rng import Rng

from ..test_degradations import YAMLS, built

NUMBERS = [4, 7]
LOST = 1e-12  # of singular values of at most about 1: above rounding, below 4e-10, the least gain of the Gaussian blur
GAINS = {
    "data_step": lambda s: 1 / (s.square() / 0.01 + 2),
    "null_space": lambda s: (s < LOST).to(s),
    "square": lambda s: s.square(),
}


def rng(*numbers):
    return Rng(0, "degradation", numbers)


def picture(*shape):
    return Rng(0, "picture", NUMBERS).rand(*shape).double()


def measure(degradation, size):
    """Images and measurements: grey where it takes them, for smaller matrices; one if each has a sigma of its own."""
    try:
        clean = picture(1, *size)
        measurement = degradation(clean, rng(*NUMBERS))
    except ValueError:
        clean = picture(3, *size)
        measurement = degradation(clean, rng(*NUMBERS))
    count = 1 if "sigma" in measurement.params else 2
    return clean[:count], measurement[:count]


@pytest.mark.parametrize("size", [(15, 17), (16, 16)], ids=str)
@pytest.mark.parametrize("yaml", YAMLS)
def test_filtered_is_that_of_the_dense_svd_or_refused(yaml, size):
    degradation = built(yaml)
    clean, measurement = measure(degradation, size)
    if not isinstance(degradation, LinearDegradation):
        with pytest.raises(ValueError, match=f"^pnp .* {type(degradation).__name__} "):
            linear_problem(degradation, measurement, "pnp")
        return
    x = clean.flip(3)
    problem = linear_problem(degradation, measurement, "pnp")
    found = {name: problem.filtered(x, gain).flatten(1).numpy() for name, gain in GAINS.items()}
    units = torch.eye(x[0].numel(), dtype=torch.float64).view(-1, *x.shape[1:])
    for image in range(len(x)):
        alone = linear_problem(degradation, measurement[torch.full((len(units),), image)], "pnp")
        A = alone.forward(units).flatten(1).T.numpy()
        S = np.zeros(A.shape[1])
        _, S[: min(A.shape)], Vt = np.linalg.svd(A, full_matrices=True)
        for name, gain in GAINS.items():
            expected = Vt.T @ (gain(torch.from_numpy(S)).numpy() * (Vt @ x[image].flatten().numpy()))
            np.testing.assert_allclose(found[name][image], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("degradation", [GaussianNoise(51), Linear(BlockAverage(2), sigma=51)])
def test_y_is_a_x_with_noise_of_sigma_in_the_unit_of_the_images(degradation):
    clean = picture(3, 64, 64)
    problem = linear_problem(degradation, degradation(clean, rng(*NUMBERS)), "pnp")
    assert problem.sigma == pytest.approx(0.2)
    noise = (problem.measured - problem.forward(clean)) / problem.sigma
    assert abs(noise.square().mean() - 1) < 4 * (2 / noise.numel()) ** 0.5


def test_images_of_several_sigmas_are_refused():
    noise = GaussianNoise([25, 75])
    measurement = noise(picture(1, 8, 8), rng(*NUMBERS))
    with pytest.raises(ValueError, match="sigma must"):
        noise.linear_problem(measurement)
    assert noise.linear_problem(measurement[:1]).sigma == pytest.approx(float(measurement.params["sigma"][0]))


def test_what_is_not_known_does_not_count():
    degradation = Linear(Masked(RandomPixels(0.5)), sigma=20)
    clean = picture(3, 16, 16)
    measurement = degradation(clean, rng(*NUMBERS))
    problem = linear_problem(degradation, measurement, "pnp")
    unknown = ~measurement.params["known"].expand_as(clean)
    wrong = torch.where(unknown, 7.0, problem.measured)
    assert unknown.any()
    assert (problem.measured[unknown] == 0).all()
    assert (problem.forward(clean)[unknown] == 0).all()
    assert torch.equal(problem.adjoint(wrong), problem.adjoint(problem.measured))
    assert torch.equal(problem.pseudoinverse(wrong), problem.pseudoinverse(problem.measured))
