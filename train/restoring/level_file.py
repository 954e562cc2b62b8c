"""The .jpg files that a model restores by their levels."""

from __future__ import annotations

from pathlib import Path

from ...data.decoding import UnreadableImage
from ...data.jpeg import file as jpeg_file
from ...data.jpeg.file import JpegFile, UnreadableJpeg
from ...data.photographs.file import read
from .unsuitable import UnsuitablePicture


def read_levels(path: Path, max_pixels: int) -> JpegFile:
    """Of one file.

    Raises:
        UnreadableJpeg: naming the file and the reason.
        UnsuitablePicture: if it is a whole picture of another kind.
    """
    try:
        return jpeg_file.read(path, max_pixels)
    except UnreadableJpeg as error:
        kind = _kind_of_another(path, max_pixels)
        if kind is None:
            raise
        raise UnsuitablePicture(
            f"it is a {kind} file; this model restores .jpg files by the levels they hold: give the .jpg it was "
            "made of, or take a model that was trained on noise"
        ) from error


def _kind_of_another(path: Path, max_pixels: int) -> str | None:
    """PNG, WEBP or TIFF, where it is a whole one; else None."""
    try:
        kind = read(path, max_pixels).format
    except UnreadableImage:
        return None
    return None if kind == "JPEG" else kind
