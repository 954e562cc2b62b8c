"""Masks: which pixels are known, in a fixed place, at random, or by a file."""

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...checks import require_in
from ...rng import Rng
from ..image_io.safe_read import require_regular


class Mask(Protocol):
    """Which pixels of an image are known, the same for all channels."""

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        """True where a pixel of H x W is known, (B, 1, H, W) bool; image b uses the b-th generator and nothing else."""


class CenterBox:
    """A box in the centre is missing, ``fraction`` of the height by ``fraction`` of the width, rounded.

    Args:
        fraction: in (0, 1).

    Raises:
        ValueError: if it is not.
    """

    def __init__(self, fraction: float = 0.5) -> None:
        require_in("(0, 1)", fraction=fraction)
        self.fraction = fraction

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        known = torch.ones(len(rng), 1, *size, dtype=torch.bool, device=rng.device)
        known[..., self._missing(size[0]), self._missing(size[1])] = False
        return known

    def _missing(self, extent: int) -> slice:
        length = round(self.fraction * extent)
        start = (extent - length) // 2
        return slice(start, start + length)


SIDES = ("left", "right", "top", "bottom")


class Half:
    """Half of the image is missing; where an extent is odd, the missing half is the smaller.

    Args:
        side: which half is missing: ``left``, ``right``, ``top``, ``bottom``, or ``random``, drawn for each image.

    Raises:
        ValueError: if it is none of them.
    """

    def __init__(self, side: str = "random") -> None:
        if side not in (*SIDES, "random"):
            raise ValueError(f"side must be {', '.join(SIDES)} or random, got {side}")
        self.side = side

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        known = torch.ones(len(SIDES), *size, dtype=torch.bool, device=rng.device)
        height, width = size
        known[0, :, : width // 2] = False
        known[1, :, width - width // 2 :] = False
        known[2, : height // 2] = False
        known[3, height - height // 2 :] = False
        drawn = rng.randint(0, 4) if self.side == "random" else torch.full((len(rng),), SIDES.index(self.side))
        return known[drawn.to(rng.device), None]


class UpperPart:
    """The upper ``fraction`` of the rows is missing, rounded.

    Args:
        fraction: in (0, 1).

    Raises:
        ValueError: if it is not.
    """

    def __init__(self, fraction: float = 0.75) -> None:
        require_in("(0, 1)", fraction=fraction)
        self.fraction = fraction

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        known = torch.ones(len(rng), 1, *size, dtype=torch.bool, device=rng.device)
        known[..., : round(self.fraction * size[0]), :] = False
        return known


class RandomPixels:
    """Each pixel is missing with probability ``rate``, by itself.

    Args:
        rate: in (0, 1).

    Raises:
        ValueError: if it is not.
    """

    def __init__(self, rate: float = 0.8) -> None:
        require_in("(0, 1)", rate=rate)
        self.rate = rate

    def draw(self, size: tuple[int, int], rng: Rng) -> Tensor:
        return rng.rand(1, *size) >= self.rate


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
            raise ValueError(f"path is {path}; every pixel of it is {what}")

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
        raise ValueError(f"path must be a file ending in {' or '.join(KINDS)}, got {path}")
    try:
        require_regular(Path(path))
        values = _read_npy(path) if Path(path).suffix.lower() == ".npy" else _read_png(path)
    except (OSError, EOFError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"path is {path}; it cannot be read as a mask: {error}") from error
    if values.ndim != 2:
        raise ValueError(f"path must hold two axes, height and width, got {path} of shape {values.shape}")
    return values


def _read_npy(path: str) -> np.ndarray:
    values = np.load(path, allow_pickle=False)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"values must be numbers or booleans, got {values.dtype}")
    return np.asarray(values != 0)


def _read_png(path: str) -> np.ndarray:
    with Image.open(path, formats=["PNG"]) as image:
        return np.asarray(image.convert("L")) >= 128
