"""How much noise a picture holds: the flattest blocks after Ponomarenko et al. (2007), against noise that is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..rng import Rng
from .luma import BT601

MIN_SIDE = 32
"""Of a picture: 441 blocks."""
SIDE, RIM = 8, 2
"""Of a block, and of what is around it, which must not be constant."""
MAX_BLOCKS, MIN_BLOCKS, FLATTEST = 2**15, 192, 0.006
"""So many are looked at; of them, so many or such a share are the flattest."""
SIMULATED, ROUNDS = 2**13, 5
LEAST, CLEAN = 0.25, 2.0
"""No less is simulated. A picture whose flattest blocks hold less in all bands has no noise to speak of."""
LEFT = 0.7
"""Of noise, where clipping and quantisation leave less, the level that was there cannot be told well."""
LEAST_IN_LUMA, LEAST_IN_JPEG = 20.0, 7.0
"""Below it, what has halved the chroma may have smoothed the luma; less so where tables tell how coarsely."""

FLAT, AGREE, GREY, HALVED, MISSING = 0.9, 0.9, 0.04, 0.1, 0.6
"""How near bands of white noise, and levels of colours, are; most chroma in grey; where it was halved, least in the
lowest and most in the highest band, where half resolution leaves at most 0.3 and small pictures vary by 0.2."""

Array = NDArray[Any]

_YCC = np.array([BT601, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)], np.float32)
_GAIN = np.linalg.norm(_YCC, axis=1)
"""What white noise of the three colours is multiplied by in Y, Cb and Cr."""
_STEP = np.arange(SIDE)
_DCT = np.float32(np.cos(np.pi * np.outer(_STEP, _STEP + 0.5) / SIDE) * np.sqrt(np.where(_STEP, 2, 1) / SIDE)[:, None])
_ORDER = np.add.outer(_STEP, _STEP)
_HALVES = (_ORDER % 4 < 2) & (_ORDER > 0), _ORDER % 4 > 1


@dataclass(frozen=True)
class NoiseLevel:
    """What is found.

    Attributes:
        sigma: on the 0..255 scale; None where it cannot be found.
        luma_only: whether it is that of luma, because chroma holds less, as where a file stores it at half resolution.
    """

    sigma: float | None
    luma_only: bool = False


def noise_level(pixels: Array, visible: Array | None = None, tables: Sequence[Array] = ()) -> NoiseLevel:
    """Standard deviation of white Gaussian noise that is the same and independent in all colours.

    Half of a block's DCT coefficients, every other two diagonals, choose the flattest blocks; the other half say what
    noise they hold, in Y, Cb and Cr, in four bands: both directions low, one high, the other, both. The same is done to
    simulated noise in the light of these blocks, clipped, rounded and quantised as the file is, and its level is moved
    until both agree in the highest band of luma. Blocks that touch a constant area, and those whose light is clipped
    most, are left out.

    White noise agrees in all bands and colours. If it is white in Y alone, with what is left of it in chroma, the level
    is that of luma. If Cb and Cr hold none the picture is grey. Else (noise that was scaled, smoothed, sharpened,
    compressed coarsely; texture everywhere, where there is no colour to tell) it cannot be found.

    Blocks lie on a regular grid, 2^15 at most, so a large picture costs no more time than a small one.

    Args:
        pixels: (H, W, C): uint8 or uint16.
        visible: (H, W) bool, blocks with others are left out; None where all are.
        tables: quantisation steps of luma and chroma, (8, 8) each, where the pixels are those of a .jpg file.

    Returns:
        A sigma of 0 for a constant picture.

    Raises:
        ValueError: if a side is below ``MIN_SIDE``.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise ValueError(f"pixels must be at least {MIN_SIDE}x{MIN_SIDE}, got {height}x{width}")
    windows = _windows(pixels)
    if visible is not None:
        windows = windows[_windows(visible[..., None]).all(axis=(1, 2, 3))]
    constant = _touches_constant(windows)
    if len(windows) and constant.all():
        return NoiseLevel(0.0)
    step = 255 / np.iinfo(pixels.dtype).max
    blocks = windows[~constant, :, RIM:-RIM, RIM:-RIM].astype(np.float32) * np.float32(step)
    if len(blocks) < MIN_BLOCKS:
        return NoiseLevel(None)
    if (blocks == blocks[:, :1]).all():
        blocks = blocks[:, :1]
    bands, left = _compared(blocks, step, tables)
    if len(bands) == 3 and CLEAN < bands[0, 1, 1] > bands[1:].max() / GREY:
        bands, left = _compared(np.tensordot(blocks, _YCC[0], (1, 0))[:, None], step, tables)
    return _decide(bands, left, bool(tables))


