"""How far a network sees."""

import math

import torch

from ..rng import Rng
from .generator import Generator, takes_data_step

FIRST, LAST = 256, 8192  # pixels, lengths of the strips that are tried


@torch.no_grad()
def receptive_field_radius(generator: Generator, condition_channels: int) -> int | None:
    """Pixels beyond which nothing of y and z can change a pixel of x̂, a multiple of the stride; None if beyond 4,000.

    None as well where the generator unfolds, as a data step may see all of y. Else found by what cannot be overlooked:
    a part of an otherwise empty strip is not a number, and so is all that depends on it, whatever the weights.

    Args:
        generator: in evaluation mode, on the CPU or any device.
        condition_channels: C + M.
    """
    if takes_data_step(generator):
        return None
    sides = [_of_strip(generator, condition_channels, upright) for upright in (False, True)]
    return None if None in sides else max(side for side in sides if side is not None)


def _of_strip(generator: Generator, channels: int, upright: bool) -> int | None:
    length = FIRST
    while length <= LAST:
        reached = _columns_reached(generator, channels, length // generator.stride * generator.stride, upright)
        if not reached[0] and not reached[-1]:
            (there,) = reached.nonzero(as_tuple=True)
            start = len(reached) // 2 // generator.stride * generator.stride
            furthest = max(start - int(there[0]), int(there[-1]) - (start + generator.stride - 1))
            return math.ceil(furthest / generator.stride) * generator.stride
        length *= 2
    return None


def _columns_reached(generator: Generator, channels: int, length: int, upright: bool) -> torch.Tensor:
    """Which columns (or rows) of x̂ depend on one stride in the middle of y and z."""
    stride = generator.stride
    start = length // 2 // stride * stride
    size = (length, stride) if upright else (stride, length)
    device = next(iter(generator.parameters())).device  # type: ignore[attr-defined]
    condition = _with_hole(torch.zeros(1, channels, *size, device=device), start, stride, upright)
    latent = [
        _with_hole(torch.zeros_like(z, device=device), start // s, stride // s, upright)
        for z in generator.draw_latent(1, *size, Rng(0, "latent", [0]))
        for s in [size[0] // z.shape[-2]]
    ]
    restored = generator.decode(generator.encode(condition), latent)[0, 0]
    return restored.isnan().any(dim=0).any(dim=-1 if upright else 0)


def _with_hole(image: torch.Tensor, start: int, extent: int, upright: bool) -> torch.Tensor:
    image.narrow(-2 if upright else -1, start, extent).fill_(math.nan)
    return image
