"""Convergence fields κ on a periodic square as images: the power of Gaussian ones, and lognormal ones.

An image holds x = ½ + κ / 0.4, so that white is κ = 0.2. κ has a power of 1/(f² + f₀²), f₀ half a cycle over the
square, a standard deviation of 0.0182, and a mean of 0 over each field, because lensing leaves it open.
"""

import torch
from torch import Tensor

from ..checks import require_at_least
from ..rng import Rng

KAPPA_A_UNIT = 0.4  # of the image
MEAN, STD = 0.5, 0.0182 / KAPPA_A_UNIT
SHIFT = 0.03 / KAPPA_A_UNIT  # κ₀: about where κ ends below, in the emptiest directions


def convergence_power(size: int) -> Tensor:
    """Variance of each coefficient of the unitary Fourier transform, (size, size) float64; 0 of the mean.

    Raises:
        ValueError: if ``size`` is below 2.
    """
    require_at_least(2, size=size)
    frequency = torch.fft.fftfreq(size, dtype=torch.float64, device="cpu")
    power: Tensor = 1 / (frequency[:, None].square() + frequency.square() + 1 / (2 * size) ** 2)
    power[0, 0] = 0
    power *= STD**2 / power.mean()
    return power


class LognormalFields:
    """κ = κ₀ (exp(g − s²/2) − 1) of a Gaussian field g of variance s², less its mean (Coles and Jones 1991, MNRAS 248).

    The autocovariance of g is that for which κ would have the power of ``convergence_power``, ln(1 + ξ / κ₀²) by that
    of κ; where it has negative power, which no field has, that is 0.

    Args:
        size: pixels a side.

    Attributes:
        power: of κ as it is, in the sense of ``convergence_power``.

    Raises:
        ValueError: if ``size`` is below 2.
    """

    def __init__(self, size: int) -> None:
        wanted = torch.fft.ifft2(convergence_power(size)).real
        gaussian = torch.fft.fft2(torch.log1p(wanted / SHIFT**2)).real.clamp(min=0)
        autocovariance = torch.fft.ifft2(gaussian).real
        self.size, self._root, self._variance = size, gaussian.sqrt(), autocovariance[0, 0]
        self.power = torch.fft.fft2(SHIFT**2 * torch.expm1(autocovariance)).real
        self.power[0, 0] = 0

    def draw(self, rng: Rng) -> Tensor:
        """x of each generator, (B, 1, size, size) float32 of mean ½; peaks may exceed 1."""
        white = torch.fft.fft2(rng.randn(1, self.size, self.size).double())
        g = torch.fft.ifft2(self._root * white).real
        kappa = SHIFT * torch.expm1(g - self._variance / 2)
        return (MEAN + kappa - kappa.mean(dim=(2, 3), keepdim=True)).float()
