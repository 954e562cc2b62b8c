"""The way to the nearest 8-bit picture that libjpeg encodes to given levels.

A file says that each coefficient lies in an interval; together these are a cell, a box in the space of coefficients.
Moving every coefficient to the nearest point of its interval reaches it in real numbers, but rounding to 8 bits,
clipping to 0..255 and the encoder's own integer arithmetic move coefficients by up to some units again. So the error is
measured with the exact encoder and fed back into an unrounded copy of the picture, where it adds up until pixels round
the other way. Where that does not end, at black and white above all, it begins again from the plain decode, and at last
single pixels are tried.

The unrounded copy is a multiple of 1/256 and every sum is exact, so the result depends neither on the batch nor on the
order in which a device adds.
"""

import torch
from torch import Tensor

from . import codec
from .coefficients import JpegCoefficients, Sampling, select, units
from .differentiable_codec import fold
from .quantisation import SCALE, Cell, cell

MARGINS = (1.0, 1.5, 2.0, 0.5, 0.25, 0.0, 3.0)
"""How far inside its interval a coefficient is moved, by round, in units of orthonormal coefficients.

Absolute, not a share of the step: it answers to rounding. It changes because what helps one unit of a picture keeps
another one swinging."""

ROUNDS = 100
STUBBORN_AFTER, DITHER_STD, STUBBORN_GAIN = 8, 0.35, 1.875
"""In units that many rounds leave wrong, noise breaks cycles, and a gain just under 2, where iterated projections cease
to converge, hurries those that the edge cuts: most of their transform is copies, which a correction cannot move."""

OVERSHOOT = 16.0
"""How far the unrounded copy may leave 0..255: far enough to insist on a clipped pixel, near enough to come back."""

SEARCHED_LEVELS = 4
"""Units with at most so many wrong levels are worth trying single pixels."""

PIXELS_AT_ONCE = 2**18
"""Bounds memory, which then does not grow with the picture; a few hundred bytes each."""

FINENESS = 256.0


