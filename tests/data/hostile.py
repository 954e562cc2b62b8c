"""Files that accidents and enemies make, over all formats that are read."""

import io
import os
import random
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from .pictures import noise, png_16, tiff_16

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".PNG", ".JPG", "", ".gif", ".txt")
SIGNATURES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"RIFF\xff\0\0\0WEBPVP8 ",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
)
HUGE = 2**31 - 1
SHORT, LONG, RATIONAL, DOUBLE = 3, 4, 5, 12


def make_hostile(folder: Path, count: int, seed: int) -> list[Path]:
    """``count`` entries of ``folder``, damaged, hostile, and some of them whole; the same for the same seed.

    Beside ``folder`` lies ``<folder>_outside``, to which some links lead. Folders, named pipes, devices behind links,
    and files without permission are among them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outside = folder.with_name(f"{folder.name}_outside")
    outside.mkdir(exist_ok=True)
    (outside / "secret.txt").write_text("root:x:0:0\n")
    (outside / "whole.png").write_bytes(whole_files()["png"])
    paths = []
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        path = folder / name(number, rng)
        if number % 10 == 9:
            SPECIAL[number // 10 % len(SPECIAL)](path, outside)
        else:
            path.write_bytes(CONTENTS[(number - number // 10) % len(CONTENTS)](rng))
        paths.append(path)
    return paths


def name(number: int, rng: random.Random) -> str:
    """Of an entry; no two numbers give the same."""
    extension = rng.choice(EXTENSIONS)
    stem = rng.choice(
        [
            f"{number:04d}",
            f"{number:04d}",
            f"with spaces  {number}",
            f"two\nlines {number}",
            f"tab\tand\x1b[31mred {number}",
            f"größe 写真 🖼 {number}",
            f"-rf {number}",
            f"--out={number}",
            f"%s%n%d {number}",
            f"..{number}",
            f".. {number} ..",
            f"~{number}$HOME`id`;&|'\"",
            os.fsdecode(b"\xff\xfe not utf-8 %d" % number),
            f"{number:04d}".ljust(255 - len(extension), "n"),
        ]
    )
    return stem + extension


def saved(image: Image.Image | np.ndarray, format: str, **options) -> bytes:
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, format, **options)
    return file.getvalue()


def exif_of(*entries: tuple[int, int, int, bytes]) -> bytes:
    """(tag, type, count, four bytes of value), as they stand."""
    body = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4)


@cache
def whole_files() -> dict[str, bytes]:
    """A file of every kind that is read."""
    colour, grey, deep = noise(), noise(channels=1), noise(depth=np.uint16)
    alpha = np.concatenate([colour, grey[..., None]], axis=-1)
    picture, turned = Image.fromarray(colour), exif_of((0x0112, SHORT, 1, b"\6\0\0\0"))
    page = Image.fromarray(noise(seed=1))
    return {
        "png": saved(colour, "PNG"),
        "png grey": saved(grey, "PNG"),
        "png alpha": saved(alpha, "PNG", exif=turned),
        "png grey alpha": saved(Image.fromarray(alpha).convert("LA"), "PNG"),
        "png palette": saved(picture.quantize(16), "PNG", transparency=bytes([0, 10, 20])),
        "png bilevel": saved(picture.convert("1"), "PNG"),
        "png 16": png_16(deep),
        "png 16 grey": png_16(noise(channels=1, depth=np.uint16)),
        "png animated": saved(picture, "PNG", save_all=True, append_images=[page]),
        "jpeg": saved(colour, "JPEG", exif=turned),
        "jpeg progressive": saved(colour, "JPEG", progressive=True),
        "jpeg grey": saved(grey, "JPEG", quality=30),
        "jpeg cmyk": saved(picture.convert("CMYK"), "JPEG"),
        "webp": saved(colour, "WEBP"),
        "webp lossless": saved(alpha, "WEBP", lossless=True),
        "webp animated": saved(picture, "WEBP", save_all=True, append_images=[page], exif=turned),
        "tiff": saved(colour, "TIFF", exif=Image.Exif()),
        "tiff lzw": saved(alpha, "TIFF", compression="tiff_lzw"),
        "tiff deflate": saved(grey, "TIFF", compression="tiff_deflate"),
        "tiff jpeg": saved(colour, "TIFF", compression="jpeg"),
        "tiff pages": saved(picture, "TIFF", save_all=True, append_images=[page, page]),
        "tiff cmyk": saved(picture.convert("CMYK"), "TIFF"),
        "tiff bilevel": saved(picture.convert("1"), "TIFF", compression="group4"),
        "tiff 16": tiff_16(deep, "<"),
        "tiff 16 big-endian": tiff_16(deep, ">"),
    }


def whole(rng: random.Random) -> bytes:
    return rng.choice([*whole_files().values()])


def truncated(rng: random.Random) -> bytes:
    data = whole(rng)
    return data[
        : rng.choice([rng.randrange(len(data)), rng.randrange(min(64, len(data))), len(data) - rng.randint(1, 20)])
    ]


def truncated_pages(rng: random.Random) -> bytes:
    data = whole_files()["tiff pages"]
    return data[: rng.randrange(len(data) // 3, len(data))]


def flipped(rng: random.Random) -> bytes:
    data = bytearray(whole(rng))
    reach = rng.choice([len(data), min(200, len(data))])  # headers are short, and matter most
    for _ in range(rng.choice([1, 1, 2, 8, 50])):
        data[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(data)


def overwritten(rng: random.Random) -> bytes:
    data = bytearray(whole(rng))
    start, length = rng.randrange(len(data)), rng.choice([1, 2, 4, 4, 16, 300])
    data[start : start + length] = rng.choice(
        [b"\xff" * length, bytes(length), rng.randbytes(length), b"\x7f\xff\xff\xff"]
    )
    return bytes(data)


def spliced(rng: random.Random) -> bytes:
    one, other = whole(rng), whole(rng)
    return one[: rng.randrange(len(one))] + other[rng.randrange(len(other)) :]


def repeated(rng: random.Random) -> bytes:
    data = whole(rng)
    start, stop = sorted(rng.randrange(len(data)) for _ in range(2))
    return data[:stop] + data[start:]


def only_a_signature(rng: random.Random) -> bytes:
    return rng.choice(SIGNATURES) + rng.randbytes(rng.choice([0, 4, 100, 5000]))


def no_picture(rng: random.Random) -> bytes:
    return rng.choice(
        [b"", b"\0", b"just text\n" * 9, b"<svg xmlns='http://www.w3.org/2000/svg'/>", bytes(4096), rng.randbytes(3000),
         saved(noise(), "GIF"), saved(noise(), "BMP"), b"%PDF-1.7\n", b"PK\3\4" + rng.randbytes(50)]
    )  # fmt: skip


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return struct.pack(">I", size) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return SIGNATURES[0] + header + b"".join(chunks) + chunk(b"IEND", b"")


def huge_size(rng: random.Random) -> bytes:
    jpeg, small = bytearray(whole_files()["jpeg grey"]), chunk(b"IDAT", zlib.compress(bytes(100)))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = b"\xff" * 4
    webp = b"RIFF" + struct.pack("<I", 40) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\x3f\0\xff\x3f\0"
    side = rng.choice([0, 70_000, 2**24, HUGE])
    return rng.choice(
        [
            png(HUGE, HUGE, small),
            png(side, side, small),
            png(rng.choice([0, 1]), rng.choice([0, HUGE]), small),
            png(30_000, 30_000, small, depth=16),
            bytes(jpeg),
            webp + whole_files()["webp"][12:],
            webp + b"VP8L" + struct.pack("<I", 5) + b"\x2f\xff\xff\xff\x0f",
            tiff({256: (LONG, 65535), 257: (LONG, 65535)}),
            tiff({256: (LONG, 2**32 - 1), 257: (LONG, 2**32 - 1)}),
            tiff({256: (LONG, 0), 257: (LONG, 3)}),
        ]
    )


def bomb(rng: random.Random) -> bytes:
    """A hundred megabytes of nothing in a hundred kilobytes."""
    zeros = _deflated_zeros()
    body = chunk(b"IDAT", zlib.compress(bytes(4 * 13)))
    return rng.choice(
        [
            png(4, 4, chunk(b"iCCP", b"p\0\0" + zeros), body),
            png(4, 4, chunk(b"zTXt", b"p\0\0" + zeros), body),
            png(4, 4, chunk(b"iTXt", b"p\0\1\0\0\0" + zeros), body),
            png(4, 4, *[chunk(b"zTXt", b"p\0\0" + zlib.compress(bytes(10**6)))] * 80, body),
            png(4, 4, chunk(b"IDAT", zeros)),
            tiff({259: (SHORT, 8), 322: (SHORT, 65535), 323: (SHORT, 65535), 324: (LONG, 400), 325: (LONG, 9)}),
            tiff({259: (SHORT, 8)}, zeros),
        ]
    )


@cache
def _deflated_zeros() -> bytes:
    return zlib.compress(bytes(10**8), 1)


def metadata(rng: random.Random) -> bytes:
    exif = rng.choice(
        [
            exif_of((0x0112, SHORT, 1, b"\x09\0\0\0")),
            exif_of((0x0112, SHORT, 1, bytes(4))),
            exif_of((0x0112, 2, 4, b"six\0")),
            exif_of((0x0112, SHORT, 0, b"\6\0\0\0")),
            exif_of((0x0112, DOUBLE, 1, b"\6\0\0\0")),
            exif_of((0x0112, SHORT, 2**30, b"\6\0\0\0"), (0x8769, LONG, 1, b"\x08\0\0\0")),
            exif_of(
                (0x8769, LONG, 1, b"\xff\xff\xff\x7f"), (0x8825, SHORT, 5, b"abcd"), (0x0112, SHORT, 1, b"\6\0\0\0")
            ),
            exif_of((271, RATIONAL, 1, bytes(4)), (0x0112, SHORT, 1, b"\3\0\0\0")),
            exif_of((0x0112, SHORT, 1, b"\5\0\0\0"))[: rng.randrange(6, 26)],
            b"Exif\0\0" + rng.randbytes(60),
            rng.randbytes(30),
        ]
    )
    profile = rng.choice([None, b"", b"profile", rng.randbytes(500), bytes(36) + b"acsp" + bytes(100)])
    format, options = rng.choice([("PNG", {}), ("JPEG", {}), ("WEBP", {"lossless": True})])
    return saved(noise(20, 30), format, exif=exif, icc_profile=profile, **options)


def odd_png(rng: random.Random) -> bytes:
    rows, header = zlib.compress(bytes(4 * 5)), struct.pack(">IIBBBBB", 4, 4, 8, 3, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(12)))
    return rng.choice(
        [
            png(
                4,
                4,
                palette,
                chunk(b"tRNS", bytes(rng.choice([0, 1, 4, 5, 256, 300, 1000]))),
                chunk(b"IDAT", rows),
                colour=3,
            ),
            png(4, 4, chunk(b"PLTE", bytes(rng.choice([0, 1, 7, 900]))), chunk(b"IDAT", rows), colour=3),
            png(4, 4, chunk(b"IDAT", rows), colour=3),
            png(4, 4, chunk(b"tRNS", bytes(rng.choice([0, 1, 2, 5, 6, 7]))), chunk(b"IDAT", zlib.compress(bytes(52)))),
            png(4, 4, depth=rng.choice([0, 3, 16, 32, 255]), colour=rng.choice([1, 5, 7])),
            png(4, 4, chunk(b"IDAT", rows, length=rng.choice([2**31, 2**32 - 1, 0, 3]))),
            png(4, 4, *[chunk(b"IDAT", b"")] * 10_000),
            png(4, 4, chunk(b"acTL", struct.pack(">II", HUGE, 0)), chunk(b"fcTL", bytes(26)), chunk(b"IDAT", rows)),
            SIGNATURES[0] + chunk(b"IHDR", header) * 2 + chunk(b"IDAT", rows) + chunk(b"IEND", b""),
            SIGNATURES[0] + chunk(b"IHDR", header[: rng.randrange(13)]) + chunk(b"IEND", b""),
            png(
                4, 4, chunk(b"eXIf", rng.randbytes(40)), chunk(b"gAMA", b""), chunk(b"pHYs", b"1"), chunk(b"IDAT", rows)
            ),
        ]
    )


def odd_jpeg(rng: random.Random) -> bytes:
    data, frame = whole_files()["jpeg progressive"], bytearray(whole_files()["jpeg"])
    scan = data.rindex(b"\xff\xda")
    at = frame.index(b"\xff\xc0")
    frame[at + rng.choice([1, 4, 9, 10, 11, 12])] = rng.randrange(256)
    return rng.choice(
        [
            data[:-2] + data[scan:-2] * rng.choice([99, 3000]) + b"\xff\xd9",
            bytes(frame),
            data[:2] + b"".join(b"\xff\xe1\xff\xff" + rng.randbytes(65533) for _ in range(3)) + data[2:],
            data[:2] + b"\xff\xe2\0\x10ICC_PROFILE\0\xff\1" + data[2:],
            data[:2] + b"\xff" * 5000 + data[3:],
            data[:2] + b"\xff\xed\0\x12Photoshop 3.0\0" + rng.randbytes(3) + data[2:],
            data[:2] + b"\xff\xe2\0\x20MPF\0II*\0\x08\0\0\0" + rng.randbytes(18) + data[2:],
        ]
    )


def odd_webp(rng: random.Random) -> bytes:
    data = bytearray(whole_files()[rng.choice(["webp", "webp lossless", "webp animated"])])
    place = rng.choice([4, 16])
    data[place : place + 4] = struct.pack("<I", rng.choice([0, 1, HUGE, 2**32 - 1, len(data), len(data) * 2]))
    return bytes(data)


def tiff(changes: dict[int, tuple[int, int]], data: bytes = bytes(300), following: int = 0, order: str = "<") -> bytes:
    """A TIFF of 10x10 RGB at offset 400, with tags put in or replaced: (type, the value itself)."""
    tags = {256: (LONG, 10), 257: (LONG, 10), 258: (SHORT, 8), 259: (SHORT, 1), 262: (SHORT, 2), 273: (LONG, 400),
            277: (SHORT, 3), 278: (LONG, 10), 279: (LONG, len(data))} | changes  # fmt: skip
    entries = b""
    for tag, (kind, value) in sorted(tags.items()):
        packed = struct.pack(f"{order}HH", value, 0) if kind == SHORT else struct.pack(f"{order}I", value)
        entries += struct.pack(f"{order}HHI", tag, kind, 1) + packed
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    directory = struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", following)
    return (header + directory).ljust(400, b"\0") + data


def odd_tiff(rng: random.Random) -> bytes:
    tag, kind = rng.choice([258, 273, 277, 278, 279, 34665, 34675, 320, 339, 274, 700, 33432, 284]), rng.randint(0, 14)
    absurd = bytearray(tiff({tag: (LONG, rng.choice([0, 1, 8, 400, HUGE, 2**32 - 1]))}))
    at = absurd.index(struct.pack("<HH", tag, LONG))
    absurd[at + 2 : at + 8] = struct.pack("<HI", kind, rng.choice([0, 1, 2**16, 2**28, 2**32 - 1]))
    return rng.choice(
        [
            bytes(absurd),
            bytes(absurd),
            tiff({}, following=8),
            tiff({34665: (LONG, 8)}, following=8),
            tiff({330: (LONG, 8)}),
            tiff(
                {259: (SHORT, rng.choice([0, 2, 3, 4, 5, 6, 7, 8, 32773, 34712, 34925, 50000, 50001, 65535]))},
                rng.randbytes(300),
            ),
            tiff({277: (SHORT, rng.choice([0, 2, 5, 8, 65535]))}),
            tiff({258: (SHORT, rng.choice([0, 1, 3, 12, 24, 32, 64])), 339: (SHORT, rng.randrange(7))}),
            tiff({273: (LONG, HUGE)}),
            tiff({278: (LONG, rng.choice([0, 1, HUGE, 2**32 - 1]))}),
            tiff({322: (SHORT, 0), 323: (SHORT, 0), 324: (LONG, 400)}),
            tiff({262: (SHORT, rng.choice([0, 1, 3, 5, 6, 8, 32803])), 274: (SHORT, rng.randrange(12))}),
            tiff({}, order=">"),
            SIGNATURES[3] + struct.pack("<H", 65535) + rng.randbytes(12 * 500),
            b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60) + rng.randbytes(100),
        ]
    )


def odd_numbers(rng: random.Random) -> bytes:
    kind = rng.choice([np.float32, np.int32, np.uint32])
    return saved(
        np.full((8, 8), np.nan if kind is np.float32 else 70000)
        .astype(kind)
        .view(np.int32 if kind is np.uint32 else kind),
        "TIFF",
    )


def odd_sides(rng: random.Random) -> bytes:
    height, width = rng.choice([(1, 1), (1, 20_000), (20_000, 1), (2, 3)])
    format = rng.choice(["PNG", "JPEG", "TIFF"] + ["WEBP"] * (max(height, width) < 16384))
    return rng.choice([saved(noise(height, width), format), png_16(noise(height, width, depth=np.uint16))])


CONTENTS = (
    whole, truncated, flipped, overwritten, spliced, huge_size, odd_png, odd_tiff, metadata, truncated, flipped,
    odd_jpeg, odd_webp, bomb, odd_tiff, repeated, no_picture, only_a_signature, odd_sides, odd_numbers, truncated_pages,
    flipped,
)  # fmt: skip


def _unreadable(path: Path, outside: Path) -> None:
    path.write_bytes(whole_files()["png"])
    path.chmod(0)


SPECIAL = (
    lambda path, outside: path.mkdir(),
    lambda path, outside: os.mkfifo(path),
    lambda path, outside: path.symlink_to(outside / "secret.txt"),
    lambda path, outside: path.symlink_to(outside / "whole.png"),
    lambda path, outside: path.symlink_to(outside / "missing.png"),
    lambda path, outside: path.symlink_to(path.name),
    _unreadable,
    lambda path, outside: path.symlink_to("/dev/zero"),
    lambda path, outside: path.symlink_to("/dev/tty"),
    lambda path, outside: path.symlink_to(outside),
)
