"""The independent witness: files that Pillow writes and shows, whose levels jpeglib reads."""

from importlib.resources import files
from typing import NamedTuple

import jpeglib
import numpy as np
import torch
from PIL import Image

from pscgan.data.jpeg.coefficients import SAMPLINGS, JpegCoefficients

KINDS = [*SAMPLINGS, "grey"]
PHOTOGRAPHS = sorted(
    path.name for path in (files("pscgan.data") / "sample_images").iterdir() if path.name.endswith(".webp")
)


class File(NamedTuple):
    """What a .jpg holds, by component, and what Pillow shows of it."""

    levels: list[np.ndarray]
    tables: np.ndarray
    shown: np.ndarray


def sampling_of(kind):
    return SAMPLINGS["4:4:4" if kind == "grey" else kind]


def photograph(number, height, width, kind="4:2:0"):
    """A crop, (height, width, 3), or (height, width) of a grey one; uint8."""
    name = PHOTOGRAPHS[number % len(PHOTOGRAPHS)]
    with (files("pscgan.data") / "sample_images" / name).open("rb") as file, Image.open(file) as image:
        whole = np.asarray(image.convert("L" if kind == "grey" else "RGB"))
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    return whole[top : top + height, left : left + width]


def save(path, pixels, kind, **options):
    """Write (H, W, 3) or (H, W) uint8 by libjpeg-turbo; options are Pillow's ``quality`` or ``qtables``."""
    subsampling = {} if kind == "grey" else {"subsampling": kind}
    Image.fromarray(pixels).save(path, **subsampling, **options)
    return path


def read(path):
    with Image.open(path) as image:
        shown = np.asarray(image)
    stored = jpeglib.read_dct(str(path))
    levels = [plane.copy() for plane in (stored.Y, stored.Cb, stored.Cr) if plane is not None]
    numbers = [0, *stored.quant_tbl_no[1:]][: len(levels)]
    return File(levels, stored.qt[numbers].copy(), shown)


def levels_of(path):
    return read(path).levels


def by_block(plane):
    """(8 rows, 8 columns) as jpeglib has it: (rows, columns, 8, 8), vertical frequency first."""
    rows, columns = (side // 8 for side in plane.shape)
    return np.asarray(plane).reshape(rows, 8, columns, 8).swapaxes(1, 2)


def tensor(pixels):
    """(1, C, H, W) uint8 of an array (H, W, C) or (H, W)."""
    pixels = np.array(pixels)
    return torch.from_numpy(pixels[None, None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)[None].copy())


def array(picture):
    """The way back, of (C, H, W)."""
    return picture.permute(1, 2, 0).squeeze(2).contiguous().numpy()


def coded(kind, *stored):
    """Files of one size as one batch."""
    levels = [
        torch.from_numpy(np.stack([plane.swapaxes(1, 2).reshape(8 * plane.shape[0], -1) for plane in component]))
        for component in zip(*(file.levels for file in stored), strict=True)
    ]
    tables = torch.from_numpy(np.stack([file.tables for file in stored]).astype(np.int64))
    return JpegCoefficients(levels, tables, sampling_of(kind), *stored[0].shown.shape[:2])
