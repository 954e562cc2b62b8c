"""The way to the nearest 8-bit picture that libjpeg encodes to given levels.

A file says that each coefficient lies in an interval; together these are a cell, a box in the space of coefficients.
Moving every coefficient to the nearest point of its interval reaches it in real numbers, but rounding to 8 bits,
clipping to 0..255 and the encoder's own integer arithmetic move coefficients by up to some units again. So the error is
measured with the exact encoder and fed back into an unrounded copy of the picture, where it adds up until pixels round
the other way. In the corners of the colour cube, where clipping undoes the feedback, single pixels are tried at last.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import codec, linear
from .coded import Coded
from .quantisation import SCALE, Cell, cell
from .units import select, units

MARGINS = (1.0, 1.5, 2.0, 0.5, 0.25, 0.0, 3.0)
"""How far inside its interval a coefficient is moved, by round, in units of orthonormal coefficients.

Absolute, not a share of the step: it answers to rounding. It changes because what helps one unit of a picture keeps
another one swinging."""

STUBBORN_AFTER, DITHER_STD, STUBBORN_GAIN = 8, 0.35, 1.9
"""In units that many rounds leave wrong, noise breaks cycles, and a gain just under 2, where iterated projections cease
to converge, hurries those that the edge cuts: most of their transform is copies, which a correction cannot move."""

SEARCHED_LEVELS, SEARCH_STEPS, CANDIDATES = 4, 256, 32
"""Units with at most so many wrong levels are searched, so many changes of a pixel being tried in each step."""

UNITS_AT_ONCE = 1024

FINENESS = 2**16
"""Corrections are float64 rounded to such fractions of a grey level: the order of sums, which differs between batch
layouts and devices, then leaves no trace. Means of coefficients of whole blocks are whole such fractions, so that no
tie is left to chance."""


def project_exactly(restored: Tensor, coded: Coded, slack: float = 0.0, rounds: int = 100) -> Tensor:
    """An 8-bit picture close to ``restored`` whose levels are those of the file, or as many of them as were reached.

    Args:
        restored: (B, C, H, W) in 0..255, any real numbers.
        coded: what the files say.
        slack: by how many quantisation steps levels may miss those of the file at both ends: for files of encoders that
            do not round to the nearest level.
        rounds: of feedback, for units that are still wrong.

    Returns:
        (B, C, H, W) uint8. Nothing is promised: count what was reached with ``certify``.
    """
    picture = torch.empty_like(restored, dtype=torch.uint8)
    for size in units(coded):
        tiles, said = size.of_picture(restored.detach()), size.of_coded(coded)
        found = torch.empty_like(tiles, dtype=torch.uint8)  # tiles may be a view of what the caller keeps
        for start in range(0, len(tiles), UNITS_AT_ONCE):
            some = slice(start, start + UNITS_AT_ONCE)
            wanted = tiles[some].double().clamp(0, 255)
            found[some] = _project_units(wanted, select(said, some), slack, rounds).to(torch.uint8)
        size.put_back(found, picture)
    return picture


def _project_units(wanted: Tensor, coded: Coded, slack: float, rounds: int) -> Tensor:
    """Each of (N, C, h, w) pictures, rounded, in the state in which the fewest levels were wrong."""
    best, fewest = wanted.clone(), torch.full((len(wanted),), torch.inf, device=wanted.device)
    left = torch.arange(len(wanted), device=wanted.device)
    cells = _cells(coded, slack)
    for turn in range(rounds):
        rounded = _rounded(wanted, turn)
        planes = codec.coefficients(rounded, coded.sampling)
        wrong = _count_outside(planes, cells)
        better = wrong < fewest[left]
        best[left[better]], fewest[left[better]] = rounded[better], wrong[better]
        keep = wrong > 0
        if not keep.any():
            break
        left, cells = left[keep], [Cell(low[keep], high[keep]) for low, high in cells]
        correction = _correction([plane[keep] for plane in planes], cells, MARGINS[turn % len(MARGINS)], coded)
        wanted = wanted[keep] + (STUBBORN_GAIN if turn >= STUBBORN_AFTER else 1) * correction
    near = ((fewest > 0) & (fewest <= SEARCHED_LEVELS)).nonzero().flatten()
    for start in range(0, len(near), UNITS_AT_ONCE // CANDIDATES):
        some = near[start : start + UNITS_AT_ONCE // CANDIDATES]
        best[some] = _search(best[some], select(coded, some), slack)
    return best


def _search(rounded: Tensor, coded: Coded, slack: float) -> Tensor:
    """The pictures (N, C, h, w) after steps of one grey level in one pixel, where these lead to all levels of the file.

    Each takes, of some pixels and directions at random, the same for all pictures, the one that leaves coefficients the
    least outside of their intervals, even if no less than before.
    """
    found, left = rounded.clone(), torch.arange(len(rounded), device=rounded.device)
    cells = [Cell(low[:, None], high[:, None]) for low, high in _cells(coded, slack)]
    least = torch.full((len(rounded),), torch.inf, device=rounded.device, dtype=rounded.dtype)
    for turn in range(SEARCH_STEPS):
        generator = torch.Generator().manual_seed(turn)
        pixels = torch.randint(rounded[0, 0].numel(), (CANDIDATES,), generator=generator).to(rounded.device)
        steps = torch.randint(-1, 2, (CANDIDATES, rounded.shape[1]), generator=generator).to(rounded)
        tried = rounded[:, None].repeat(1, CANDIDATES, 1, 1, 1)
        tried.flatten(3)[:, torch.arange(CANDIDATES), :, pixels] += steps[:, None]
        tried = 255 - (255 - tried.abs()).abs()  # steps out of 0..255 turn round
        planes = codec.coefficients(tried.flatten(0, 1), coded.sampling)
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


def _distance(planes: list[Tensor], cells: list[Cell]) -> Tensor:
    """How far outside of their intervals coefficients lie, summed over a picture."""
    outside = [torch.maximum(c.low - p, p - c.high).clamp_(min=0) for p, c in zip(planes, cells, strict=True)]
    return torch.stack([distance.flatten(-2).sum(-1) for distance in outside]).sum(0)


def _cells(coded: Coded, slack: float) -> list[Cell]:
    """By component, bounds (N, 8 rows, 8 columns) in float64."""
    cells = []
    for component, levels in enumerate(coded.levels):
        plane = levels.double()
        steps = codec.spread(coded.tables[:, component], plane)
        low, high = cell(codec.by_rows(plane), steps, slack)
        cells.append(Cell(low.flatten(1, 2), high.flatten(1, 2)))
    return cells


def _rounded(wanted: Tensor, turn: int) -> Tensor:
    """8-bit pixels; in late rounds of the picture plus noise, the same for all units."""
    if turn >= STUBBORN_AFTER:
        noise = torch.randn(wanted.shape[1:], generator=torch.Generator().manual_seed(turn))
        wanted = wanted + DITHER_STD * noise.to(wanted)
    return wanted.round().clamp_(0, 255)


def _count_outside(planes: list[Tensor], cells: list[Cell]) -> Tensor:
    """Levels that differ from the file's, (N,)."""
    outside = [((p < c.low) | (p > c.high)).flatten(1).sum(1) for p, c in zip(planes, cells, strict=True)]
    return torch.stack(outside).sum(0).float()


def _correction(planes: list[Tensor], cells: list[Cell], margin: float, coded: Coded) -> Tensor:
    """The picture to add so that every coefficient lies ``margin`` inside its interval, or in its middle."""
    moves = []
    for plane, (low, high) in zip(planes, cells, strict=True):
        inset = ((high - low) / 2).clamp_(max=SCALE * margin)
        moves.append((plane.clamp(low + inset, high - inset) - plane).div_(SCALE))
    correction = linear.synthesise(moves, coded.sampling, coded.height, coded.width)
    return correction.mul_(FINENESS).round_().div_(FINENESS)
