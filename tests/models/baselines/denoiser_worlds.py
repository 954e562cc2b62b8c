"""Priors whose MMSE denoiser and posterior under noise are known."""

from math import sqrt

import torch
from torch import Tensor

from pscgan.linear_problem import LinearProblem


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class GaussianPixels:
    """Independent pixels, N(mean, std²)."""

    def __init__(self, mean: float = 0.5, std: float = 0.2):
        self.mean, self.std = mean, std

    def clean(self, seed: int, *shape: int) -> Tensor:
        return self.mean + self.std * normal(seed, *shape)

    def slope(self, s: float) -> float:
        """dD/dx, and the posterior variance over s²."""
        return self.std**2 / (self.std**2 + s**2)

    def denoise(self, x: Tensor, s: float) -> Tensor:
        return self.mean + self.slope(s) * (x - self.mean)


class TwoModes:
    """Independent pixels, an equal mixture of two Gaussians."""

    modes, std = (0.3, 0.7), 0.04

    def clean(self, seed: int, *shape: int) -> Tensor:
        high = normal(seed + 1, *shape) > 0
        return torch.where(high, self.modes[1], self.modes[0]) + self.std * normal(seed, *shape)

    def _posterior(self, x: Tensor, s: float) -> tuple[Tensor, Tensor, Tensor]:
        """Probability of the upper mode, and the mean under either."""
        low, high = self.modes
        variance = self.std**2 + s**2
        odds = ((x - low) ** 2 - (x - high) ** 2) / (2 * variance)
        means = [mode + self.std**2 / variance * (x - mode) for mode in self.modes]
        return odds.sigmoid(), *means

    def denoise(self, x: Tensor, s: float) -> Tensor:
        high, mean_low, mean_high = self._posterior(x, s)
        return mean_low + high * (mean_high - mean_low)

    def posterior_sample(self, y: Tensor, sigma: float, seed: int) -> Tensor:
        high, mean_low, mean_high = self._posterior(y, sigma)
        chosen = torch.rand(y.shape, generator=torch.Generator().manual_seed(seed)) < high
        deviation = sigma * self.std / sqrt(sigma**2 + self.std**2)
        return torch.where(chosen, mean_high, mean_low) + deviation * normal(seed + 1, *y.shape)


class GaussianTexture:
    """A stationary Gaussian field on a torus, ``side`` x ``side``, power falling with the square of the frequency.

    Attributes:
        power: variance of the orthonormal Fourier coefficient at each frequency; its mean is std².
        frequency: cycles an image, of each.
    """

    def __init__(self, side: int = 16, mean: float = 0.5, std: float = 0.2):
        axis = torch.fft.fftfreq(side, 1 / side)
        self.mean, self.frequency = mean, (axis[:, None] ** 2 + axis**2).sqrt()
        self.power = 1 / (1 + self.frequency**2)
        self.power *= std**2 / self.power.mean()

    def _filter(self, gain: Tensor, x: Tensor) -> Tensor:
        return torch.fft.ifft2(gain * torch.fft.fft2(x)).real

    def clean(self, seed: int, num_images: int) -> Tensor:
        return self.mean + self._filter(self.power.sqrt(), normal(seed, num_images, 1, *self.power.shape))

    def slope(self, s: float) -> Tensor:
        """The filter that D is, and the posterior power over s²."""
        return self.power / (self.power + s**2)

    def denoise(self, x: Tensor, s: float) -> Tensor:
        return self.mean + self._filter(self.slope(s), x - self.mean)


class GaussianVectors:
    """N(mean, C) in float64, C dense, seen through a dense A of 10 rows, one singular value of which is 1 and one 0.02.

    Attributes:
        covariance: C, (16, 16); standard deviations from 0.05 to 0.3.
        A: (10, 16).
    """

    shape = (1, 4, 4)

    def __init__(self, mean: float = 0.5, sigma: float = 0.1):
        self.mean, self.sigma = mean, sigma
        values, vectors = torch.linspace(0.05, 0.3, 16).double().square(), self._orthogonal(0, 16)
        self.covariance = vectors * values @ vectors.T
        self.S = torch.linspace(1, 0.02, 10).double()
        self.V = self._orthogonal(1, 16)
        self.A = self._orthogonal(2, 10) * self.S @ self.V[:, :10].T

    def _orthogonal(self, seed: int, size: int) -> Tensor:
        return torch.linalg.qr(normal(seed, size, size).double())[0]

    def _images(self, vectors: Tensor) -> Tensor:
        return vectors.view(-1, *self.shape)

    def problem(self, num_images: int = 3) -> LinearProblem:
        """Of images drawn from the prior."""
        drawn = normal(3, num_images, 16).double() @ torch.linalg.cholesky(self.covariance).T
        measured = (self.mean + drawn) @ self.A.T + self.sigma * normal(4, num_images, 10).double()
        inverse, padded = torch.linalg.pinv(self.A), torch.cat([self.S, self.S.new_zeros(6)])
        return LinearProblem(
            measured,
            self.sigma,
            forward=lambda image: image.flatten(1) @ self.A.T,
            adjoint=lambda y: self._images(y @ self.A),
            pseudoinverse=lambda y: self._images(y @ inverse.T),
            filtered=lambda image, gain: self._images(image.flatten(1) @ (self.V * gain(padded)) @ self.V.T),
            shown=self._images(measured @ self.A),
        )

    def denoise(self, x: Tensor, s: float) -> Tensor:
        gain = self.covariance @ torch.linalg.inv(self.covariance + s**2 * torch.eye(16).double())
        return self._images(self.mean + (x.flatten(1) - self.mean) @ gain.T)

    def posterior_mean(self, problem: LinearProblem, covariance: Tensor) -> Tensor:
        """Under N(mean, covariance), by the gain C Aᵀ (A C Aᵀ + sigma² I)⁻¹."""
        variance = self.A @ covariance @ self.A.T + problem.sigma**2 * torch.eye(10).double()
        gain = covariance @ self.A.T @ torch.linalg.inv(variance)
        mean = torch.full((16,), self.mean).double()
        return self._images(mean + (problem.measured - self.A @ mean) @ gain.T)


def blurred(y: Tensor, K: Tensor, sigma: float) -> LinearProblem:
    """Images under a periodic blur of transfer K, on the frequencies of ``fft2``."""

    def apply(transfer: Tensor, image: Tensor) -> Tensor:
        return torch.fft.ifft2(transfer * torch.fft.fft2(image)).real

    return LinearProblem(
        y,
        sigma,
        forward=lambda image: apply(K, image),
        adjoint=lambda image: apply(K.conj(), image),
        pseudoinverse=lambda image: apply(1 / K, image),
        filtered=lambda image, gain: apply(gain(K.abs()), image),
        shown=y,
    )


def spectrum(images: Tensor) -> Tensor:
    """Mean power of the orthonormal Fourier coefficients of (..., H, W), at each frequency."""
    return torch.fft.fft2(images, norm="ortho").abs().square().flatten(0, -3).mean(0)
