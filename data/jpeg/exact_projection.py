"""The way to the nearest 8-bit picture that libjpeg encodes to given levels.

A file says that each coefficient lies in an interval; together these are a cell, a box in the space of coefficients.
Moving every coefficient to the nearest point of its interval reaches it in real numbers, but rounding to 8 bits,
clipping to 0..255 and the encoder's own integer arithmetic move coefficients by up to some units again. So the error is
measured with the exact encoder and fed back into an unrounded copy of the picture, where it adds up until pixels round
the other way.
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

DITHER_AFTER, DITHER_STD = 8, 0.35
OVERSHOOT = 16.0
"""How far the unrounded copy may leave 0..255: far enough to insist on a clipped pixel, near enough to come back."""

UNITS_AT_ONCE = 1024


def project_exactly(restored: Tensor, coded: Coded, slack: float = 0.0, rounds: int = 60) -> Tensor:
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
        tiles, said = size.of_picture(restored.detach().float().clamp(0, 255)), size.of_coded(coded)
        for start in range(0, len(tiles), UNITS_AT_ONCE):
            some = slice(start, start + UNITS_AT_ONCE)
            tiles[some] = _project_units(tiles[some], select(said, some), slack, rounds)
        size.put_back(tiles.to(torch.uint8), picture)
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
        planes = [plane[keep] for plane in planes]
        wanted = wanted[keep] + _correction(planes, cells, MARGINS[turn % len(MARGINS)], coded)
        wanted.clamp_(-OVERSHOOT, 255 + OVERSHOOT)
    return best


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
    if turn >= DITHER_AFTER:
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
        moves.append((plane.clamp(low + inset, high - inset) - plane).div_(SCALE).float())
    return linear.synthesise(moves, coded.sampling, coded.height, coded.width)
