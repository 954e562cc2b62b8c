"""Functions of the singular values of A = U S Vᵀ: V g(S) Vᵀ x, by which solvers and samplers of linear problems act."""

from collections.abc import Callable

import torch
from torch import Tensor

from ....linear_problem import Gain
from ...measurement import size_of

MAX_SIDE = 64  # pixels; a channel of 64 x 64 takes about a minute on one core
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


def spectral_by_svd(image: Tensor, gain: Gain, S: Tensor, V: Tensor) -> Tensor:
    """V g(S) Vᵀ x of (B, C, H, W) by what ``dense_svd`` gave; that of one channel is that of all."""
    V = V.to(image)
    coordinates = image.reshape(len(image), -1, 1, V.shape[1]) @ V
    return spectral(image, gain, S[None, :, None].to(image), coordinates, lambda c: (c @ V.mT).view(image.shape))


def dense_svd(forward: Callable[[Tensor], Tensor], image: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """S (G, r) and V (G, C H W / G, r), float64 on the CPU, of an A known by what it makes of images alone.

    G = C where every value of y is of one channel, so that A falls into a matrix for each, else 1.

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
    At = torch.cat(columns).double().view(image.shape[1], height * width, -1)
    channels_of_value = (At != 0).any(dim=1).sum(dim=0)
    A = (At if channels_of_value.max() <= 1 else At.flatten(0, 1)[None]).mT
    _, S, Vt = torch.linalg.svd(torch.linalg.qr(A, mode="r").R, full_matrices=False)  # A = Q R has the S and V of R
    return S, Vt.mT
