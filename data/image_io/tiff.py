"""Which TIFF files are not read as pictures, each by its name."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, TiffImagePlugin

from .safe_read import ONE_AT_A_TIME, error_stream

WIDTH, BITS, PHOTOMETRIC, SAMPLES, PLANES, TILE_WIDTH, TILE_LENGTH, FORMAT = 256, 258, 262, 277, 284, 322, 323, 339
UNSIGNED, SEPARATE = 1, 2
WHITE_IS_ZERO = 0
COLOURS = {WHITE_IS_ZERO: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}
"""Of each photometric interpretation: grey, grey, RGB, palette, CMYK, YCbCr."""
ALLOWED = (
    "allowed are grey, RGB, palette, CMYK, YCbCr of 1 to 8 or 16 bits without sign; alpha, but with grey of 16 bits"
)


def tiff_refusal(image: Image.Image, max_pixels: int) -> str | None:
    """Why this file is not read, with what is allowed; None if it is, or is no TIFF."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    tags = image.tag_v2
    bits, samples, formats = tags.get(BITS, (1,)), tags.get(SAMPLES, 1), tags.get(FORMAT, (UNSIGNED,))
    colours = COLOURS.get(tags.get(PHOTOMETRIC, 0), 0)
    if {*formats} != {UNSIGNED} or not ({*bits} <= {1, 2, 4, 8} or {*bits} == {16}) or samples > colours + 1:
        return described(tags)
    if samples > 1 and {*bits} == {16} and tags.get(PLANES, 1) == SEPARATE:
        return "its samples of 16 bits lie in separate planes; allowed are samples side by side"
    if tags.get(TILE_WIDTH, 1) * tags.get(TILE_LENGTH, 1) > max_pixels:
        return f"it has tiles of {tags[TILE_WIDTH]}x{tags[TILE_LENGTH]}, above the limit of {max_pixels} pixels"
    return None


def is_white_zero(image: Image.Image) -> bool:
    """Whether its grey counts down from white, which Pillow does not turn round at 16 bits."""
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(PHOTOMETRIC, 0) == WHITE_IS_ZERO


def tiff_kind(data: bytes) -> str | None:
    """What a file is that Pillow does not know, if it is a TIFF with a readable directory."""
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(directory.next)
        directory.load(file)
        return described(directory) if WIDTH in directory else None
    except Exception:  # of many types on damaged bytes
        return None


def described(tags: TiffImagePlugin.ImageFileDirectory_v2) -> str:
    """Of a kind that is not read."""
    found = {name: tags.get(tag, 1) for name, tag in (("bits", BITS), ("format", FORMAT), ("samples", SAMPLES))}
    text = ", ".join(f"{name} {str(value)[:40]}" for name, value in found.items())
    return (
        f"it is a TIFF of another kind, or damaged ({text}, photometric {str(tags.get(PHOTOMETRIC))[:40]}); {ALLOWED}"
    )


SIGNATURES = (b"II", b"MM")
_SAID = re.compile(r"^([\w.]+: .*\.|More samples per pixel.*)\n", re.MULTILINE)
_DAMAGE = re.compile(r"^\w*(Decode|JPEGLib|Fill\w+): .*|^.*Using code not yet in table.*", re.MULTILINE)


@contextmanager
def tiff_errors(data: bytes) -> Iterator[None]:
    """Keep the terminal free of them, and tell them as errors where they are about pixels. Other formats pass through.

    Only one thread at a time reads a TIFF; what others write to standard error meanwhile appears right afterwards.

    Raises:
        ValueError: with the first of them, if pixels are missing or guessed.
    """
    if not data.startswith(SIGNATURES):
        yield
        return
    with ONE_AT_A_TIME, tempfile.TemporaryDirectory() as folder:
        said = ""
        try:
            with error_stream(Path(folder) / "errors.txt") as read:
                try:
                    yield
                finally:
                    said = read()
        except (OSError, SyntaxError) as error:  # of little information: "decoder error -2"
            _raise_damage(said, error)
            raise
        finally:
            os.write(2, _SAID.sub("", said).encode())
    _raise_damage(said, None)


def _raise_damage(said: str, cause: Exception | None) -> None:
    damage = _DAMAGE.search(said)
    if damage:
        raise ValueError(damage[0]) from cause
