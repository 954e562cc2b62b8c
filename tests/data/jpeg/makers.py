"""Real .jpg files by different encoders, and what is needed to damage them."""

from pathlib import Path

import jpeglib
import numpy as np
from PIL import Image

import pscgan.data

PHOTOS = Path(pscgan.data.__file__).parent / "sample_images"
ORIENTATION, ROTATED = 0x0112, 6

PROFILE = bytes(16) + b"RGB " + bytes(16) + b"acsp" + bytes(range(256)) * 300

THREE_TABLES = [[2 + i // 4 for i in range(64)], [9] * 64, [17 + i % 5 for i in range(64)]]
PILLOW = {  # name: (size, options); a size of (width, height)
    "quality-10": ((64, 48), {"quality": 10}),
    "quality-75-odd": ((97, 61), {"quality": 75}),
    "quality-95-444": ((80, 72), {"quality": 95, "subsampling": "4:4:4"}),
    "quality-50-422-odd": ((101, 55), {"quality": 50, "subsampling": "4:2:2"}),
    "grey": ((66, 50), {"quality": 40, "grey": True}),
    "progressive": ((120, 91), {"quality": 60, "progressive": True}),
    "progressive-444": ((73, 40), {"quality": 85, "progressive": True, "subsampling": "4:4:4"}),
    "progressive-grey": ((59, 83), {"quality": 30, "progressive": True, "grey": True}),
    "optimised": ((200, 133), {"quality": 20, "optimize": True}),
    "restart-rows": ((90, 70), {"quality": 70, "restart_marker_rows": 1}),
    "restart-blocks": ((75, 47), {"quality": 35, "restart_marker_blocks": 2, "subsampling": "4:2:2"}),
    "three-tables": (
        (88, 43),
        {"qtables": THREE_TABLES},
    ),
    "rotated-with-profile": ((110, 65), {"quality": 80, "icc_profile": PROFILE, "rotated": True}),
}
JPEGLIB = {  # name: (size, version, sampling)
    "libjpeg-6b": ((57, 41), "6b", "4:2:0"),
    "libjpeg-7": ((96, 56), "7", "4:2:2"),
    "libjpeg-8d": ((65, 49), "8d", "4:4:4"),
    "libjpeg-9f": ((83, 67), "9f", "4:2:0"),
    "turbo-1.2": ((71, 53), "turbo120", "4:2:0"),
    "turbo-2.1": ((104, 40), "turbo210", "4:2:2"),
    "mozjpeg-4.0": ((121, 77), "mozjpeg403", "4:2:0"),
}


def picture(size, index=0):
    """The centre of one of the bundled photographs, (height, width, 3) uint8."""
    width, height = size
    names = sorted(PHOTOS.glob("*.webp"))
    with Image.open(names[index % len(names)]) as photo:
        left, top = (photo.width - width) // 2, (photo.height - height) // 2
        return np.asarray(photo.convert("RGB").crop((left, top, left + width, top + height)))


def by_pillow(path, pixels, grey=False, rotated=False, **options):
    image, exif = Image.fromarray(pixels), Image.Exif()
    if rotated:
        exif[ORIENTATION] = ROTATED
    image.convert("L" if grey else "RGB").save(path, "JPEG", exif=exif, **options)
    return path


def by_jpeglib(path, pixels, version, sampling):
    before = jpeglib.version.get() or "6b"  # the one it begins with
    jpeglib.version.set(version)
    try:
        jpeg = jpeglib.from_spatial(pixels)
        jpeg.samp_factor = sampling
        jpeg.write_spatial(str(path), qt=65)
    finally:
        jpeglib.version.set(before)
    return path


def make_files(folder: Path) -> list[Path]:
    """Twenty .jpg files of 40 to 200 pixels a side, all of which can be read; sorted by name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [
        by_pillow(folder / f"{name}.jpg", picture(size, index), **options)
        for index, (name, (size, options)) in enumerate(PILLOW.items())
    ]
    paths += [
        by_jpeglib(folder / f"{name}.jpg", picture(size, index), version, sampling)
        for index, (name, (size, version, sampling)) in enumerate(JPEGLIB.items(), len(PILLOW))
    ]
    return sorted(paths)


def write_levels(path, coded):
    """A .jpg of given levels and tables (B = 1), by jpeglib."""
    blocks = [level[0].unflatten(0, (-1, 8)).unflatten(2, (-1, 8)).transpose(1, 2) for level in coded.levels]
    jpeg = jpeglib.from_dct(
        *[part.contiguous().numpy() for part in blocks],
        qt=coded.tables[0].numpy().astype(np.uint16),
        quant_tbl_no=np.arange(len(blocks)),
    )
    jpeg.height, jpeg.width = coded.height, coded.width
    jpeg.samp_factor = np.array([[coded.sampling.vertical, coded.sampling.horizontal], [1, 1], [1, 1]][: len(blocks)])
    jpeg.write_dct(str(path))
    return path


def segment(marker, body=b""):
    """The bytes of one marker segment."""
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def at(data, marker):
    """Where the first such segment of a file begins."""
    position = 2
    while data[position + 1] != marker:
        position += 2 + int.from_bytes(data[position + 2 : position + 4])
    return position


def patched(data, marker, offset, new):
    """A file with some bytes of its first such segment replaced; offset 0 is the marker, 4 the first of the body."""
    position = at(data, marker) + offset
    return data[:position] + bytes(new) + data[position + len(new) :]
