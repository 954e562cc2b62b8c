"""From a .jpg on disk to its levels, its pixels and what must travel with them."""

import io
import os
import re
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...checks import optional_package
from ..image_io.decode import UnreadableImage
from ..image_io.read_image import kept_profile, more_pictures
from ..image_io.safe_read import capture_stderr, name_of, on_one_line, read_bytes
from .coefficients import BLOCK, JpegCoefficients, blocks
from .markers import Header, levels_only, parse
from .support_check import sampling, unsupported_reason

LOWEST_LEVEL, HIGHEST_LEVEL = -1024, 1023
"""What pixels of 8 bits can give; a file beyond is damaged, or no picture re-encodes to it."""


@dataclass(frozen=True)
class JpegFile:
    """One picture, as it is stored: not rotated.

    Attributes:
        coefficients: its levels and tables, with B = 1.
        decoded: its pixels as libjpeg-turbo decodes them, uint8 (C, H, W); C is 1 for grey, 3 for colour (RGB).
        exif: as Pillow takes and gives it, with the orientation to show the picture in; empty if there is none.
        icc_profile: what the pixels mean; None for sRGB.
        notes: what was left out on reading, as in ``DecodedImage``.
    """

    coefficients: JpegCoefficients
    decoded: Tensor
    exif: bytes
    icc_profile: bytes | None
    notes: tuple[str, ...] = ()


def read(path: Path | bytes, max_pixels: int | None = None) -> JpegFile:
    """Read a .jpg: 8 bits, Huffman-coded, sequential or progressive; grey, or YCbCr at 4:4:4, 4:2:2 or 4:2:0.

    Size and kind are checked before anything is decoded. A file in which libjpeg would have to guess is refused.

    Args:
        path: of a regular file, or its bytes.
        max_pixels: height times width at most; None for the limit of Pillow, ``Image.MAX_IMAGE_PIXELS``.

    Raises:
        UnreadableImage: naming file and reason.
    """
    try:
        limit = Image.MAX_IMAGE_PIXELS if max_pixels is None else max_pixels
        data = read_bytes(path, limit)
        header = parse(data)
        reason = unsupported_reason(header, limit)
        if reason is not None:
            raise ValueError(reason)
        coefficients = _checked(*read_levels(levels_only(data)), header)
        return JpegFile(coefficients, *_decode(data, coefficients))
    except ValueError as error:
        raise UnreadableImage(on_one_line(" ".join(str(error).split())), name_of(path)) from error


def _checked(levels: list[Tensor], tables: Tensor, header: Header) -> JpegCoefficients:
    """What libjpeg found, which must be what the header declares."""
    chroma = sampling(header)
    assert chroma is not None, "such a file has been refused"
    subsamplings = [(1, 1)] + [(chroma.horizontal, chroma.vertical)] * (len(header.components) - 1)
    declared = [
        (BLOCK * blocks(header.height, vertical), BLOCK * blocks(header.width, horizontal))
        for horizontal, vertical in subsamplings
    ]
    if [tuple(level.shape) for level in levels] != declared:
        raise ValueError("it is damaged: libjpeg finds another size or sampling than its header declares")
    lowest, highest = min(int(level.min()) for level in levels), max(int(level.max()) for level in levels)
    if lowest < LOWEST_LEVEL or highest > HIGHEST_LEVEL:
        raise ValueError(f"its levels must be {LOWEST_LEVEL} to {HIGHEST_LEVEL}, got {lowest} to {highest}")
    steps = torch.tensor([header.tables[component.table] for component in header.components], dtype=torch.int32)
    if not torch.equal(tables, steps.view(-1, BLOCK, BLOCK)):
        raise ValueError("it is damaged: libjpeg finds other quantisation tables than its header declares")
    return JpegCoefficients([level[None] for level in levels], tables[None], chroma, header.height, header.width)


def _decode(data: bytes, coefficients: JpegCoefficients) -> tuple[Tensor, bytes, bytes | None, tuple[str, ...]]:
    """Pixels, EXIF, profile and notes, by Pillow."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata
            image = Image.open(io.BytesIO(data), formats=("JPEG",))
            image.load()
    except Exception as error:  # decoders raise errors of many types on damaged bytes
        raise ValueError(f"its pixels cannot be decoded: {error or type(error).__name__}") from error
    pixels = torch.from_numpy(np.array(image))
    decoded = pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()
    if decoded.shape != (len(coefficients.levels), coefficients.height, coefficients.width):
        raise ValueError("it is damaged: its pixels have another size than its levels")
    profile, notes = kept_profile(image, len(decoded))
    return decoded, image.info.get("exif", b""), profile, (*notes, *more_pictures(data))


_HARMLESS = re.compile(r"(Corrupt JPEG data: \d+ extraneous bytes before marker|Invalid SOS parameters).*\n")
_DAMAGE = re.compile(r"(Corrupt JPEG data|Premature end of JPEG file|Inconsistent progression sequence).*\n")


def read_levels(data: bytes) -> tuple[list[Tensor], Tensor]:
    """Read the levels of a .jpg whose header has been checked.

    It must be free of metadata: an empty comment before other segments makes jpeglib write beyond its memory, and of
    more than 50 segments it reads none. Only one thread at a time reads; what others write to standard error
    meanwhile appears right afterwards.

    Args:
        data: the file as ``levels_only`` leaves it.

    Returns:
        Levels by component, int16 (8 rows, 8 columns), laid out as in ``JpegCoefficients``, and quantisation steps,
        int32 (components, 8, 8).

    Raises:
        ValueError: with libjpeg's reason if the scans are damaged, also where it would guess and go on.
    """
    jpeglib = optional_package("jpeglib", "jpeg", "reading the levels of a .jpg file")
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file, capture_stderr() as written:
        file.write(data)
        file.flush()
        try:
            jpeg = jpeglib.read_dct(file.name)  # keeps what it reads in globals: one thread at a time
            jpeg.load()
        except OSError as error:
            raise ValueError(f"its scans are damaged: {written() or error}") from error
        messages = written()
    _require_undamaged(messages)
    blocks = [jpeg.Y, jpeg.Cb, jpeg.Cr][: jpeg.num_components]
    levels = [torch.from_numpy(part).transpose(1, 2).flatten(2).flatten(0, 1) for part in blocks]
    tables = torch.from_numpy(jpeg.qt[jpeg.quant_tbl_no].astype(np.int32))
    return levels, tables


def _require_undamaged(messages: str) -> None:
    messages = _HARMLESS.sub("", messages)
    damage = _DAMAGE.search(messages)
    os.write(2, _DAMAGE.sub("", messages).encode())  # of other threads
    if damage:
        raise ValueError(f"its scans are damaged: {damage[0]}")
