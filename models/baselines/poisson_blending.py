"""Poisson blending: what fills a hole, moved so that it joins what is around it without a seam."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

MOST_STEPS = 2000  # of conjugate gradients, which take one where the hole is a box and a hundred where it is ragged
EXACT = 1e-13  # of the residual, in relation to where it began


def poisson_blend(source: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """x with ∇²x = ∇²source in the hole and x = target around it (Pérez, Gangnet and Blake, SIGGRAPH 2003).

    What is added to the source is harmonic in the hole: Laplace's equation of four neighbours, those beyond the border
    of the image left out. It is solved by conjugate gradients after the exact solution on the smallest box around the
    hole, by two sine transforms: one step where the hole is a box inside the image.

    Args:
        source: (B, C, H, W).
        target: of the same shape; where it is not known it is not looked at.
        known: (B, 1, H, W) bool, somewhere true in each image.

    Returns:
        (B, C, H, W) of the type of the source, computed in float64.
    """
    added = [
        _harmonic(torch.where(k, t.double() - s.double(), 0), ~k) for s, t, k in zip(source, target, known, strict=True)
    ]
    return torch.where(known, target.to(source), (source.double() + torch.stack(added)).to(source))


def _harmonic(values: Tensor, hole: Tensor) -> Tensor:
    """(C, H, W), 0 in the hole (1, H, W), filled so that its Laplacian is 0 there."""
    if not hole.any():
        return values
    rows, columns = (hole[0].any(dim=dim).nonzero()[:, 0] for dim in (1, 0))
    box = (..., slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    filled = torch.zeros_like(values)
    residual = -laplacian(values) * hole
    scale, direction, before = residual.square().sum(), torch.zeros_like(values), math.inf
    for _ in range(MOST_STEPS):
        if residual.square().sum() <= EXACT**2 * scale:
            break
        guess = torch.zeros_like(values)
        guess[box] = solve_in_box(residual[box])
        guess *= hole
        now = float((residual * guess).sum())
        direction = guess + now / before * direction
        change = laplacian(direction) * hole
        step = now / (direction * change).sum()
        filled, residual, before = filled + step * direction, residual - step * change, now
    return values + filled


def laplacian(image: Tensor) -> Tensor:
    """Sum of the differences to the neighbours that are there, of (C, H, W): −∇², positive semidefinite."""
    down, right = image.diff(dim=-2), image.diff(dim=-1)
    return F.pad(down, (0, 0, 1, 0)) - F.pad(down, (0, 0, 0, 1)) + F.pad(right, (1, 0)) - F.pad(right, (0, 1))


def solve_in_box(image: Tensor) -> Tensor:
    """The u of −∇²u = image on (C, h, w), 0 all around it."""
    height, width = image.shape[-2:]
    rows, columns = (2 - 2 * torch.cos(math.pi * torch.arange(1, n + 1).to(image) / (n + 1)) for n in (height, width))
    spectrum = sine_transform(sine_transform(image, -1), -2) / (rows[:, None] + columns)
    return 4 / ((height + 1) * (width + 1)) * sine_transform(sine_transform(spectrum, -1), -2)


def sine_transform(x: Tensor, dim: int) -> Tensor:
    """DST-I, Σⱼ xⱼ sin(π j k / (n + 1)), by the FFT of the odd extension; the same again is (n + 1) / 2 times x."""
    zero = torch.zeros_like(x.narrow(dim, 0, 1))
    odd = torch.cat([zero, x, zero, -x.flip(dim)], dim)
    transformed: Tensor = -torch.fft.rfft(odd, dim=dim).imag.narrow(dim, 1, x.shape[dim]) / 2
    return transformed
