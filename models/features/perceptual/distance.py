"""The seam of perceptual distances, and what they take."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class PerceptualDistance(Protocol):
    """How different two images look.

    Attributes:
        identity: name, network and hash of the weights, in one line. Figures are compared only where it is the same.
    """

    identity: str

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances (N,) fp32 of images (N, C, H, W) in [0, 1] with C of 1 or 3, pair by pair; 0 of equal images.

        Raises:
            ValueError: if the images are no such pairs or are too small.
        """
        ...


def colour_pair(a: Tensor, b: Tensor, least_side: int) -> tuple[Tensor, Tensor]:
    """Both as (N, 3, H, W) fp32.

    Raises:
        ValueError: if they are no pairs (N, C, H, W) of floats with C of 1 or 3, or a side is below ``least_side``.
    """
    if a.ndim != 4 or a.shape[1] not in (1, 3) or not a.is_floating_point():
        raise ValueError(f"images are {tuple(a.shape)} of {a.dtype}; allowed are floats (N, C, H, W) with C of 1 or 3")
    if a.shape != b.shape:
        raise ValueError(f"images are {tuple(a.shape)} and {tuple(b.shape)}; allowed are pairs of one shape")
    if min(a.shape[-2:]) < least_side:
        height, width = a.shape[-2:]
        raise ValueError(f"images are {height} x {width}; allowed are sides of at least {least_side}")
    return a.float().expand(-1, 3, -1, -1), b.float().expand(-1, 3, -1, -1)
