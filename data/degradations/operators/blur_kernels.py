"""Blur kernels that are the same everywhere: uniform, Gaussian, or any that is given."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ....checks import number_or_range, require_in
from ....rng import Rng

TOLERANCE = 1e-4  # of a sum of one


class BlurKernel(Protocol):
    """Where kernels come from.

    Attributes:
        drawn: whether each image has its own.
    """

    drawn: bool

    def draw(self, rng: Rng) -> Tensor:
        """A kernel for each image, (B, h, w) float64 with odd sides, each of sum 1; fixed ones are the same for all."""


class UniformKernel:
    """The mean over a square of ``size`` pixels a side.

    Args:
        size: odd.

    Raises:
        ValueError: if it is not.
    """

    drawn = False

    def __init__(self, size: int) -> None:
        self.kernel = torch.full((require_odd(size), size), size**-2.0, dtype=torch.float64, device="cpu")

    def draw(self, rng: Rng) -> Tensor:
        return self.kernel.expand(len(rng), -1, -1)


class GaussianKernel:
    """A Gaussian, cut off at the square.

    Args:
        size: pixels a side, odd.
        sigma: standard deviation in pixels. One number: round. A pair ``[low, high]``: for each image two of them,
            along two axes at any angle, all drawn uniformly.

    Raises:
        ValueError: if ``size`` is even or below 1, or ``sigma`` not above 0 or not increasing.
    """

    def __init__(self, size: int, sigma: float | Sequence[float]) -> None:
        self.size = require_odd(size)
        self.low, self.high = number_or_range("sigma", sigma, "(0, inf)")
        self.drawn = self.low < self.high

    def draw(self, rng: Rng) -> Tensor:
        still = torch.zeros(len(rng), 3, dtype=torch.float64, device="cpu")
        uniform = rng.rand(3).cpu().double() if self.drawn else still
        sigmas = self.low + (self.high - self.low) * uniform[:, :2]
        angle = (math.pi * uniform[:, 2]).view(-1, 1, 1)
        place = torch.arange(self.size, dtype=torch.float64, device="cpu") - self.size // 2
        along = place * angle.cos() + place[:, None] * angle.sin()
        across = place[:, None] * angle.cos() - place * angle.sin()
        first, second = (sigmas[:, axis].view(-1, 1, 1) for axis in (0, 1))
        return _of_sum_one(torch.exp(-((along / first).square() + (across / second).square()) / 2))


class GivenKernel:
    """Fixed weights.

    Args:
        weights: nested lists of numbers, row by row, or the path of a .npy file of such, of sum 1; or of a .png file,
            whose grey values are divided by their sum. A sampler that is exported keeps lists, but only the path of a
            file.

    Raises:
        ValueError: if there is no such file, or the weights are no matrix with odd sides, finite and of sum 1.
    """

    drawn = False

    def __init__(self, weights: Sequence[Sequence[float]] | str) -> None:
        self.kernel = torch.from_numpy(_read(weights) if isinstance(weights, str) else _matrix(weights, "kernel"))
        total = float(self.kernel.sum())
        if not abs(total - 1) <= TOLERANCE:
            raise ValueError(f"sum of kernel must be 1, got {total:g}")

    def draw(self, rng: Rng) -> Tensor:
        return self.kernel.expand(len(rng), -1, -1)


def require_odd(size: int) -> int:
    """The size, refused by name unless it is an odd number of 1 or more."""
    if not isinstance(size, int) or size < 1 or size % 2 == 0:
        raise ValueError(f"size must be an odd number of pixels, got {size}")
    return size


def _read(path: str) -> np.ndarray:
    file = Path(path).expanduser()
    if file.suffix not in (".npy", ".png") or not file.is_file():
        raise ValueError(f"kernel must be a .npy or .png file that is there, or nested lists, got {path}")
    try:
        weights = np.load(file) if file.suffix == ".npy" else np.asarray(Image.open(file).convert("F"))
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"kernel is {path}, which cannot be read: {error}") from error
    matrix = _matrix(weights, path)
    return matrix / matrix.sum() if file.suffix == ".png" and matrix.sum() > 0 else matrix


def _matrix(weights: Sequence[Sequence[float]] | np.ndarray, name: str) -> np.ndarray:
    try:
        matrix = np.asarray(weights, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} must be rows of numbers, all of one length, got {weights}") from error
    if matrix.ndim != 2 or any(side % 2 == 0 for side in matrix.shape) or not np.isfinite(matrix).all():
        raise ValueError(f"{name} must have odd sides and finite numbers, got the shape {matrix.shape}")
    return matrix


def _of_sum_one(kernel: Tensor) -> Tensor:
    return kernel / kernel.sum(dim=(1, 2), keepdim=True)


POINTS = 128  # of a path; steps of half a pixel at most


class MotionKernel:
    """A path of constant speed whose direction is a Brownian motion.

    With s from 0 to 1, W a Brownian motion and L the length, about its centre of gravity (after the random trajectories
    of Boracchi and Foi, IEEE TIP 2012, whose speed changes as well)::

        dp/ds = L (cos θ(s), sin θ(s)),    θ(s) = angle + turn W(s)

    Each point is shared out among the four pixels around it. No point of a path is further than L/2 from its centre of
    gravity: a kernel of ``size`` holds the whole of it.

    Args:
        size: pixels a side, odd.
        length: of the path in pixels, at most ``size`` − 1; one number, or a pair ``[low, high]`` to draw from.
        angle: in degrees, from the rows' direction towards the next row; None draws any for each image.
        turn: standard deviation in degrees of the turn from one end to the other; 0 for a straight line.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(
        self, size: int, length: float | Sequence[float], angle: float | None = None, turn: float = 0.0
    ) -> None:
        self.size = require_odd(size)
        self.low, self.high = number_or_range("length", length, f"[0, {min(size - 1, POINTS // 2)}]")
        require_in("(-inf, inf)", angle=0 if angle is None else angle)
        require_in("[0, inf)", turn=turn)
        self.angle, self.turn = angle, math.radians(turn)
        self.drawn = angle is None or turn > 0 or self.low < self.high

    def draw(self, rng: Rng) -> Tensor:
        uniform = rng.rand(2).cpu().double()
        length = self.low + (self.high - self.low) * uniform[:, :1]
        start = 2 * math.pi * uniform[:, 1:] if self.angle is None else math.radians(self.angle)
        turns = rng.randn(POINTS).cpu().double().cumsum(dim=1) / math.sqrt(POINTS)
        direction = start + self.turn * turns
        steps = torch.stack([direction.sin(), direction.cos()], dim=-1) * length[..., None] / POINTS
        path = steps.cumsum(dim=1)
        return traced(path - path.mean(dim=1, keepdim=True), self.size)


def traced(path: Tensor, size: int) -> Tensor:
    """The kernel (B, size, size) of points (B, N, 2), rows and columns from the centre, by linear interpolation."""
    place = torch.arange(size, dtype=path.dtype, device=path.device) - size // 2
    share = (1 - (path[..., None] - place).abs()).clamp(min=0)  # (B, N, 2, size), of sum 1
    rows, columns = share.unbind(dim=2)
    return rows.mT @ columns / path.shape[1]
