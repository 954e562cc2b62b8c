"""Grey images whose power falls with frequency as that of photographs, under noise, averaging, a mask or lensing."""

import torch
from torch import Tensor

from ...checks import require_at_least
from ..convergence_fields import convergence_power
from ..degradations.operators.shear import Shear
from .gaussian import GaussianProblem, LinearMeasurement, white_noise

MEAN, STD = 0.5, 0.2  # of a pixel
TORUS = 2  # the field is a cut of a periodic one so many times as wide: its own edges do not meet


def field_covariance(size: int) -> Tensor:
    """Covariance of a stationary field of power 1/(f² + f₀²), f in cycles a pixel, (size², size²) float64.

    Natural images have a power of about 1/f² (Field 1987); f₀ is one cycle over the torus, which bounds it.
    """
    period = TORUS * size
    frequency = torch.fft.fftfreq(period, dtype=torch.float64)
    power = 1 / (frequency[:, None].square() + frequency.square() + 1 / period**2)
    autocovariance: Tensor = STD**2 * torch.fft.ifft2(power / power.mean()).real
    lag = (torch.arange(size)[:, None] - torch.arange(size)) % period
    return autocovariance[lag[:, None, :, None], lag[None, :, None, :]].reshape(size**2, size**2)


def noisy_field(size: int = 16, sigma: float = 50.0) -> GaussianProblem:
    """A field under white noise of ``sigma`` on the 0..255 scale: denoising.

    Raises:
        ValueError: if ``size`` is below 1 or ``sigma`` not above 0.
    """
    require_at_least(1, size=size)
    return _problem(size, white_noise(size**2, sigma))


def coarse_field(size: int = 16, factor: int = 4, sigma: float = 5.0) -> GaussianProblem:
    """A field seen as means over blocks of ``factor`` pixels a side, with noise, or none at 0: super-resolution.

    Raises:
        ValueError: if ``factor`` does not divide ``size``.
    """
    require_at_least(1, size=size, factor=factor)
    if size % factor:
        raise ValueError(f"factor must be a divisor of size ({size}), got {factor}")
    block = torch.arange(size) // factor
    rows = torch.nn.functional.one_hot(block, size // factor).double()  # (size, size / factor)
    spread = torch.kron(rows, rows)  # a block mean to its pixels
    return _problem(size, LinearMeasurement(spread.T / factor**2, spread, sigma / 255))


def masked_field(size: int = 16, hole: int = 8, sigma: float = 5.0) -> GaussianProblem:
    """A field with a square hole of ``hole`` pixels a side in its middle, with noise, or none at 0: inpainting.

    Raises:
        ValueError: if the hole leaves no pixel.
    """
    require_at_least(1, size=size, hole=hole)
    if hole >= size:
        raise ValueError(f"hole must be less than size ({size}), got {hole}")
    known = torch.ones(size, size, dtype=torch.float64)
    start = (size - hole) // 2
    known[start : start + hole, start : start + hole] = 0
    pick = torch.eye(size**2, dtype=torch.float64)[known.flatten().bool()]
    return _problem(size, LinearMeasurement(pick, pick.T, sigma / 255, maps=known[None]))


def sheared_field(size: int = 31, hole: int = 9, sigma: float = 12.75) -> GaussianProblem:
    """A Gaussian convergence field seen as its shear, with noise and two square holes of ``hole`` pixels: mass mapping.

    Its power is ``convergence_power``; shown is Aᵀ y, the map of Kaiser and Squires. Units are those of images, 0.4 of
    κ: by default the noise of either component is 0.02.

    Raises:
        ValueError: if the holes do not fit into the field beside each other.
    """
    require_at_least(2, size=size)
    start = size // 8
    if not 0 <= 2 * (start + hole) <= size:
        raise ValueError(f"hole must be at most {size // 2 - start}, so that two fit into {size} pixels, got {hole}")
    known = torch.ones(size, size, dtype=torch.float64)
    for first in (start, size - start - hole):
        known[first : first + hole, first : first + hole] = 0
    units = torch.eye(size**2, dtype=torch.float64).view(-1, 1, size, size)
    seen = known.flatten().bool().repeat(2)
    A = Shear().forward(units, {}).flatten(1).T[seen]
    return GaussianProblem(
        (1, size, size), MEAN, _convergence_covariance(size), LinearMeasurement(A, A.T, sigma / 255, maps=known[None])
    )


def _convergence_covariance(size: int) -> Tensor:
    """(size², size²) float64; the mean has a millionth of the largest power, lest it be singular."""
    power = convergence_power(size)
    power[0, 0] = 1e-6 * power.max()
    autocovariance: Tensor = torch.fft.ifft2(power).real
    lag = (torch.arange(size)[:, None] - torch.arange(size)) % size
    return autocovariance[lag[:, None, :, None], lag[None, :, None, :]].reshape(size**2, size**2)


def _problem(size: int, degradation: LinearMeasurement) -> GaussianProblem:
    return GaussianProblem((1, size, size), MEAN, field_covariance(size), degradation)
