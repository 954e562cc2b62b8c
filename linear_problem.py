"""A linear inverse problem y = A x + σn as callables, A = U S Vᵀ: all that a solver or sampler by a denoiser needs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from .checks import require_in
from .precision import at_least_fp32

Gain = Callable[[Tensor], Tensor]
"""Singular values to factors, elementwise and finite at 0: what A does not see has S = 0, up to rounding.

They come with four axes, images first, so that a gain may hold a number for each image, (B, 1, 1, 1).
"""

MEAN = 0.5  # of the pixels of photographs, roughly
SMALLEST_SIGMA = 0.255 / 255  # what DPIR (arXiv 2008.13751) takes for no noise
SMALLEST_S = 1e-3  # singular values up to this count as 0 where a rule has a case for them, as in the code of DDRM


@dataclass(frozen=True)
class ProjectedProblem:
    """B measurements without noise, of any kind, as what explains them; images are (B, C, H, W).

    Attributes:
        shown: y as an image, in fp32 at least, a graph is cut.
        project: images to the nearest that explain y.
        sigma: 0.
    """

    shown: Tensor
    project: Callable[[Tensor], Tensor]
    sigma: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown", at_least_fp32(self.shown.detach()))

    def proximal(self, x: Tensor, beta: float | Tensor) -> Tensor:
        """As of ``LinearProblem``: the data term is 0 or infinite, so that β does not count."""
        return self.project(x)


@dataclass(frozen=True)
class PoissonProblem:
    """B measurements y = Poisson(p x) / p + σn; images are (B, C, H, W).

    Attributes:
        degraded: y, in fp32 at least, a graph is cut.
        photons: p, at white.
        sigma: σ of the read noise, in units of [0, 1] images; 0 for none.
    """

    degraded: Tensor
    photons: float
    sigma: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "degraded", at_least_fp32(self.degraded.detach()))


@dataclass(frozen=True)
class LinearProblem:
    """B measurements and their A; images are (B, C, H, W).

    Attributes:
        measured: y, (B, ...) float; 16 bit are raised to fp32, a graph is cut.
        sigma: σ of white noise, in units of [0, 1] images (50 on the scale of 0 to 255 is 50/255); 0 for none.
        forward: A, images to measurements.
        adjoint: Aᵀ, measurements to images.
        pseudoinverse: A⁺, measurements to images.
        filtered: (images, gain) to V gain(S) Vᵀ applied to the images.
        shown: y as an image, where solvers begin.

    Raises:
        ValueError: if y is no batch of floats, or σ is below 0 or not finite.
    """

    measured: Tensor
    sigma: float
    forward: Callable[[Tensor], Tensor]
    adjoint: Callable[[Tensor], Tensor]
    pseudoinverse: Callable[[Tensor], Tensor]
    filtered: Callable[[Tensor, Gain], Tensor]
    shown: Tensor

    def __post_init__(self) -> None:
        require_in("[0, inf)", sigma=self.sigma)
        if self.measured.ndim < 2 or not self.measured.is_floating_point():
            shape = tuple(self.measured.shape)
            raise ValueError(f"measured must be floats (B, ...), got {shape} of {self.measured.dtype}")
        for name in ("measured", "shown"):
            object.__setattr__(self, name, at_least_fp32(getattr(self, name).detach()))

    @property
    def is_denoising(self) -> bool:
        """Whether ``denoising_problem`` made it: A = I."""
        return self.forward is _identity

    @property
    def noise_variance(self) -> float:
        """σ² as the data term takes it: σ is 0.001 at least, where it is finite without noise too."""
        return max(self.sigma, SMALLEST_SIGMA) ** 2

    def data_energy(self, x: Tensor) -> Tensor:
        """‖A x − y‖² / 2σ² of each image, (B,)."""
        return (self.forward(x) - self.measured).flatten(1).square().sum(1) / (2 * self.noise_variance)

    def data_gradient(self, x: Tensor) -> Tensor:
        """Aᵀ(A x − y) / σ²."""
        return self.adjoint(self.forward(x) - self.measured) / self.noise_variance

    def proximal(self, x: Tensor, beta: float | Tensor) -> Tensor:
        """The z of least ‖A z − y‖² / 2σ² + β/2 ‖z − x‖²: (AᵀA/σ² + β)⁻¹ (Aᵀy/σ² + βx).

        As x + (AᵀA + ρ)⁻¹ Aᵀ(y − A x), ρ = βσ²: where S is 0, 1/ρ meets no rounding of a large y. Gradients reach x,
        and β where it is a tensor.
        """
        rho = beta * self.noise_variance
        return x + self.filtered(self.adjoint(self.measured - self.forward(x)), lambda S: 1 / (S.square() + rho))


def denoising_problem(degraded: Tensor, sigma: float) -> LinearProblem:
    """y = x + σn, as every S is 1.

    Args:
        degraded: y, (B, C, H, W).
        sigma: σ, in units of [0, 1] images.

    Raises:
        ValueError: if y has another number of axes, and as ``LinearProblem``.
    """
    if degraded.ndim != 4:
        raise ValueError(f"degraded must be (B, C, H, W), got {tuple(degraded.shape)}")
    ones = partial(_gain_at, 1)
    return LinearProblem(degraded, sigma, _identity, _identity, _identity, ones, degraded)


def unmeasured_problem(like: Tensor) -> LinearProblem:
    """Nothing is measured, as every S is 0 and y is empty: its posterior is the prior.

    Args:
        like: of the shape and type of the images, (B, C, H, W); its values are not looked at.
    """
    zeros = torch.zeros_like(like)
    empty = zeros.flatten(1)[:, :0]
    nothing, grey = partial(_gain_at, 0), torch.full_like(like, MEAN)
    return LinearProblem(empty, 0.0, lambda image: empty, lambda y: zeros, lambda y: zeros, nothing, grey)


def conjugate_gradients(matrix: Callable[[Tensor], Tensor], right: Tensor, steps: int) -> Tensor:
    """u with matrix(u) ≈ right, for each image and channel (B, C, m) alone (Hestenes and Stiefel 1952), begun at 0."""

    def product(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(dim=2, keepdim=True).clamp(min=torch.finfo(right.dtype).tiny)

    u, rest, direction = torch.zeros_like(right), right, right
    for _ in range(steps):
        applied = matrix(direction)
        step = product(rest, rest) / product(direction, applied)
        u, left = u + step * direction, rest - step * applied
        rest, direction = left, left + product(left, left) / product(rest, rest) * direction
    return u


def _identity(image: Tensor) -> Tensor:
    return image


def _gain_at(S: float, image: Tensor, gain: Gain) -> Tensor:
    return gain(image.new_full((1, 1, 1, 1), S)) * image
