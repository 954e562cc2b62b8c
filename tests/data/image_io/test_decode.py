"""Files as cameras, tools and accidents make them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pscgan.data.image_io.decode import UnreadableImage, decode

from ..pictures import noise, png_16, tiff_16

LOSSLESS = [
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_deflate"}),
]
ALL = [*LOSSLESS, ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}), ("TIFF", {"compression": "jpeg"})]
ORIENTATION = 0x0112
UPRIGHT = {  # what a viewer does to the stored picture, by the value of the EXIF tag
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
    8: np.rot90,
}


def encoded(image, format, **options):
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, format, **options)
    return file.getvalue()


def luma(pixels):
    return np.rint(pixels @ [0.299, 0.587, 0.114])


@pytest.mark.parametrize(("format", "options"), LOSSLESS)
def test_lossless_formats_give_the_pixels(format, options):
    colour, grey = noise(), noise(channels=1)
    assert np.array_equal(decode(encoded(colour, format, **options), 3), colour)
    assert np.array_equal(decode(encoded(grey, format, **options), 1), grey)


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_lossy_formats_stay_near_a_smooth_picture(format):
    ramp = np.add.outer(np.arange(64), 2 * np.arange(48)).astype(np.uint8)[..., None].repeat(3, axis=2)
    decoded = np.asarray(decode(encoded(ramp, format, quality=95), 3)).astype(int)
    assert np.abs(decoded - ramp).max() <= 6


def test_grey_is_luma_and_colour_of_grey_is_repetition():
    colour, grey = noise(), noise(channels=1)
    assert np.abs(np.asarray(decode(encoded(colour, "PNG"), 1)) - luma(colour)).max() <= 1
    assert np.array_equal(decode(encoded(grey, "PNG"), 3), grey[..., None].repeat(3, axis=2))


@pytest.mark.parametrize("write", [png_16, lambda p: tiff_16(p, "<"), lambda p: tiff_16(p, ">")])
def test_16_bits(write):
    grey, colour = (noise(channels=channels, depth=np.uint16) for channels in (1, 3))
    grey[0, :4] = 0, 128, 129, 65535
    decoded = np.asarray(decode(write(grey), 1))
    assert np.array_equal(decoded, np.rint(grey / 257))
    assert decoded[0, :4].tolist() == [0, 0, 1, 255]
    assert np.array_equal(decode(write(colour), 3), np.rint(colour / 257))


def test_16_bit_png_where_pillow_opens_it_as_32_bit(monkeypatch):
    monkeypatch.setitem(PngImagePlugin._MODES, (16, 0), ("I", "I;16B"))
    grey = noise(channels=1, depth=np.uint16)
    assert np.array_equal(decode(png_16(grey), 1), np.rint(grey / 257))


@pytest.mark.parametrize("pixels", [np.ones((8, 8), np.float32), np.full((8, 8), 70000, np.int32)])
def test_other_depths_are_refused(pixels):
    with pytest.raises(UnreadableImage, match=r"got mode [FI]$"):
        decode(encoded(pixels, "TIFF"), 1)


def test_alpha_is_dropped():
    colour, alpha = noise(), noise(channels=1)
    decoded = np.asarray(decode(encoded(np.dstack([colour, alpha]), "PNG"), 3))
    assert np.array_equal(decoded[alpha > 0], colour[alpha > 0])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "write", [lambda p: encoded(p, "PNG"), lambda p: encoded(p, "WEBP", lossless=True, exact=True)]
)
def test_nothing_is_learned_of_what_alpha_hides(write, channels):
    alpha = noise(channels=1) & noise(channels=1, seed=1) & 192  # half of it is 0
    first, second = (write(np.dstack([colour, alpha])) for colour in hiding(alpha, noise(), noise(seed=2)))
    assert first != second
    assert np.array_equal(decode(first, channels), decode(second, channels))


def hiding(alpha, colour, other):
    """Two pictures that are the same where alpha is not 0."""
    return colour, np.where(alpha[..., None] > 0, colour, other)


def test_a_picture_of_which_nothing_is_visible_is_refused():
    with pytest.raises(UnreadableImage, match="nothing of it is visible"):
        decode(encoded(np.dstack([noise(), np.zeros((40, 48), np.uint8)]), "PNG"), 3)


@pytest.mark.parametrize("transparency", [None, 3, bytes([0, 10, 20])])
def test_palette_becomes_colour(transparency):
    palette = Image.fromarray(noise()).quantize(16)
    expected, indices = np.asarray(palette.convert("RGB")), np.asarray(palette)
    options = {} if transparency is None else {"transparency": transparency}
    hidden = {None: -1, 3: 3}.get(transparency, 0)
    decoded = np.asarray(decode(encoded(palette, "PNG", **options), 3))
    assert np.array_equal(decoded[indices != hidden], expected[indices != hidden])


def test_cmyk_becomes_colour():
    orange = Image.new("CMYK", (16, 16), (0, 127, 255, 0))
    decoded = np.asarray(decode(encoded(orange, "JPEG", quality=95), 3)).astype(int)
    assert np.abs(decoded - [255, 128, 0]).max() <= 6


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_orientation_is_honoured(format, options, orientation):
    stored, exif = noise(20, 30), Image.Exif()
    exif[ORIENTATION] = orientation
    upright = decode(encoded(stored, format, exif=exif, **options), 3)
    assert np.array_equal(upright, UPRIGHT[orientation](stored))


def test_orientation_of_jpeg_and_of_16_bits():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    assert decode(encoded(noise(20, 30), "JPEG", exif=exif), 3).size == (20, 30)
    grey = noise(20, 30, channels=1, depth=np.uint16)
    assert np.array_equal(decode(encoded(grey, "PNG", exif=exif), 1), np.rint(np.rot90(grey, -1) / 257))


def test_broken_metadata_is_no_damage():
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\x01"  # announces five tags, holds none
    assert decode(encoded(noise(20, 30), "JPEG", exif=exif), 3).size == (30, 20)


@pytest.mark.parametrize(("format", "options"), ALL)
def test_truncation_raises_wherever_it_falls(format, options):
    whole = encoded(noise(), format, **options)
    decode(whole, 3)
    for length in [*range(0, len(whole) - 8, len(whole) // 20), len(whole) - 8]:
        with pytest.raises(UnreadableImage, match=r"\w+ \w+"):
            decode(whole[:length], 3)


def test_a_flipped_bit_in_a_png_raises():
    data = bytearray(encoded(noise(), "PNG"))
    data[len(data) // 2] ^= 1
    with pytest.raises(UnreadableImage, match="broken PNG"):
        decode(bytes(data), 3)


@pytest.mark.parametrize(("data", "reason"), [(b"", "the file is empty"), (b"some text", "no PNG, JPEG, WebP or TIFF")])
def test_what_is_no_image_says_so(data, reason):
    with pytest.raises(UnreadableImage, match=reason):
        decode(data, 3)


def test_other_formats_are_refused():
    with pytest.raises(UnreadableImage, match="no PNG, JPEG, WebP or TIFF"):
        decode(encoded(noise(), "BMP"), 3)


@pytest.mark.parametrize("side", [10_000, 30_000])  # Pillow warns at the one and raises at the other
def test_decompression_bombs_are_refused(side):
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(UnreadableImage, match="exceeds limit"):
        decode(bomb + encoded(noise(), "PNG")[33:], 3)
