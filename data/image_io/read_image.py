"""From a picture file on disk to its pixels in full depth and what must travel with them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...checks import require_at_least
from ..jpeg.support_check import max_scans
from .decode import FORMATS, TOO_LARGE, UnreadableImage, decoder_errors, verify
from .metadata import kept_metadata, orientation
from .pixels import DecodedImage, Samples, decoded, mode_refusal
from .safe_read import on_one_line, read_bytes
from .tiff import tiff_errors, tiff_kind, tiff_refusal

MAX_PIXELS = 150_000_000
"""Where nothing else is asked for: what cameras make, and below what Pillow refuses as a decompression bomb."""

START_OF_SCAN = b"\xff\xda"

_UPRIGHT: dict[int, Callable[[Samples], Samples]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: lambda p: np.rot90(p),
}
_CHANGES = {
    "1": "its black and white became grey of 8 bits",
    "P": "its palette became colours",
    "PA": "its palette became colours",
    "CMYK": "its CMYK became RGB of 8 bits without regard to a profile, so colours may differ from print",
}


def read(path: Path, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Read PNG, JPEG, WebP or TIFF of 8 or 16 bits a channel, whatever its name ends in; the first of several pictures.

    Grey with and without alpha, RGB, RGBA, palettes, black and white; CMYK becomes RGB. Not read are floats, signs,
    other depths, more samples than colours and alpha, 16 bits in planes. Size and kind are judged before
    anything is decoded. Memory: about three times the pixels, and the file.

    Args:
        path: of a regular file.
        max_pixels: height times width at most; Pillow's limit of about 179 million holds as well.

    Raises:
        UnreadableImage: naming file, reason and what is allowed, on one line.
        ValueError: if ``max_pixels`` is below 1.
    """
    require_at_least(1, max_pixels=max_pixels)
    try:
        return _decoded(read_bytes(path, max_pixels), max_pixels)
    except ValueError as error:
        raise UnreadableImage(on_one_line(error), on_one_line(path)) from error


def _decoded(data: bytes, max_pixels: int) -> DecodedImage:
    try:
        with decoder_errors(), tiff_errors(data):
            reason = _refusal(data, max_pixels)
            if reason is None:
                verify(data)
                return _photograph(data)
    except UnreadableImage as error:
        if isinstance(error.__cause__, MemoryError):
            raise
        raise UnreadableImage(f"it is damaged or truncated: {error}") from error
    raise UnreadableImage(reason)


def _refusal(data: bytes, max_pixels: int) -> str | None:
    """Why a file is not read, with what is allowed; None if it is. Nothing is decoded."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        return tiff_kind(data) or "it is no whole PNG, JPEG, WebP or TIFF of a known kind"
    except TOO_LARGE:  # of Pillow, at twice this number
        return f"its size is above the limit of {min(max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or 0))} pixels"
    width, height = image.size
    if min(width, height) < 1:
        return f"its size is {width}x{height}; allowed are sides of 1 or more"
    if width * height > max_pixels:
        return f"its size of {width}x{height} is above the limit of {max_pixels} pixels"
    scans, most = data.count(START_OF_SCAN), max_scans(width * height)
    if image.format in ("JPEG", "MPO") and scans > most:
        return f"it has about {scans} scans; allowed are {most} or fewer for its size"
    return tiff_refusal(image, max_pixels) or mode_refusal(image)


def _photograph(data: bytes) -> DecodedImage:
    opened = Image.open(io.BytesIO(data), formats=FORMATS)
    notes = [_CHANGES[opened.mode]] if opened.mode in _CHANGES else []
    turned_by_pillow = opened.format == "TIFF" and orientation(opened) in _UPRIGHT
    colours, alpha, image = decoded(opened, data)
    turned = orientation(image)
    if turned_by_pillow or turned in _UPRIGHT:
        notes.append("it was turned upright, as its orientation asks for")
    exif, profile, left_out = kept_metadata(image, colours.shape[2])
    if _has_more(data):
        left_out.append("it holds several pictures, of which only the first was read")
    return DecodedImage(
        _upright(colours, turned),
        None if alpha is None else _upright(alpha, turned),
        exif,
        profile,
        "JPEG" if image.format == "MPO" else str(image.format),
        (*notes, *left_out),
    )


def _upright(samples: Samples, turned: int) -> Samples:
    return np.ascontiguousarray(_UPRIGHT[turned](samples) if turned in _UPRIGHT else samples)


def _has_more(data: bytes) -> bool:
    """Whether a second picture begins; one that is damaged counts as none."""
    try:
        Image.open(io.BytesIO(data), formats=FORMATS).seek(1)
    except Exception:  # of many types on damaged bytes
        return False
    return True