def _windows(pixels: Array) -> Array:
    """(windows, C, 12, 12), from a regular grid: blocks and what is around them."""
    side = SIDE + 2 * RIM
    places = (pixels.shape[0] - side + 1) * (pixels.shape[1] - side + 1)
    stride = math.ceil(math.sqrt(places / MAX_BLOCKS))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (side, side), axis=(0, 1))[::stride, ::stride]
    return windows.reshape(-1, pixels.shape[2], side, side)


def _touches_constant(windows: Array) -> Array:
    """(windows,), whether 3x3 pixels of one value lie in it, as of a frame; noise of 1 and more makes none."""
    across = (windows[..., 1:] == windows[..., :-1]).all(axis=1)
    down = (windows[..., 1:, :-2] == windows[..., :-1, :-2]).all(axis=1)
    rows = across[..., 1:] & across[..., :-1]
    square = rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:] & down[:, :-1] & down[:, 1:]
    touches: Array = square.any(axis=(1, 2))
    return touches


def _compared(blocks: Array, step: float, tables: Sequence[Array]) -> tuple[Array, Array]:
    """Noise of each plane and band, (P, 2, 2), and the share of it that the file has left, rounding and all.

    Each is what the blocks hold, divided by what the simulation does; that has as much as they in the highest of luma.
    """
    planes, means = _planes(blocks), blocks.mean(axis=(2, 3))
    sigma = float(_flattest(planes, MIN_BLOCKS / len(planes))[0, 1, 1])
    for _ in range(ROUNDS):
        level = min(max(sigma, LEAST), 255.0)
        light = _light(means, level)
        room = np.minimum(light, 255 - light).min(axis=1)
        unclipped = room >= min(2.5 * level, np.quantile(room, 0.6) - level / 4)  # as means are noisy
        share = max(MIN_BLOCKS / np.count_nonzero(unclipped), FLATTEST)
        simulated = _flattest(_simulated(light[unclipped], level, step, tables), share)
        left = np.maximum(simulated, 1e-3) / level
        bands = _flattest(planes[unclipped], share) / left
        sigma = float(bands[0, 1, 1])
        if abs(sigma - level) < 0.01 * level:
            break
    return bands, left


def _planes(blocks: Array) -> Array:
    """DCT coefficients (blocks, P, 8, 8) of Y, Cb and Cr, in each of which white noise has the level of the colours."""
    if blocks.shape[1] == 3:
        blocks = np.einsum("pc,ncij->npij", _YCC / _GAIN[:, None], blocks)
    planes: Array = _DCT @ blocks @ _DCT.T
    return planes


