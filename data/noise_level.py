"""How much noise a picture holds: Chen, Zhu and Heng, ICCV 2015, made to see clipping."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLOUR_SIDE, GREY_SIDE = 5, 7
"""Of a patch. Larger ones tell finer texture from noise, but fewer of them lie in one light."""
MAX_PATCHES = 2**15
LIGHTS = 8
"""One of so many patches says in which light the noise was clipped."""
MIN_SIDE = 32
"""Of a picture: 784 patches for the 75 numbers of one."""

Array = NDArray[np.float64]


def noise_level(pixels: NDArray[Any], visible: NDArray[np.bool_] | None = None) -> float:
    """Standard deviation of white Gaussian noise, on the 0..255 scale; one for all colours.

    Patches of a picture lie near a subspace, so the least eigenvalues of their covariance are the variance of the
    noise. The paper takes eigenvalues from above away until the mean of the rest is no larger than its median. Noise
    that is clipped to the range of a file has less variance, by how much depends on the light: whole numbers are taken
    as clipped, and the level is sought whose clipped variances, at the means of the patches, are what is found.

    The bundled photographs with noise of sigma 5 to 75 added, clipped and rounded: in colour right to 5 %. In grey,
    where fine texture is like noise, up to 6 too much at 5, 4 at 15, 2 at 25, right to 2 at 75. Where nothing was
    added it finds 0 to 1.5 in colour. Patches lie on a regular grid, 2^15 at most, so a large picture costs no more
    time than a small one.

    Args:
        pixels: (H, W, C): uint8, uint16, or floats for 0..1 that have not been clipped.
        visible: (H, W), patches with others are left out; None where all are.

    Returns:
        0 for a constant picture, or one that is almost everywhere at the end of its range.

    Raises:
        ValueError: if a side is below ``MIN_SIDE``.
    """
    height, width, channels = pixels.shape
    if min(height, width) < MIN_SIDE:
        raise ValueError(f"pixels must be at least {MIN_SIDE}x{MIN_SIDE}, got {height}x{width}")
    whole = np.issubdtype(pixels.dtype, np.integer)
    step = 255 / np.iinfo(pixels.dtype).max if whole else 255.0
    side = GREY_SIDE if channels == 1 else COLOUR_SIDE
    patches = _patches(pixels, side)
    if visible is not None:
        patches = patches[_patches(visible[..., None], side).all(axis=(1, 2))]
    patches = patches.astype(np.float64) * step
    if whole:
        patches = patches[((patches == 0) | (patches == 255)).mean(axis=(1, 2)) < 0.5]
    if len(patches) <= channels * side**2:
        return 0.0
    if not whole:
        return math.sqrt(_least_eigenvalues(patches))
    return _unclipped(patches, step**2 / 12)


def _patches(pixels: NDArray[Any], side: int) -> NDArray[Any]:
    """(patches, C, side^2), from a regular grid."""
    places = (pixels.shape[0] - side + 1) * (pixels.shape[1] - side + 1)
    stride = math.ceil(math.sqrt(places / MAX_PATCHES))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (side, side), axis=(0, 1))[::stride, ::stride]
    return windows.reshape(-1, pixels.shape[2], side**2)


def _least_eigenvalues(patches: Array) -> float:
    """Mean of the covariance's eigenvalues that are noise, algorithm 1 of the paper."""
    ascending = np.linalg.eigvalsh(np.cov(patches.reshape(len(patches), -1), rowvar=False)).clip(0)
    count = len(ascending)
    while ascending[:count].mean() > np.median(ascending[:count]):
        count -= 1
    return float(ascending[:count].mean())


def _unclipped(patches: Array, rounding: float) -> float:
    """The level whose noise, clipped to 0..255 and rounded, has the variance that is found.

    Colours of another light keep another share of it; they are brought to the same variance first, and what share
    they keep is seen from the level: three rounds.
    """
    means = patches[::LIGHTS].mean(axis=2)
    scale, sigma = np.ones(means.shape[1]), 0.0
    for _ in range(3):
        found = _least_eigenvalues(patches / scale[:, None]) - rounding
        low, high = 0.0, 255.0
        while high - low > 0.01:
            sigma = (low + high) / 2
            variances = _clipped_variances(means, sigma)
            low, high = (sigma, high) if (variances / scale**2).mean() < found else (low, sigma)
        scale = np.sqrt(variances / variances.mean())
    return 0.0 if found <= 0 else sigma


def _clipped_variances(means: Array, sigma: float) -> Array:
    """Of each colour, over patches that have these means (patches, C) once noise of ``sigma`` is clipped to 0..255."""
    light = np.linspace(-3 * sigma, 255 + 3 * sigma, 256)
    below, above = -light / sigma, (255 - light) / sigma
    density = [np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi) for t in (below, above)]
    dark, bright = (np.array([math.erfc(t / math.sqrt(2)) / 2 for t in ends]) for ends in (-below, above))
    inside = 1 - dark - bright
    mean = light * inside + sigma * (density[0] - density[1]) + 255 * bright
    square = (light**2 + sigma**2) * inside + 2 * light * sigma * (density[0] - density[1])
    square += sigma**2 * (below * density[0] - above * density[1]) + 255**2 * bright
    return np.array([np.interp(colour, mean, square - mean**2).mean() for colour in means.T])
