"""Pictures to write into files, and writers of formats that Pillow reads but does not write."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

SHORT, LONG = 3, 4


def noise(height=40, width=48, channels=3, seed=0, depth=np.uint8):
    """Random pixels, (height, width, channels) or (height, width): no two pictures and no two places are alike."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, np.iinfo(depth).max, shape, dtype=depth, endpoint=True)


def write(path: Path, pixels, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def folder_of(root: Path, count: int, **picture) -> Path:
    """``count`` PNG files 00.png, 01.png ..., file i from seed i."""
    for index in range(count):
        write(root / f"{index:02d}.png", noise(seed=index, **picture))
    return root


def png_16(pixels) -> bytes:
    """A PNG of uint16 pixels, grey (H, W) or colour (H, W, 3)."""
    height, width = pixels.shape[:2]
    colour_type = 0 if pixels.ndim == 2 else 2
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def tiff_16(pixels, order: str) -> bytes:
    """An uncompressed TIFF of uint16 pixels in byte order ``<`` or ``>``, grey (H, W) or colour (H, W, 3)."""
    height, width = pixels.shape[:2]
    samples = 1 if pixels.ndim == 2 else 3
    data = pixels.astype(f"{order}u2").tobytes()
    entries = [
        (256, LONG, 1, width),
        (257, LONG, 1, height),
        (258, SHORT, samples, 16),
        (259, SHORT, 1, 1),  # no compression
        (262, SHORT, 1, 1 if samples == 1 else 2),  # zero is black, or RGB
        (273, LONG, 1, 0),  # where the pixels begin
        (277, SHORT, 1, samples),
        (278, LONG, 1, height),  # rows in the one strip
        (279, LONG, 1, len(data)),
    ]
    bits_at = 8 + 2 + 12 * len(entries) + 4
    directory = b""
    for tag, kind, count, number in entries:
        value = {273: bits_at + 2 * samples, 258: number if samples == 1 else bits_at}.get(tag, number)
        packed = (
            struct.pack(f"{order}HH", value, 0) if kind == SHORT and count == 1 else struct.pack(f"{order}I", value)
        )
        directory += struct.pack(f"{order}HHI", tag, kind, count) + packed
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    bits = struct.pack(f"{order}{samples}H", *[16] * samples)
    return header + struct.pack(f"{order}H", len(entries)) + directory + bytes(4) + bits + data
