"""The last resort of the exact projection: changing single pixels by one grey level."""

from __future__ import annotations

import torch
from torch import Tensor

from . import codec
from .coded import Sampling
from .quantisation import Cell

STEPS, CANDIDATES = 512, 64
PICTURES_AT_ONCE = 16


def search(rounded: Tensor, cells: list[Cell], sampling: Sampling) -> Tensor:
    """Pictures (N, C, h, w) of whole numbers 0..255 after steps that led to all levels, as they were where none did.

    Each step takes, of some pixels and directions at random, the same for all pictures, the one whose change leaves
    coefficients the least outside of their intervals, even if no less than before.

    Args:
        rounded: float64.
        cells: by component, the intervals of coefficients, (N, 8 rows, 8 columns).
        sampling: of chroma.
    """
    parts = [slice(start, start + PICTURES_AT_ONCE) for start in range(0, len(rounded), PICTURES_AT_ONCE)]
    found = [_search(rounded[part], [Cell(low[part], high[part]) for low, high in cells], sampling) for part in parts]
    return torch.cat(found)


def _search(rounded: Tensor, cells: list[Cell], sampling: Sampling) -> Tensor:
    found, left = rounded.clone(), torch.arange(len(rounded), device=rounded.device)
    cells = [Cell(low[:, None], high[:, None]) for low, high in cells]
    least = torch.full((len(rounded),), torch.inf, device=rounded.device, dtype=rounded.dtype)
    for turn in range(STEPS):
        tried = _neighbours(rounded, turn)
        planes = codec.coefficients(tried.flatten(0, 1), sampling)
        distances = _distance([p.view(*tried.shape[:2], *p.shape[1:]) for p in planes], cells)
        distance = distances.amin(dim=1)
        # the first of equals: which one argmin takes depends on the batch
        numbers = torch.arange(CANDIDATES, device=rounded.device)
        candidate = numbers.where(distances == distance[:, None], CANDIDATES).amin(dim=1)
        better = distance <= least
        rounded = torch.where(better[:, None, None, None], tried[torch.arange(len(tried)), candidate], rounded)
        least = torch.minimum(distance, least)
        found[left[least == 0]] = rounded[least == 0]
        keep = least > 0
        if not keep.any():
            break
        left, rounded, least = left[keep], rounded[keep], least[keep]
        cells = [Cell(low[keep], high[keep]) for low, high in cells]
    return found


def _neighbours(rounded: Tensor, turn: int) -> Tensor:
    """(N, CANDIDATES, C, h, w): one pixel of each a grey level up or down, or as it was, by colour."""
    generator = torch.Generator().manual_seed(turn)
    pixels = torch.randint(rounded[0, 0].numel(), (CANDIDATES,), generator=generator).to(rounded.device)
    colours = rounded.shape[1]
    steps = torch.randint(-1, 2, (CANDIDATES, colours), generator=generator).to(rounded)
    steps[::2] *= torch.eye(colours).to(rounded)[torch.arange(CANDIDATES // 2) % colours]  # half are of one colour
    tried = rounded[:, None].repeat(1, CANDIDATES, 1, 1, 1)
    tried.flatten(3)[:, torch.arange(CANDIDATES), :, pixels] += steps[:, None]
    return 255 - (255 - tried.abs()).abs()  # steps out of 0..255 turn round


def _distance(planes: list[Tensor], cells: list[Cell]) -> Tensor:
    """How far outside of their intervals coefficients lie, summed over a picture."""
    outside = [torch.maximum(c.low - p, p - c.high).clamp_(min=0) for p, c in zip(planes, cells, strict=True)]
    return torch.stack([distance.flatten(-2).sum(-1) for distance in outside]).sum(0)
