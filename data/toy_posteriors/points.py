"""Images whose pixels know nothing of each other: as many small problems as there are pixels."""

import math
from typing import Literal

import torch
from torch import Tensor

from ...checks import require_at_least, require_in
from ...rng import Rng
from ..degradations.gaussian_noise import GaussianNoise
from ..measurement import Measurement
from .gaussian import GaussianProblem, white_noise

MEAN, STD = 0.5, 0.2


def gaussian_points(
    size: int = 8, channels: Literal[1, 3] = 1, correlation: float = 0.7, sigma: float = 50.0
) -> GaussianProblem:
    """Gaussian pixels under white noise; three channels vary together with ``correlation``.

    Raises:
        ValueError: if ``correlation`` leaves [0, 1), or ``sigma`` is not above 0.
    """
    require_at_least(1, size=size)
    require_in("[0, 1)", correlation=correlation)
    colours = (1 - correlation) * torch.eye(channels, dtype=torch.float64) + correlation
    covariance = torch.kron(STD**2 * colours, torch.eye(size**2, dtype=torch.float64))
    return GaussianProblem((channels, size, size), MEAN, covariance, white_noise(len(covariance), sigma))


class TwoModes:
    """Every pixel is near one of two values, under noise that hides which.

    x ~ ½ N(m₁, s²) + ½ N(m₂, s²), y = x + sigma n. The posterior is a mixture again, of weights that depend on y::

        p(x | y) = Σⱼ wⱼ(y) N(mⱼ + g (y − mⱼ), (1 − g) s²),    g = s² / (s² + sigma²),    wⱼ ∝ N(y; mⱼ, s² + sigma²)

    Args:
        size: pixels a side.
        modes: m₁ and m₂.
        std: s, of each mode.
        sigma: of the noise, on the 0..255 scale.

    Raises:
        ValueError: if ``size`` is below 1, or ``std`` or ``sigma`` out of range.
    """

    image_channels = 1

    def __init__(
        self, size: int = 8, modes: tuple[float, float] = (0.3, 0.7), std: float = 0.04, sigma: float = 50.0
    ) -> None:
        require_at_least(1, size=size)
        require_in("(0, inf)", std=std)
        self.size, self.std, self.sigma = size, std, sigma / 255
        self.modes = torch.tensor(modes, dtype=torch.float64).view(-1, 1, 1, 1, 1)
        self.degradation = GaussianNoise(sigma)

    def draw(self, rng: Rng) -> Tensor:
        upper = rng.rand(1, self.size, self.size) < 0.5
        return (self.modes.flatten()[upper.long()] + self.std * rng.randn(1, self.size, self.size)).float()

    def posterior_mean(self, measurement: Measurement) -> Tensor:
        return self.denoise(measurement.degraded.double(), self.sigma)

    def denoise(self, noisy: Tensor, sigma: float) -> Tensor:
        weights, means, _ = self._posterior(noisy, sigma)
        return (weights * means).sum(dim=0)

    def posterior_variance(self, measurement: Measurement) -> Tensor:
        weights, means, variance = self._posterior(measurement.degraded.double(), self.sigma)
        mean = (weights * means).sum(dim=0)
        return variance + (weights * (means - mean).square()).sum(dim=0)

    def posterior_samples(self, measurement: Measurement, num_samples: int, rng: Rng) -> Tensor:
        (first, _), (low, high), variance = self._posterior(measurement.degraded.double(), self.sigma)
        shape = (num_samples, *measurement.degraded.shape[1:])
        chosen = torch.where(rng.rand(*shape).movedim(1, 0) < first, low, high)
        return chosen + math.sqrt(variance) * rng.randn(*shape).movedim(1, 0).double()

    def _posterior(self, noisy: Tensor, sigma: float) -> tuple[Tensor, Tensor, float]:
        """Weights and means of both modes, (2, N, 1, H, W) each, and their common variance."""
        total = self.std**2 + sigma**2
        gain = self.std**2 / total
        modes = self.modes.to(noisy)
        weights = torch.softmax(-(noisy - modes).square() / (2 * total), dim=0)
        return weights, modes + gain * (noisy - modes), (1 - gain) * self.std**2


