"""Gaussian images under a linear operator, with white noise or none: the posterior is Gaussian, in closed form."""

import torch
from torch import Tensor

from ...checks import require_in
from ...rng import Rng
from ..measurement import Measurement


class LinearMeasurement:
    """y = A x + sigma n, given to the networks as the image L y.

    Args:
        operator: A, (m, C H W), of rank m.
        embed: L, (C H W, m), from measured values to an image of the size of x.
        sigma: standard deviation of the noise in units of the image; 0 for none, which makes samples consistent.
        maps: condition maps that go with every y, (M, H, W), as a mask; None for none.

    Raises:
        ValueError: if ``sigma`` is below 0.
    """

    def __init__(self, operator: Tensor, embed: Tensor, sigma: float, maps: Tensor | None = None) -> None:
        require_in("[0, inf)", sigma=sigma)
        self.operator, self.embed, self.sigma, self.maps = operator, embed, sigma, maps
        self._pseudoinverse = torch.linalg.pinv(operator)
        self.num_maps = 0 if maps is None else len(maps)

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        values = clean.flatten(1).to(self.operator) @ self.operator.T
        values = values + self.sigma * rng.randn(len(self.operator)).to(values)
        degraded = (values @ self.embed.T).view(clean.shape).to(clean.dtype)
        maps = None if self.maps is None else self.maps.expand(len(clean), -1, -1, -1).to(clean)
        return Measurement(degraded, maps, {"values": values})

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """RMS of y − A x̂, (B,): in units of sigma, about 1 for the truth; without noise in grey levels (0..255)."""
        rms = self._missed(restored, measurement).square().mean(dim=1).sqrt()
        return rms / self.sigma if self.sigma else 255 * rms

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """x̂ + A⁺(y − A x̂), the nearest image that is measured as y; under noise every image can be: the identity."""
        if self.sigma:
            return restored
        step = self._missed(restored, measurement) @ self._pseudoinverse.T
        nearest: Tensor = (restored + step.view(restored.shape)).to(restored.dtype)
        return nearest

    def _missed(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """y − A x̂, (B, m) float64."""
        return measurement.params["values"] - restored.flatten(1).to(self.operator) @ self.operator.T


def white_noise(values: int, sigma: float) -> LinearMeasurement:
    """y = x + (sigma / 255) n: denoising of images of so many values.

    Raises:
        ValueError: if ``sigma`` is not above 0: y would be x, and its posterior a point.
    """
    require_in("(0, inf)", sigma=sigma)
    identity = torch.eye(values, dtype=torch.float64)
    return LinearMeasurement(identity, identity, sigma / 255)


class GaussianProblem:
    """Gaussian images, seen through a linear operator, with noise or without.

    x ~ N(m, S), y = A x + sigma n::

        Cov[x | y] = S − G A S,    E[x | y] = m + G (y − A m),    G = S Aᵀ (A S Aᵀ + sigma² I)⁻¹

    The covariance is the same for every y. Without noise it is singular: A Cov[x | y] = 0, and A E[x | y] = y.

    Args:
        shape: (C, H, W) of x.
        mean: m of every value.
        covariance: S, (C H W, C H W) float64.
        degradation: A and sigma.
    """

    def __init__(
        self, shape: tuple[int, int, int], mean: float, covariance: Tensor, degradation: LinearMeasurement
    ) -> None:
        self.shape, self.mean, self.covariance, self.degradation = shape, mean, covariance, degradation
        self.image_channels, self.sigma = shape[0], degradation.sigma
        self._root = torch.linalg.cholesky(covariance)
        A = degradation.operator
        self.gain = torch.linalg.solve(
            A @ covariance @ A.T + self.sigma**2 * torch.eye(len(A), dtype=torch.float64), A @ covariance
        ).T
        self.posterior_covariance = covariance - self.gain @ A @ covariance
        self._posterior_root = symmetric_root(self.posterior_covariance)
        self._spectrum = torch.linalg.eigh(covariance)

    def draw(self, rng: Rng) -> Tensor:
        white = rng.randn(len(self._root)).double()
        images: Tensor = self.mean + white @ self._root.T
        return images.view(-1, *self.shape).float()

    def posterior_mean(self, measurement: Measurement) -> Tensor:
        expected = self.mean * self.degradation.operator.sum(dim=1)
        mean: Tensor = self.mean + (measurement.params["values"] - expected) @ self.gain.T
        return mean.view(-1, *self.shape)

    def posterior_variance(self, measurement: Measurement) -> Tensor:
        variance: Tensor = self.posterior_covariance.diagonal().clamp(min=0)
        return variance.view(self.shape).expand(len(measurement), -1, -1, -1)

    def posterior_samples(self, measurement: Measurement, num_samples: int, rng: Rng) -> Tensor:
        white = rng.randn(num_samples, len(self._root)).double().movedim(1, 0)
        spread: Tensor = white @ self._posterior_root.T
        return self.posterior_mean(measurement) + spread.view(num_samples, -1, *self.shape)

    def denoise(self, noisy: Tensor, sigma: float) -> Tensor:
        values, vectors = (part.to(noisy) for part in self._spectrum)
        shrunk: Tensor = (noisy.flatten(1) - self.mean) @ vectors * (values / (values + sigma**2))
        mean: Tensor = self.mean + shrunk @ vectors.T
        return mean.view(-1, *self.shape)


def symmetric_root(covariance: Tensor) -> Tensor:
    """R = Rᵀ with R R = C, for a C that may be singular: one matrix, whichever eigenvectors the library returns.

    Eigenvalues of rounding count as 0: their roots would not be small.
    """
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1]
    root: Tensor = (vectors * (values * kept).sqrt()) @ vectors.T
    return root