def project_exactly(restored: Tensor, coefficients: JpegCoefficients, tolerance: float = 0.0) -> Tensor:
    """An 8-bit picture close to ``restored`` whose levels are those of the file, or as many of them as were reached.

    Args:
        restored: (B, C, H, W) in 0..255, any real numbers.
        coefficients: what the files say.
        tolerance: by how many quantisation steps levels may miss those of the file at both ends: for files of encoders
            that do not round to the nearest level.

    Returns:
        (B, C, H, W) uint8. Nothing is promised: count what was reached with ``verify``.
    """
    picture = torch.empty_like(restored, dtype=torch.uint8)
    for size in units(coefficients):
        tiles, stored = size.of_picture(restored.detach()), size.of_coefficients(coefficients)
        found = torch.empty_like(tiles, dtype=torch.uint8)
        count = max(1, PIXELS_AT_ONCE // tiles[0, 0].numel())
        for start in range(0, len(tiles), count):
            some = slice(start, start + count)
            wanted = _finely(tiles[some].double()).clamp_(0, 255)
            found[some] = _project_units(wanted, select(stored, some), tolerance).to(torch.uint8)
        size.put_back(found, picture)
    return picture


def _project_units(wanted: Tensor, coefficients: JpegCoefficients, tolerance: float) -> Tensor:
    """Each of (N, C, h, w) pictures, rounded, in the state in which the fewest levels were wrong."""
    best, fewest = _feed_back(wanted, coefficients, tolerance)
    (left,) = (fewest > 0).nonzero(as_tuple=True)
    if len(left):  # once more from the plain decode, which lies about in the middle of the cell
        remaining = select(coefficients, left)
        again, still = _feed_back(codec.decode(remaining).double(), remaining, tolerance)
        better = still < fewest[left]
        best[left[better]], fewest[left[better]] = again[better], still[better]
    (near,) = ((fewest > 0) & (fewest <= SEARCHED_LEVELS)).nonzero(as_tuple=True)
    if len(near):
        remaining = select(coefficients, near)
        best[near] = search(best[near], _cells(remaining, tolerance), coefficients.sampling)
    return best


def _feed_back(wanted: Tensor, coefficients: JpegCoefficients, tolerance: float) -> tuple[Tensor, Tensor]:
    """The best state of each picture on its way, and how many levels are wrong in it, (N,)."""
    best, fewest = wanted.clone(), wanted.new_full((len(wanted),), torch.inf, dtype=torch.float32)
    left = torch.arange(len(wanted), device=wanted.device)
    cells = _cells(coefficients, tolerance)
    for turn in range(ROUNDS):
        rounded = _rounded(wanted, turn)
        planes = codec.dct_coefficients(rounded, coefficients.sampling)
        wrong = _count_outside(planes, cells)
        better = wrong < fewest[left]
        best[left[better]], fewest[left[better]] = rounded[better], wrong[better]
        keep = wrong > 0
        if not keep.any():
            break
        left, cells = left[keep], [Cell(low[keep], high[keep]) for low, high in cells]
        correction = _correction([plane[keep] for plane in planes], cells, MARGINS[turn % len(MARGINS)], coefficients)
        gain = STUBBORN_GAIN ** (turn % 2) / _free(rounded[keep], correction) if turn >= STUBBORN_AFTER else 1
        wanted = wanted[keep] + _finely(gain * correction)
        wanted.clamp_(-OVERSHOOT, 255 + OVERSHOOT)
    return best, fewest


def _cells(coefficients: JpegCoefficients, tolerance: float) -> list[Cell]:
    """By component, bounds (N, 8 rows, 8 columns) in float64."""
    cells = []
    for component, levels in enumerate(coefficients.levels):
        plane = levels.double()
        steps = codec.spread(coefficients.tables[:, component], plane)
        low, high = cell(codec.by_rows(plane), steps, tolerance)
        cells.append(Cell(low.flatten(1, 2), high.flatten(1, 2)))
    return cells


def _rounded(wanted: Tensor, turn: int) -> Tensor:
    """8-bit pixels; in late rounds of the picture plus noise, the same for all units."""
    if turn >= STUBBORN_AFTER:
        generator = torch.Generator().manual_seed(turn)
        noise = torch.randn(wanted.shape[1:], generator=generator, dtype=torch.float64, device="cpu")
        wanted = wanted + (DITHER_STD * noise).to(wanted)
    return wanted.round().clamp_(0, 255)


def _count_outside(planes: list[Tensor], cells: list[Cell]) -> Tensor:
    """Levels that differ from the file's, (N,)."""
    outside = [((p < c.low) | (p > c.high)).flatten(1).sum(1) for p, c in zip(planes, cells, strict=True)]
    return torch.stack(outside).sum(0).float()


def _correction(planes: list[Tensor], cells: list[Cell], margin: float, coefficients: JpegCoefficients) -> Tensor:
    """The picture to add so that every coefficient lies ``margin`` inside its interval, or in its middle."""
    parts = []
    for component, (plane, (low, high)) in enumerate(zip(planes, cells, strict=True)):
        inset = ((high - low) / 2).clamp_(max=SCALE * margin)
        move = (plane.clamp(low + inset, high - inset) - plane).div_(SCALE)
        horizontal, vertical = coefficients.sampling if component else (1, 1)
        height, width = -(-coefficients.height // vertical), -(-coefficients.width // horizontal)
        pixels = fold(codec.inverse_dct(move * FINENESS).div_(FINENESS), height, width)
        parts.append(pixels.repeat_interleave(vertical, 1).repeat_interleave(horizontal, 2))
    parts = [part[:, : coefficients.height, : coefficients.width] for part in parts]
    return _finely(
        parts[0][:, None] if len(parts) == 1 else codec.difference_to_rgb(_finely(torch.stack(parts, dim=1)))
    )


def _free(rounded: Tensor, correction: Tensor) -> Tensor:
    """The share of values, (N, 1, 1, 1), that a correction can move; at black and white the others move for them."""
    free = ((rounded > 0) | (correction > 0)) & ((rounded < 255) | (correction < 0))
    return free.double().mean(dim=(1, 2, 3), keepdim=True).clamp_(min=1 / 64)


def _finely(picture: Tensor) -> Tensor:
    return picture.mul(FINENESS).round_().div_(FINENESS)


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
        planes = codec.dct_coefficients(tried.flatten(0, 1), sampling)
        distances = _distance([p.view(*tried.shape[:2], *p.shape[1:]) for p in planes], cells)
        distance = distances.amin(dim=1)
        # the first of equals: which one argmin takes depends on the batch
        numbers = torch.arange(CANDIDATES, device=rounded.device)
        candidate = numbers.where(distances == distance[:, None], CANDIDATES).amin(dim=1)
        better = distance <= least
        rounded = torch.where(
            better[:, None, None, None], tried[torch.arange(len(tried), device=tried.device), candidate], rounded
        )
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
    pixels = torch.randint(rounded[0, 0].numel(), (CANDIDATES,), generator=generator, device="cpu").to(rounded.device)
    colours = rounded.shape[1]
    steps = torch.randint(-1, 2, (CANDIDATES, colours), generator=generator, device="cpu").to(rounded)
    one_colour = torch.eye(colours, dtype=rounded.dtype, device=rounded.device)
    numbers = torch.arange(CANDIDATES, device=rounded.device)
    steps[::2] *= one_colour[numbers[::2] // 2 % colours]  # half of them
    tried = rounded[:, None].repeat(1, CANDIDATES, 1, 1, 1)
    tried.flatten(3)[:, numbers, :, pixels] += steps[:, None]
    return 255 - (255 - tried.abs()).abs()  # steps out of 0..255 turn round


def _distance(planes: list[Tensor], cells: list[Cell]) -> Tensor:
    """How far outside of their intervals coefficients lie, summed over a picture."""
    outside = [torch.maximum(c.low - p, p - c.high).clamp_(min=0) for p, c in zip(planes, cells, strict=True)]
    return torch.stack([distance.flatten(-2).sum(-1) for distance in outside]).sum(0)
