"""Motion blur: the path of a shaking camera, straight or curved."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ....rng import Rng
from .blur_kernels import increasing, require_odd

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
        ValueError: if an argument is not what is allowed.
    """

    def __init__(
        self, size: int, length: float | Sequence[float], angle: float | None = None, turn: float = 0.0
    ) -> None:
        self.size = require_odd(size)
        self.low, self.high = increasing("length", length)
        if not 0 <= self.low <= self.high <= min(size - 1, POINTS / 2):
            raise ValueError(f"length is {length}; allowed is 0 to {min(size - 1, POINTS // 2)}, for a size of {size}")
        if angle is not None and not math.isfinite(angle):
            raise ValueError(f"angle is {angle}; allowed is a number of degrees, or null")
        if not 0 <= turn < math.inf:
            raise ValueError(f"turn is {turn}; allowed is 0 or more degrees")
        self.angle, self.turn = angle, math.radians(turn)
        self.drawn = angle is None or turn > 0 or self.low < self.high

    def draw(self, rng: Rng) -> Tensor:
        """A path for each image."""
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
    place = torch.arange(size, dtype=path.dtype) - size // 2
    share = (1 - (path[..., None] - place).abs()).clamp(min=0)  # (B, N, 2, size), of sum 1
    rows, columns = share.unbind(dim=2)
    return rows.mT @ columns / path.shape[1]
