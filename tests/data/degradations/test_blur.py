"""Blur against scipy, the Wiener estimate against the normal equations, and what the maps tell."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.operators.blur import POWER, Blur, band_gains
from pscgan.data.degradations.operators.blur_kernels import GaussianKernel, GivenKernel, MotionKernel, UniformKernel
from pscgan.rng import Rng

SKEW = [[0.1, 0.2, 0.0], [0.0, 0.4, 0.1], [0.0, 0.0, 0.2], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def picture(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def matrix(linear, size):
    units = torch.eye(size[0] * size[1], dtype=torch.float64).view(-1, 1, *size)
    return linear(units).flatten(1).T.numpy()


@pytest.mark.parametrize("size", [(12, 8), (9, 7), (5, 3)])
def test_it_is_a_circular_convolution(size):
    x = picture(1, 2, *size)
    operator = Blur(GivenKernel(SKEW))
    found = operator.forward(x, operator.draw(x, Rng(0, "kernel", [0])))
    for channel in range(2):
        expected = convolve(x[0, channel].numpy(), np.array(SKEW), mode="wrap")
        np.testing.assert_allclose(found[0, channel].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("size", [(8, 6), (7, 5)])
def test_the_pseudoinverse_is_that_of_the_matrix_also_where_a_frequency_is_lost(size):
    half_and_half = [[0.0, 0.5, 0.5]]  # has no gain at half a cycle a pixel
    operator = Blur(GivenKernel(half_and_half))
    x = picture(size[0] * size[1], 1, *size)
    params = operator.draw(x, Rng(0, "kernel", range(len(x))))
    A = matrix(lambda units: operator.forward(units, params), size)
    found = matrix(lambda units: operator.pseudoinverse(units, params, size), size)
    np.testing.assert_allclose(found, np.linalg.pinv(A, rcond=1e-10), atol=1e-9)


@pytest.mark.parametrize("size", [(8, 6), (7, 5)])
def test_the_wiener_estimate_solves_the_normal_equations(size):
    """(AᵀA + σ² S⁻¹) x̂ = Aᵀ y with S⁻¹ as a matrix from full Fourier transforms."""
    operator, sigma = Blur(GivenKernel([row[:3] for row in SKEW[:3]])), 10 / 255
    x = picture(size[0] * size[1], 1, *size)
    params = operator.draw(x, Rng(0, "kernel", range(len(x))))
    A = matrix(lambda units: operator.forward(units, params), size)
    f2 = np.fft.fftfreq(size[0])[:, None] ** 2 + np.fft.fftfreq(size[1])[None] ** 2
    inverse = f2 / POWER
    fourier = np.fft.fft2(np.eye(f2.size).reshape(-1, *size), norm="ortho").reshape(-1, f2.size).T
    prior = (fourier.conj().T @ (inverse.reshape(-1, 1) * fourier)).real
    expected = np.linalg.solve(A.T @ A + sigma**2 * prior, A.T)
    np.testing.assert_allclose(
        matrix(lambda units: operator.to_image(units, params, size, sigma), size), expected, atol=1e-9
    )


def test_the_wiener_estimate_has_the_least_error_of_its_spectrum():
    """Of fields of the spectrum S it is the mean over frequencies of 1 / (|K|²/σ² + 1/S)."""
    rng, sigma = Rng(0, "picture", range(16)), 2.55 / 255
    f = torch.hypot(torch.fft.fftfreq(64)[:, None], torch.fft.fftfreq(64)).double()
    white = torch.fft.fft2(rng.randn(1, 64, 64).double())
    colour = torch.where(f > 0, POWER**0.5 / f, 0)
    clean = 0.5 + torch.fft.ifft2(white * colour).real
    source = GaussianKernel(13, 1.6)
    degradation = Linear(Blur(source), sigma=2.55)
    measurement = degradation(clean, rng)
    K = torch.fft.fft2(source.draw(Rng(0, "kernel", [0])), s=(64, 64)).abs()
    expected = 1 / (K.square() / sigma**2 + f.square() / POWER)
    error = (measurement.degraded - clean).square().mean()
    assert float(error) == pytest.approx(float(expected.mean()), rel=0.03)


def test_a_kernel_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match=r"kernel must .*16 x 8 pixels, got 9 x 9"):
        Linear(Blur(UniformKernel(9)))(picture(1, 1, 16, 8), Rng(0, "degradation", [0]))


def test_a_fixed_kernel_needs_no_maps_and_a_drawn_one_is_told():
    x = picture(3, 1, 20, 24)
    fixed = Linear(Blur(GaussianKernel(5, 1.0)))
    assert fixed.num_maps == 0
    assert fixed(x, Rng(0, "degradation", range(3))).maps is None
    measurement = Linear(Blur(GaussianKernel(5, [0.4, 2.0])))(x, Rng(0, "degradation", range(3)))
    assert measurement.maps.shape == (3, 12, 20, 24)
    assert measurement.maps.min() >= 0
    assert measurement.maps.max() <= 1
    assert (measurement.maps == measurement.maps[..., :1, :1]).all()
    assert (measurement.maps[0] - measurement.maps[1]).abs().max() > 0.01


def test_band_gains_are_those_of_the_continuous_kernel():
    """|K| of a Gaussian of sigma s is exp(−2 (π f s)²): by rings; of a line it is least along the line."""
    sigma = 1.5
    gains = band_gains(GaussianKernel(21, sigma).draw(Rng(0, "kernel", [0])))[0].view(3, 4)
    f = torch.linspace(-0.5, 0.5, 801, dtype=torch.float64)
    radius = torch.hypot(f[:, None], f)
    for ring, (low, high) in enumerate([(0, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1)]):
        expected = torch.exp(-2 * (torch.pi * radius[(radius > low) & (radius <= high)] * sigma).square()).mean()
        # rings of a grid of 64 a side hold few frequencies: some per cent
        assert gains[ring].mean() == pytest.approx(float(expected), rel=0.15)
    line = band_gains(MotionKernel(9, 8, angle=0).draw(Rng(0, "kernel", [0])))[0].view(3, 4)
    assert line[1].argmin() == 0  # of the four directions along the rows, across, and between
    assert line[1].argmax() == 2
