"""The Wiener filter of a linear problem: the posterior mean where the prior is a stationary Gaussian field."""

import torch
from torch import Tensor

from ...linear_problem import MEAN, LinearProblem, conjugate_gradients

STEPS = 50  # of conjugate gradients: of masked shear at a noise like the signal, within 1e-12 of the solution


def wiener(problem: LinearProblem, power: Tensor, mean: float = MEAN) -> Tensor:
    """E[x | y] of x = m + C½ w, w white, y = A x + σn; the estimate of least error that is linear in y.

    ::

        m + C½ (C½ AᵀA C½ + σ²)⁻¹ C½ Aᵀ(y − A m)

    By conjugate gradients, so that A may lack a closed form, as under a mask.

    Args:
        problem: A, y and σ.
        power: variance of each coefficient of the unitary Fourier transform of a channel, (H, W): C.
        mean: m, of every pixel.

    Returns:
        (B, C, H, W), of the type of ``problem.shown``.
    """
    root = power.sqrt().to(problem.shown)

    def coloured(white: Tensor) -> Tensor:
        field: Tensor = torch.fft.ifft2(root * torch.fft.fft2(white)).real
        return field

    def normal(flat: Tensor) -> Tensor:
        seen = problem.adjoint(problem.forward(coloured(flat.view(problem.shown.shape))))
        return coloured(seen).flatten(1)[:, None] + problem.noise_variance * flat

    level = torch.full_like(problem.shown, mean)
    right = coloured(problem.adjoint(problem.measured - problem.forward(level)))
    white = conjugate_gradients(normal, right.flatten(1)[:, None], STEPS)
    return level + coloured(white.view(problem.shown.shape))
