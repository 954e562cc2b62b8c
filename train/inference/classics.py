"""Classical denoisers of an image under white noise: no weights, no training; what strength each has at a level.

Strengths were chosen as functions of s by PSNR on the central 256 pixels of the three bundled photographs that are held
out, at sigma 15, 25 and 50, as the best of a grid; from them a constant, or a power of s, was read off.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from ...checks import optional_package, require_at_least
from ...data.degradations.operators.blur import Blur
from ...data.degradations.operators.blur_kernels import UniformKernel

Classic = Callable[[np.ndarray, float], np.ndarray]
"""(C, H, W) float about [0, 1] and s, in units of [0, 1] images, to (C, H, W)."""

PATCH, STRIDE, ATOMS_A_SIDE = 8, 2, 11
LEARNED_FROM, PASSES = 5000, 5  # patches, and how often each is seen


def total_variation() -> Classic:
    """The x of least ½ ‖x − y‖² + λ Σ |∇x|, λ = 1.5 s^1.25, of each channel (Rudin, Osher and Fatemi 1992).

    By the algorithm of Chambolle (2004), until a step changes the energy by less than 2e-5 of it, at most 200 steps.
    """
    tv = optional_package("skimage.restoration", "classics", "total variation").denoise_tv_chambolle
    return lambda y, s: tv(y, weight=1.5 * s**1.25, eps=2e-5, max_num_iter=200, channel_axis=0)


def low_rank() -> Classic:
    """The X of least ½ ‖X − Y‖² + λ ‖X‖∗, the image as one matrix, H x CW, its colours side by side.

    Singular values are lowered by λ = 1.14 s^1.25 (√H + √(CW)) (Cai, Candès and Shen, SIAM J. Optim. 2010); those of
    noise alone reach s (√H + √(CW)).
    """
    return _shrunk


def _shrunk(y: np.ndarray, s: float) -> np.ndarray:
    channels, height, width = y.shape
    sides = height**0.5 + (channels * width) ** 0.5
    U, S, V = np.linalg.svd(y.transpose(1, 0, 2).reshape(height, -1), full_matrices=False)
    X: np.ndarray = (U * (S - 1.14 * s**1.25 * sides).clip(min=0)) @ V
    return X.reshape(height, channels, width).transpose(1, 0, 2)


def non_local_means() -> Classic:
    """Means over pixels with alike patches of 5 x 5 in a window of 13, h = s / 2 (Buades, Coll and Morel 2005)."""
    nlm = optional_package("skimage.restoration", "classics", "non-local means").denoise_nl_means

    def denoised(y: np.ndarray, s: float) -> np.ndarray:
        settings = {"patch_size": 5, "patch_distance": 6, "h": s / 2, "sigma": s}
        grey = len(y) == 1  # whose axis skimage would drop
        found: np.ndarray = nlm(y[0], **settings)[None] if grey else nlm(y, **settings, channel_axis=0)
        return found

    return denoised


def wavelets() -> Classic:
    """Soft thresholds of Haar coefficients by BayesShrink (Chang, Yu and Vetterli 2000), colour as luma and chroma."""
    optional_package("pywt", "classics", "wavelets")
    wavelet = optional_package("skimage.restoration", "classics", "wavelets").denoise_wavelet
    return lambda y, s: wavelet(y, s, convert2ycbcr=len(y) == 3, channel_axis=0, rescale_sigma=True)


def wiener() -> Classic:
    """The posterior mean of a periodic Gaussian field of the power S of photographs: S / (S + s²), as ``Blur`` has it.

    It is the image that ``Blur`` shows where nothing is blurred: the mean is kept, and s is taken for at least that of
    rounding to 8 bits.
    """
    return partial(_filtered, Blur(UniformKernel(1)), {"kernel": torch.ones(1, 1, 1, dtype=torch.float64)})


def _filtered(blur: Blur, nothing: dict[str, Tensor], y: np.ndarray, s: float) -> np.ndarray:
    shown: np.ndarray = blur.to_image(torch.from_numpy(y)[None], nothing, (y.shape[1], y.shape[2]), s)[0].numpy()
    return shown


def dictionary() -> Classic:
    """Patches of 8 x 8 as sums of few atoms, learned from the image itself (Elad and Aharon, IEEE TIP 2006).

    In the orthonormal DCT of the colours, where noise stays white, patches less their mean are coded by orthogonal
    matching pursuit until the remainder is (1.15 s)² a pixel; those that overlap are averaged. Atoms begin as products
    of cosines and are learned by the online algorithm of Mairal et al. (JMLR 2010), with an L1 weight of 3 s. The order
    of what is learned from is fixed, so that D is one function.

    The image must be at least 8 pixels a side.
    """
    return partial(_of_few_atoms, optional_package("sklearn.decomposition", "classics", "a sparse dictionary"))


def _of_few_atoms(decomposition: Any, y: np.ndarray, s: float) -> np.ndarray:
    require_at_least(PATCH, height=y.shape[1], width=y.shape[2])
    mix = _cosines(len(y))
    colours = np.tensordot(mix, y, 1)
    rows, columns = (np.unique([*range(0, side - PATCH, STRIDE), side - PATCH]) for side in y.shape[1:])
    cut = sliding_window_view(colours, (PATCH, PATCH), axis=(1, 2))[:, rows][:, :, columns]
    means = cut.mean(axis=(-2, -1), keepdims=True)
    details = (cut - means).reshape(-1, PATCH**2)
    allowed = (1.15 * s * PATCH) ** 2
    coded, rest = np.zeros_like(details), np.square(details).sum(axis=1) > allowed
    if rest.any():
        with warnings.catch_warnings():  # of codes that are not quite at their optimum, which is of no consequence here
            warnings.simplefilter("ignore")
            atoms = _learned(decomposition, details[rest], s)
            coded[rest] = decomposition.sparse_encode(details[rest], atoms, algorithm="omp", alpha=allowed) @ atoms
    mean = _overlapped(coded.reshape(cut.shape) + means, rows, columns, colours.shape)
    restored: np.ndarray = np.tensordot(mix.T, mean, 1)
    return restored


def _cosines(count: int) -> np.ndarray:
    """The orthonormal DCT of so many values, as a matrix."""
    waves = np.cos(np.outer(np.arange(count), np.arange(count) + 0.5) * np.pi / count)
    unit: np.ndarray = waves / np.linalg.norm(waves, axis=1, keepdims=True)
    return unit


def _learned(decomposition: Any, patches: np.ndarray, s: float) -> np.ndarray:
    """Atoms (120, 64) of a norm of at most 1."""
    waves = np.cos(np.outer(np.arange(PATCH) + 0.5, np.arange(ATOMS_A_SIDE)) * np.pi / ATOMS_A_SIDE)
    waves[:, 1:] -= waves[:, 1:].mean(axis=0)
    waves /= np.linalg.norm(waves, axis=0)
    atoms: np.ndarray = np.einsum("ai,bj->ijab", waves, waves).reshape(-1, PATCH**2)[1:]
    if len(patches) < len(atoms):
        return atoms
    settings = {"dict_init": atoms, "fit_algorithm": "cd", "alpha": 3 * s, "max_iter": PASSES, "random_state": 0}
    learning = decomposition.MiniBatchDictionaryLearning(len(atoms), **settings)
    learned: np.ndarray = learning.fit(patches[:: -(-len(patches) // LEARNED_FROM)]).components_
    return learned


def _overlapped(patches: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The mean at each pixel of patches (C, rows, columns, 8, 8) at these places."""
    total, count = np.zeros(shape), np.zeros(shape[1:])
    for i, j in np.ndindex(PATCH, PATCH):
        place = rows[:, None] + i, columns + j
        total[:, *place] += patches[..., i, j]
        count[place] += 1
    mean: np.ndarray = total / count
    return mean


CLASSICS: dict[str, Callable[[], Classic]] = {
    "dictionary": dictionary,
    "low_rank": low_rank,
    "nlm": non_local_means,
    "tv": total_variation,
    "wavelet": wavelets,
    "wiener": wiener,
}
"""By name: what opens it, or says which extra is missing."""


def one_by_one(classic: Classic, images: Tensor, levels: Tensor) -> Tensor:
    """(N, C, H, W) fp32 and levels (N,) to (N, C, H, W), on the processor and without gradients."""
    pairs = zip(images.detach().cpu().numpy(), levels.tolist(), strict=True)
    return torch.stack([torch.from_numpy(np.ascontiguousarray(classic(y, s))) for y, s in pairs]).to(images)
