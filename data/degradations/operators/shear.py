"""Gravitational lensing: y is the shear by which mass along the line of sight distorts the shapes of galaxies."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ....linear_problem import Gain
from ....precision import at_least_fp32
from ....rng import Rng
from ...measurement import size_of
from ..masks import Mask
from .protocol import KNOWN, Operator, Params
from .spectral import dense_svd, spectral

LOST = 1e-3  # singular values below it count as 0 for A⁺, which has their squares in fp32; the largest are 1
HELD = 64  # masks whose SVD is kept


class Shear(Operator):
    """The shear (γ₁, γ₂) of the convergence κ of each channel, periodic (Kaiser and Squires 1993, ApJ 404, 441).

    ::

        γ̂₁ = (k₁² − k₂²) / k² κ̂,    γ̂₂ = 2 k₁ k₂ / k² κ̂,    AᵀA = 1 − mean

    k₁ runs along rows, k₂ down columns. The mean of κ is not seen (the mass-sheet degeneracy). Nor are the Nyquist
    frequencies of even sides: k and −k are one there, which 2 k₁ k₂ maps to two values.

    Where a mask is given, no galaxy is seen in its holes: both components are missing. It joins the condition. The
    singular values are then those of a dense SVD, one a mask, for images of up to 64 x 64 pixels, and samples are not
    projected, because modes that live in a hole are all but lost.

    Shown is ½ + Aᵀ y, the map of Kaiser and Squires: ½ is κ = 0, and what is missing counts as 0.

    Args:
        mask: which pixels have galaxies; None for all.

    Raises:
        ValueError: of A⁺ and ``filtered`` with a mask, at larger images.
    """

    def __init__(self, mask: Mask | None = None) -> None:
        self.mask, self.exact, self.num_maps = mask, mask is None, 0 if mask is None else 1

    def draw(self, clean: Tensor, rng: Rng) -> dict[str, Tensor]:
        """The mask, (B, 1, H, W) bool, if there is one."""
        return {} if self.mask is None else {KNOWN: self.mask.draw(size_of(clean), rng).to(clean.device)}

    def forward(self, image: Tensor, params: Params) -> Tensor:
        """(B, C, H, W) to (B, 2C, H, W): γ₁ of all channels, then γ₂."""
        spectrum, size = torch.fft.rfft2(at_least_fp32(image)), size_of(image)
        shears = [torch.fft.irfft2(factor * spectrum, s=size) for factor in _factors(size).to(spectrum)]
        return _seen(torch.cat(shears, dim=1).to(image.dtype), params)

    def adjoint(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """The E mode; the B mode, of (−γ₂, γ₁), which no κ makes, is dropped."""
        spectra = torch.fft.rfft2(at_least_fp32(_seen(measured, params))).unflatten(1, (2, -1))
        convergence: Tensor = torch.fft.irfft2((_factors(size).to(spectra)[:, None] * spectra).sum(dim=1), s=size)
        return convergence.to(measured.dtype)

    def pseudoinverse(self, measured: Tensor, params: Params, size: tuple[int, int]) -> Tensor:
        """The adjoint; with a mask (AᵀA)⁺ Aᵀ y."""
        image = self.adjoint(measured, params, size)
        if KNOWN not in params:
            return image
        return self.filtered(image, params, lambda S: torch.where(S > LOST, 1 / S.clamp(min=LOST).square(), 0))

    def filtered(self, image: Tensor, params: Params, gain: Gain) -> Tensor:
        """Without a mask S is 1 but where nothing is seen."""
        if KNOWN not in params:
            coordinates = self.forward(image, params)
            return spectral(
                image, gain, image.new_ones(1, 1, 1, 1), coordinates, lambda c: self.adjoint(c, params, size_of(image))
            )
        found = [_svd(mask.numpy().tobytes(), *size_of(image)) for mask in params[KNOWN].cpu()]
        S, V = (torch.stack(parts).to(image) for parts in zip(*found, strict=True))
        coordinates = image.flatten(2)[:, :, None] @ V[:, None]
        return spectral(image, gain, S[:, None, None], coordinates, lambda c: (c @ V.mT[:, None]).view(image.shape))

    def to_image(self, measured: Tensor, params: Params, size: tuple[int, int], sigma: float) -> Tensor:
        return 0.5 + self.adjoint(measured, params, size)

    def maps(self, params: Params, size: tuple[int, int]) -> Tensor | None:
        """The mask as 0 and 1, if there is one."""
        return params[KNOWN].float() if KNOWN in params else None


def _seen(shear: Tensor, params: Params) -> Tensor:
    return shear * params[KNOWN] if KNOWN in params else shear


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _factors(size: tuple[int, int]) -> Tensor:
    """(k₁² − k₂²) / k² and 2 k₁ k₂ / k² at the frequencies of ``rfft2``, (2, H, W // 2 + 1) float64, 0 at k = 0."""
    k2 = torch.fft.fftfreq(size[0], dtype=torch.float64, device="cpu")[:, None]
    k1 = torch.fft.rfftfreq(size[1], dtype=torch.float64, device="cpu")[None]
    square = k1.square() + k2.square()
    seen = (square > 0) & (k1.abs() < 0.5) & (k2.abs() < 0.5)
    factors: Tensor = torch.stack([k1.square() - k2.square(), 2 * k1 * k2]) * seen / square.where(seen, 1)
    return factors


@lru_cache(maxsize=HELD)
@torch.inference_mode(False)
def _svd(mask: bytes, height: int, width: int) -> tuple[Tensor, Tensor]:
    """S (r,) and V (H W, r), float64, of a mask of one byte a pixel."""
    known = torch.from_numpy(np.frombuffer(mask, dtype=bool).copy()).view(1, 1, height, width)
    image = torch.zeros(1, 1, height, width, dtype=torch.float64, device="cpu")
    S, V = dense_svd(lambda units: Shear().forward(units, {KNOWN: known}), image, Shear.__name__)
    return S[0], V[0]
