"""PNG files that viewers show as they show the picture the pixels were made of."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from torch import Tensor

from .pixels import Samples

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Grey, grey with alpha, RGB, RGBA, by samples a pixel."""
BEFORE_CHUNKS = 33
"""Bytes of the signature and the header, before all other chunks."""
_UP = b"\2"
"""The filter that takes the row above from a row."""


def encode_png(
    pixels: Tensor,
    exif: bytes = b"",
    icc_profile: bytes | None = None,
    alpha: Samples | None = None,
    colour_chunks: bytes = b"",
) -> bytes:
    """The bytes of a file with exactly these pixels, 8 or 16 bits a sample as they have.

    Args:
        pixels: (C, H, W) uint8 or uint16; C is 1 for grey, 3 for RGB.
        exif: with the orientation in which to show them.
        icc_profile: what they mean; None for sRGB.
        alpha: (H, W) of the same type, or None.
        colour_chunks: whole chunks that say more of what they mean.

    Raises:
        ValueError: if alpha has another size or type than the pixels.
    """
    values = pixels.cpu().movedim(0, -1).numpy()
    if alpha is not None:
        if (alpha.shape, alpha.dtype) != (values.shape[:2], values.dtype):
            raise ValueError(f"alpha must be {values.dtype} {values.shape[:2]}, got {alpha.dtype} {alpha.shape}")
        values = np.concatenate([values, alpha[..., None]], axis=-1)
    file = io.BytesIO()
    if values.dtype == np.uint16:
        _write_16_bits(file, values, exif, icc_profile)
    else:
        image = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
        image.save(file, "PNG", exif=exif, icc_profile=icc_profile)
    data = file.getvalue()
    return data[:BEFORE_CHUNKS] + colour_chunks + data[BEFORE_CHUNKS:]


def _write_16_bits(file: io.BytesIO, values: NDArray[np.uint16], exif: bytes, icc_profile: bytes | None) -> None:
    """What Pillow reads but does not write; chunks as the PNG specification has them."""
    height, width, samples = values.shape
    file.write(b"\x89PNG\r\n\x1a\n")
    PngImagePlugin.putchunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[samples], 0, 0, 0))
    if icc_profile:
        PngImagePlugin.putchunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile))
    if exif:
        PngImagePlugin.putchunk(file, b"eXIf", exif.removeprefix(b"Exif\0\0"))
    for part in _deflated_rows(values):
        PngImagePlugin.putchunk(file, b"IDAT", part)
    PngImagePlugin.putchunk(file, b"IEND", b"")


def _deflated_rows(values: NDArray[np.uint16]) -> Iterator[bytes]:
    above = np.zeros(values[0].size * 2, np.uint8)
    deflate = zlib.compressobj()
    for row in values:
        current = row.astype(">u2").reshape(-1).view(np.uint8)
        part = deflate.compress(_UP + (current - above).tobytes())
        above = current
        if part:
            yield part
    yield deflate.flush()
