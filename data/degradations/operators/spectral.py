"""Functions of the singular values of A = U S Vᵀ: V g(S) Vᵀ x, by which solvers and samplers of linear problems act."""

from collections.abc import Callable

import torch
from torch import Tensor

from ...measurement import size_of

Gain = Callable[[Tensor], Tensor]
"""g, elementwise and finite at 0, of singular values, which are 0 up to rounding where A sees nothing.

They come with four axes, images first, so that g may hold a number for each image, (B, 1, 1, 1).
"""

MAX_SIDE = 64  # pixels; a square A of 64 x 64 takes half a minute on one core, of three channels a quarter of an hour
AT_ONCE = 256  # unit vectors measured together


def spectral(
    image: Tensor, gain: Gain, S: Tensor, coordinates: Tensor, synthesise: Callable[[Tensor], Tensor]
) -> Tensor:
    """V g(S) Vᵀ x by coordinates c of that part of x that A sees; the rest has the gain g(0).

    ::

        synthesise(g(S) c) + g(0) (x − synthesise(c))

    Args:
        image: x, (B, C, H, W).
        gain: g.
        S: the singular value of each coordinate, to broadcast against them.
        coordinates: c, of four axes: Vᵀ x, or each of them by a factor, as A x where the rows of A are orthogonal.
        synthesise: from c to the part of x that A sees.
    """
    unseen = image - synthesise(coordinates)
    return synthesise(gain(S) * coordinates) + gain(S.new_zeros(1, 1, 1, 1)) * unseen


def dense_svd(forward: Callable[[Tensor], Tensor], image: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """S (r,) and V (C H W, r), float64 on the CPU, of an A known by what it makes of images alone.

    Args:
        forward: A, of images (B, C, H, W) of the dtype and device of ``image``.
        image: of the size A is for.
        name: of A, for the message.

    Raises:
        ValueError: if the image has more than 64 pixels a side.
    """
    height, width = size_of(image)
    if max(height, width) > MAX_SIDE:
        raise ValueError(f"{name} must see at most {MAX_SIDE} x {MAX_SIDE} pixels for an SVD, got {height} x {width}")
    columns = [
        forward(units.to(image).view(-1, *image.shape[1:])).flatten(1).cpu()
        for units in torch.split(torch.eye(image[0].numel(), device="cpu"), AT_ONCE)
    ]
    V, S, _ = torch.linalg.svd(torch.cat(columns).double(), full_matrices=False)
    return S, V
