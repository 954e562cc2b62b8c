"""Compressive sensing: y holds few random combinations of all pixels."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from ....checks import require_in, whole_number
from ....linear_problem import Gain, conjugate_gradients
from ....precision import at_least_fp32
from ....rng import Rng
from ...measurement import size_of
from .blur import POWER, ROUNDING
from .protocol import Operator, Params

STEPS = 20  # of conjugate gradients: within 0.03 dB of 30 from 32 to 320 pixels
LOWEST = 1 / 64  # cycles a pixel
ROWS = ("random", "lowest")


class CompressiveSensing(Operator):
    """y = R W (e x) of each channel: random signs e, the orthonormal Hartley transform W, few of its rows R.

    A structurally random matrix (Do et al., IEEE TSP 2012): A Aᵀ = 1 at any size, in n log n. Every image of a size is
    measured by the same e and R, which the seed decides.

    Shown is the mean of x given y under a Gaussian field about grey with a power spectrum C like that of photographs,
    as ``Blur`` has it, by conjugate gradients; without noise with that of rounding to 8 bits::

        ½ + C Aᵀ (A C Aᵀ + σ²)⁻¹ (y − A ½)

    Args:
        rate: values of y for each of x.
        rows: ``random``; or ``lowest``, those of the lowest frequencies and without the signs, an ideal low-pass.
        seed: of e and R.

    Raises:
        ValueError: if the rate leaves (0, 1], there are no such rows, or the seed is no whole number.
    """

    exact, onto = True, True

    def __init__(self, rate: float, rows: str = "random", seed: int = 0) -> None:
        require_in("(0, 1]", rate=rate)
        if rows not in ROWS:
            raise ValueError(f"rows must be one of {', '.join(ROWS)}, got {rows}")
        self.rate, self.rows, self.seed = rate, rows, whole_number("seed", seed)

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, C, H, W) to (B, C, m), m = rate H W rounded, at least 1."""
        signs, kept = self._drawn(image, size_of(image))
        return hartley(signs * image).flatten(2)[..., kept]

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        signs, kept = self._drawn(measured, size)
        spectrum = measured.new_zeros(*measured.shape[:2], math.prod(size)).index_copy(2, kept, measured)
        return signs * hartley(spectrum.view(*measured.shape[:2], *size))

    def filtered(self, image: Tensor, params: Params, gain: Gain) -> Tensor:
        """V = e W, S is 1 at the rows of R and else 0."""
        size = size_of(image)
        signs, kept = self._drawn(image, size)
        S = image.new_zeros(math.prod(size)).index_fill(0, kept, 1).view(1, 1, *size)
        return signs * hartley(gain(S) * hartley(signs * image))

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        power, variance = _power(size).to(measured), max(sigma, ROUNDING) ** 2
        missed = measured - self.forward(measured.new_full((1, 1, *size), 0.5), params)

        def explained(u: Tensor) -> Tensor:
            return hartley(power * hartley(self.adjoint(u, params, size)))

        u = conjugate_gradients(lambda u: self.forward(explained(u), params) + variance * u, missed, STEPS)
        return 0.5 + explained(u)

    def _drawn(self, like: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        signs, kept = _signs_and_rows(self.rate, self.rows, self.seed, size)
        return signs.to(like), kept.to(like.device)


def hartley(image: Tensor) -> Tensor:
    """Re F − Im F of the orthonormal Fourier transform F over both sides: real, orthonormal, its own inverse."""
    F: Tensor = torch.fft.fft2(at_least_fp32(image), norm="ortho")
    return (F.real - F.imag).to(image.dtype)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _signs_and_rows(rate: float, rows: str, seed: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """e, (H, W) int8, and the numbers of the rows, (m,)."""
    count = max(1, round(rate * math.prod(size)))
    if rows == "lowest":
        return torch.ones(size, dtype=torch.int8, device="cpu"), _squares(size).flatten().argsort(stable=True)[:count]
    rng = Rng(seed, "compressive sensing", [0])
    signs = (2 * rng.randint(0, 2, *size)[0] - 1).to(torch.int8)
    return signs, rng.rand(math.prod(size))[0].argsort(stable=True)[:count]


def _squares(size: tuple[int, int]) -> Tensor:
    """f² of each row of W in cycles a pixel, (H, W) float64."""
    vertical, horizontal = (torch.fft.fftfreq(side, dtype=torch.float64, device="cpu") for side in size)
    squares: Tensor = vertical[:, None].square() + horizontal.square()
    return squares


def _power(size: tuple[int, int]) -> Tensor:
    """Variance of each coefficient of W, (H, W) float64; below LOWEST what it is there, lest 20 steps be too few."""
    return POWER / _squares(size).clamp(min=LOWEST**2)
