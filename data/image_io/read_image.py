"""From a picture file on disk to its pixels in full depth and what must travel with them."""

import io
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from ...checks import require_at_least
from .decode import UnreadableImage, decoder_errors, verify
from .pixels import FORMATS, ORIENTATION, DecodedImage, Samples, decoded, orientation, require_kind
from .safe_read import capture_stderr, name_of, on_one_line, read_bytes

MAX_PIXELS = 150_000_000
"""Where nothing else is asked for: what cameras make, and below what Pillow refuses as a decompression bomb."""

TIFF = (b"II", b"MM")
DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 33432, 34665, 34853)
"""What a TIFF says besides how its pixels are stored: title, camera, software, time, artist, copyright, EXIF, GPS."""
TIFF_COLOUR = (301, 318, 319)
"""Transfer function, white point and primaries, instead of a profile."""
PROFILE_SPACES = {1: b"GRAY", 3: b"RGB "}
COLOUR_CHUNKS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"mDCv", b"cLLi")
"""Of a PNG: what its pixels mean; the last two are the names of drafts."""
GREY_WITHIN = 1
"""How far colours of a grey picture lie apart: lossy WebP rounds them so; JPEG, TIFF and AVIF show equal ones."""
ROWS = 64

_CHANGES = {
    "1": "its black and white became grey of 8 bits",
    "P": "its palette became colours",
    "PA": "its palette became colours",
    "CMYK": "its CMYK became RGB of 8 bits without regard to a profile, so colours may differ from print",
}


def read(path: Path | bytes, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Read PNG, JPEG, WebP or TIFF of 8 or 16 bits a channel, whatever its name ends in; the first of several pictures.

    Grey with and without alpha, RGB, RGBA, palettes, black and white; CMYK becomes RGB. Not read are floats, signs,
    other depths, more samples than colours and alpha, 16 bits in planes. Size and kind are checked before
    anything is decoded. Memory: about three times the pixels, and the file; more
    where alpha hides some, see ``fill_hidden``.

    Args:
        path: of a regular file, or its bytes.
        max_pixels: height times width at most; Pillow's limit of about 179 million holds as well.

    Raises:
        UnreadableImage: naming file and reason, on one line.
        ValueError: if ``max_pixels`` is below 1.
    """
    require_at_least(1, max_pixels=max_pixels)
    try:
        return _decoded(read_bytes(path, max_pixels), max_pixels)
    except ValueError as error:
        raise UnreadableImage(on_one_line(error), name_of(path)) from error


def _decoded(data: bytes, max_pixels: int) -> DecodedImage:
    try:
        with decoder_errors(), capture_stderr() if data[:2] in TIFF else nullcontext():  # libtiff writes to it
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
            width, height = opened.size
            if width * height > max_pixels:
                raise ValueError(f"its size of {width}x{height} is above the limit of {max_pixels} pixels")
            require_kind(opened)
            verify(data)
            return _photograph(data)
    except UnreadableImage as error:
        cause = error.__cause__
        if isinstance(cause, OSError | SyntaxError) and not isinstance(cause, UnidentifiedImageError):
            raise UnreadableImage(f"it is damaged or truncated: {error}") from error
        raise


def _photograph(data: bytes) -> DecodedImage:
    opened = Image.open(io.BytesIO(data), formats=FORMATS)
    notes = [_CHANGES[opened.mode]] if opened.mode in _CHANGES else []
    turned_by_pillow = opened.format == "TIFF" and orientation(opened) != 1
    colours, alpha, hidden, image = decoded(opened, data)
    if turned_by_pillow or orientation(image) != 1:
        notes.append("it was turned upright, as its orientation asks for")
    exif, profile, left_out = _kept_metadata(image, colours.shape[2])
    pixels = np.ascontiguousarray(colours[..., 1:2]) if _is_grey(colours) else colours
    if pixels.shape != colours.shape and (colours != pixels).any():
        left_out.append("its colours, which lie within one level of grey, were left out")
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    notes += [*left_out, *more_pictures(data)]
    chunks = _colour_chunks(data) if kind == "PNG" else b""
    return DecodedImage(
        pixels, alpha, exif, profile, kind, tuple(notes), colours.shape[2], hidden, chunks, _tables(image)
    )


def _tables(image: Image.Image) -> tuple[NDArray[np.float64], ...]:
    """Of a loaded JPEG in grey or YCbCr, upright as its pixels."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode not in ("L", "RGB"):
        return ()
    steps = [np.reshape(image.quantization[number], (8, 8)).astype(float) for number in sorted(image.quantization)]
    return tuple(table.T if orientation(image) > 4 else table for table in steps)


def _is_grey(colours: Samples) -> bool:
    """Whether there are three colours, as good as equal in every pixel; of a picture in colour, few rows are read."""
    parts = (colours[row : row + ROWS] for row in range(0, len(colours), ROWS))
    return colours.shape[2] == 3 and all((part.max(axis=2) - part.min(axis=2)).max() <= GREY_WITHIN for part in parts)


def _colour_chunks(png: bytes) -> bytes:
    kept, start = b"", 8
    while (name := png[start + 4 : start + 8]) not in (b"IDAT", b""):
        end = start + 12 + int.from_bytes(png[start : start + 4])
        kept += png[start:end] if name in COLOUR_CHUNKS else b""
        start = end
    return kept


def more_pictures(data: bytes) -> list[str]:
    """A sentence where a second picture begins; one that is damaged counts as none."""
    try:
        Image.open(io.BytesIO(data), formats=FORMATS).seek(1)
    except Exception:  # of many types on damaged bytes
        return []
    return ["it holds several pictures, of which only the first was read"]


def _kept_metadata(image: Image.Image, colours: int) -> tuple[bytes, bytes | None, list[str]]:
    """EXIF, profile and why one of them was left out, of a loaded image that now has 1 or 3 colours."""
    exif, (profile, notes) = b"", kept_profile(image, colours)
    try:
        exif = _exif(image)
    except Exception:  # of many types on damaged bytes
        notes.append("its EXIF is damaged and was left out")
    if isinstance(image, TiffImagePlugin.TiffImageFile) and not profile and {*image.tag_v2} & {*TIFF_COLOUR}:
        notes.append("its white point, primaries or transfer function were left out")
    return exif, profile, notes


def kept_profile(image: Image.Image, colours: int) -> tuple[bytes | None, list[str]]:
    """Colour profile of a loaded image that now has 1 or 3 colours, or a sentence why it was left out."""
    try:
        return _profile(image, colours), []
    except ValueError as error:
        return None, [f"its colour profile was left out: {error}"]


def _exif(image: Image.Image) -> bytes:
    """Without orientation; as it lies in the file if it has none."""
    exif = image.getexif()
    stored = image.info.get("exif", b"")
    if image.format == "TIFF":
        for tag in {*exif} - {*DESCRIPTIVE}:
            del exif[tag]
    elif stored and ORIENTATION not in exif:
        return bytes(stored)
    exif.pop(ORIENTATION, None)
    return exif.tobytes() if len(exif) else b""


def _profile(image: Image.Image, colours: int) -> bytes | None:
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    if not isinstance(profile, bytes) or profile[36:40] != b"acsp":
        raise ValueError("it is damaged")
    if profile[16:20] != PROFILE_SPACES[colours]:
        raise ValueError("it is for other colours than the pixels now have")
    if len(profile) > PngImagePlugin.MAX_TEXT_CHUNK:
        raise ValueError(f"it has more than {PngImagePlugin.MAX_TEXT_CHUNK} bytes")
    return profile