def _flattest(planes: Array, share: float) -> Array:
    """Root mean square of coefficients of the flattest blocks, (P, 2, 2): low or high along each direction."""
    count = min(max(round(share * len(planes)), 1), len(planes))
    squares = np.empty(planes.shape[1:])
    for plane, power in enumerate(np.square(planes).swapaxes(0, 1)):
        for chosen, measured in (_HALVES, _HALVES[::-1]):
            flattest = np.argpartition(power[:, chosen].sum(axis=1), count - 1)[:count]
            squares[plane][measured] = power[flattest][:, measured].mean(axis=0)
    squares[:, _ORDER < 2] = np.nan
    bands: Array = np.sqrt(np.nanmean(squares.reshape(-1, 2, SIDE // 2, 2, SIDE // 2), axis=(2, 4)))
    return bands


def _light(means: Array, sigma: float) -> Array:
    """The values 0..255 and beyond that noise of ``sigma``, clipped to 0..255, gives these means."""
    light = np.linspace(-2 * sigma, 255 + 2 * sigma, 512)
    below, above = -light / sigma, (255 - light) / sigma
    density = [np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi) for t in (below, above)]
    dark, bright = (np.array([math.erfc(t / math.sqrt(2)) / 2 for t in ends]) for ends in (-below, above))
    mean = light * (1 - dark - bright) + sigma * (density[0] - density[1]) + 255 * bright
    found: Array = np.interp(means, mean, light)
    return found


def _simulated(light: Array, sigma: float, step: float, tables: Sequence[Array]) -> Array:
    """As ``_planes``, of flat blocks (blocks, C) under noise, stored as the file is."""
    light = light[:: math.ceil(len(light) / SIMULATED), :, None, None]
    noise = Rng(0, "noise level", [0]).randn(*light.shape[:2], SIDE, SIDE)[0].numpy()
    levels = np.rint((light + sigma * noise) / step) * step
    planes = _planes(levels.clip(0, 255).astype(np.float32))
    for plane in range(planes.shape[1] if tables else 0):
        steps = tables[min(plane, len(tables) - 1)] / (_GAIN[plane] if light.shape[1] == 3 else 1)
        planes[:, plane] = np.rint(planes[:, plane] / steps) * steps
    return planes


def _decide(bands: Array, left: Array, known: bool) -> NoiseLevel:
    """What they tell; ``known`` is whether ``left`` holds what the file did to luma."""
    if bands.max() < CLEAN:
        return NoiseLevel(float(bands[:, 1, 1].mean()))
    luma, lower = float(bands[0, 1, 1]), bands[0].ravel()[:3]
    textured = lower[0] > 1.28 * luma and lower.min() > 1.03 * luma
    luma_is_white = _is_white(bands[0]) and LEFT < left[0].min() < left[0].max() < 1.3 and not textured
    if len(bands) == 1:
        return NoiseLevel(luma if luma_is_white else None)
    chroma = np.sqrt(np.square(bands[1:].reshape(2, 4)[:, 1:]).mean(axis=1))
    mean = float(chroma.mean())
    chroma_is_white = _is_white(bands[1]) and _is_white(bands[2]) and LEFT < left.min() < left[1:].max() < 1.05
    if chroma_is_white and AGREE * mean < min(*chroma, luma) and luma < 1.3 * mean:
        if luma_is_white and bands[0, 0, 0] < 1.05 * luma:  # no texture
            return NoiseLevel(luma)
        return NoiseLevel((luma + 2 * mean) / 3 if AGREE * luma < mean else mean)
    halved = bands[1:, 0, 0].min() > HALVED * luma and luma > (LEAST_IN_JPEG if known else LEAST_IN_LUMA)
    is_missing = bool(bands[1:, 1, 1].max() < MISSING * luma)
    return NoiseLevel(luma, luma_only=is_missing) if luma_is_white and halved else NoiseLevel(None)


def _is_white(bands: Array) -> bool:
    """Whether the bands (2, 2) of a plane rise neither to high nor, beyond what texture adds, to low frequencies."""
    mixed, lowest = math.hypot(bands[0, 1], bands[1, 0]) / math.sqrt(2), min(bands[0, 1], bands[1, 0])
    return bool(FLAT * mixed < bands[1, 1] < lowest / FLAT and bands[0, 0] > FLAT * bands[1, 1])
