"""A mask of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ....rng import Rng

KINDS = (".npy", ".png")


class MaskFile:
    """The mask in a file, the same for every image; images must have its size.

    Args:
        path: of a ``.png``, in which pixels of at least half of white are known, or of a ``.npy`` with two axes, in
            which what is not 0 is known.

    Raises:
        ValueError: if the file cannot be read as such, or everything in it is known or missing.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.known = torch.from_numpy(_read(path))
        if self.known.all() or not self.known.any():
            what = "known" if self.known.all() else "missing"
            raise ValueError(f"path is {path}; every pixel of it is {what}, allowed is a mask with both")

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """(B, 1, H, W); nothing is drawn.

        Raises:
            ValueError: if the images have another size.
        """
        if tuple(self.known.shape) != tuple(size):
            height, width = self.known.shape
            raise ValueError(f"path is {self.path}, a mask of {height} x {width}; the image is {size[0]} x {size[1]}")
        return self.known.to(rng.device).expand(len(rng), 1, *size)


def _read(path: str) -> np.ndarray:
    """(H, W) bool."""
    if Path(path).suffix.lower() not in KINDS:
        raise ValueError(f"path is {path}; allowed is a file ending in {' or '.join(KINDS)}")
    try:
        values = _read_npy(path) if Path(path).suffix.lower() == ".npy" else _read_png(path)
    except (OSError, EOFError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"path is {path}; it cannot be read as a mask: {error}") from error
    if values.ndim != 2:
        raise ValueError(f"path is {path}, of shape {values.shape}; allowed are two axes, height and width")
    return values


def _read_npy(path: str) -> np.ndarray:
    values = np.load(path, allow_pickle=False)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"values are {values.dtype}, allowed are numbers or booleans")
    return np.asarray(values != 0)


def _read_png(path: str) -> np.ndarray:
    with Image.open(path, formats=["PNG"]) as image:
        return np.asarray(image.convert("L")) >= 128