class Disk:
    """Of a point of a disk one coordinate is seen, the other is to be found (Ohayon et al., arXiv 2211.08944).

    (y, x) is uniform on the disk around ½ of radius ``RADIUS``, without noise: p(x | y) is uniform on the chord over y,
    and the best estimate, its middle, is never where the points are.

    Args:
        size: pixels a side, each a point of its own.
    """

    image_channels = 1
    num_maps = 0
    RADIUS = 0.4

    def __init__(self, size: int = 8) -> None:
        require_at_least(1, size=size)
        self.size = size
        self.degradation = self

    def draw(self, rng: Rng) -> Tensor:
        radius = rng.rand(1, self.size, self.size).sqrt()
        return 0.5 + self.RADIUS * radius * torch.cos(2 * torch.pi * rng.rand(1, self.size, self.size))

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        """y ~ p(y | x): uniform on the other chord."""
        return Measurement(0.5 + self._half_chord(clean) * (2 * rng.rand(*clean.shape[1:]).to(clean) - 1))

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """Share of points outside the disk, (B,)."""
        outside = (restored - 0.5).square() + (measurement.degraded - 0.5).square() > self.RADIUS**2
        return outside.float().mean(dim=(1, 2, 3))

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """The identity: what is consistent is for the sampler to learn."""
        return restored

    def posterior_mean(self, measurement: Measurement) -> Tensor:
        """E[x | y] = ½, (B, 1, H, W) float64."""
        return torch.full_like(measurement.degraded, 0.5, dtype=torch.float64)

    def posterior_variance(self, measurement: Measurement) -> Tensor:
        """Var[x | y], (B, 1, H, W) float64: a third of the squared half chord."""
        return self._half_chord(measurement.degraded.double()).square() / 3

    def posterior_samples(self, measurement: Measurement, num_samples: int, rng: Rng) -> Tensor:
        uniform = rng.rand(num_samples, *measurement.degraded.shape[1:]).movedim(1, 0).double()
        return 0.5 + self._half_chord(measurement.degraded.double()) * (2 * uniform - 1)

    def _half_chord(self, coordinate: Tensor) -> Tensor:
        return (self.RADIUS**2 - (coordinate - 0.5).square()).clamp(min=0).sqrt()


class JointDisk:
    """``Disk`` with the image as the whole point: of its two channels y shows the first, and a sample has y pasted in.

    A critic of such images judges p(y, x̂) without being told y, as in the toy of arXiv 2211.08944, and its gradient
    penalty bounds how fast it may change with y too. One that is told y has no such bound (``Disk``).

    Args:
        size: pixels a side, each a point of its own.
    """

    image_channels = 2
    num_maps = 0

    def __init__(self, size: int = 8) -> None:
        self.disk = Disk(size)
        self.degradation = self

    def draw(self, rng: Rng) -> Tensor:
        hidden = self.disk.draw(rng)
        return torch.cat([self.disk(hidden, rng).degraded, hidden], dim=1)

    def __call__(self, clean: Tensor, rng: Rng) -> Measurement:
        """The first channel beside ½; nothing is drawn."""
        return Measurement(torch.cat([clean[:, :1], torch.full_like(clean[:, 1:], 0.5)], dim=1))

    def residual(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """RMS of what y shows, in grey levels (0..255), (B,)."""
        return 255 * (restored - measurement.degraded)[:, 0].square().mean(dim=(1, 2)).sqrt()

    def project(self, restored: Tensor, measurement: Measurement) -> Tensor:
        """y in the place of the first channel."""
        return torch.cat([measurement.degraded[:, :1].to(restored), restored[:, 1:]], dim=1)

    def posterior_mean(self, measurement: Measurement) -> Tensor:
        """(y, ½), (B, 2, H, W) float64."""
        return measurement.degraded.double()

    def posterior_variance(self, measurement: Measurement) -> Tensor:
        """0 and that of ``Disk``, (B, 2, H, W) float64."""
        variance = self.disk.posterior_variance(self._seen(measurement))
        return torch.cat([torch.zeros_like(variance), variance], dim=1)

    def posterior_samples(self, measurement: Measurement, num_samples: int, rng: Rng) -> Tensor:
        hidden = self.disk.posterior_samples(self._seen(measurement), num_samples, rng)
        return torch.cat([self._seen(measurement).degraded.to(hidden).expand_as(hidden), hidden], dim=2)

    @staticmethod
    def _seen(measurement: Measurement) -> Measurement:
        return Measurement(measurement.degraded[:, :1])
