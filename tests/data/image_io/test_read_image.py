"""Pictures come back whole and in full depth, upright, with what travels with them."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.image_io.pixels import DecodedImage
from pscgan.data.image_io.read_image import read
from pscgan.data.image_io.write_png import encode_png

from ..hostile import chunk, exif_of, png, saved, tiff, whole_files
from ..pictures import noise, png_16, tiff_16
from .test_decode import ORIENTATION, UPRIGHT

SHORT, LONG = 3, 4
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
DEEP = noise(depth=np.uint16)


def written(tmp_path, data, name="x"):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def photograph(tmp_path, data):
    return read(written(tmp_path, data))


def stored(found):
    """The colours of the file, (H, W, C)."""
    colours = found.pixels.repeat(found.file_channels // found.pixels.shape[2], axis=2)
    return colours if found.hidden is None else np.where(found.alpha[..., None] > 0, colours, found.hidden)


def reason(tmp_path, data, **options):
    path = written(tmp_path, data)
    with pytest.raises(UnreadableImage) as caught:
        read(path, **options)
    return str(caught.value).removeprefix(f"{path}: ")


def as_tensor(pixels):
    return torch.from_numpy(pixels).movedim(-1, 0)


def tiff_of(samples, *, photometric=2, extra=None, compression=1, predictor=1):
    """Uncompressed or deflated TIFF of (H, W, samples) of 16 bits, its lists behind the directory."""
    height, width, count = samples.shape
    data = samples.astype("<u2")
    if predictor == 2:
        data = np.diff(data, axis=1, prepend=np.zeros_like(data[:, :1]))
    data = data.tobytes() if compression == 1 else zlib.compress(data.tobytes())
    tags = {256: (LONG, width), 257: (LONG, height), 258: (SHORT, None), 259: (SHORT, compression)}
    tags |= {262: (SHORT, photometric), 273: (LONG, 400), 277: (SHORT, count), 278: (LONG, height)}
    tags |= {279: (LONG, len(data)), 317: (SHORT, predictor)} | ({} if extra is None else {338: (SHORT, extra)})
    file = bytearray(tiff(tags | {258: (SHORT, 16)}, data))
    if count > 2:  # the list does not fit into the entry
        at = file.index(struct.pack("<HHI", 258, SHORT, 1))
        file[at : at + 12] = struct.pack("<HHII", 258, SHORT, count, 380)
        file[380 : 380 + 2 * count] = struct.pack(f"<{count}H", *[16] * count)
    return bytes(file)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_what_is_written_is_read(tmp_path, depth, channels, with_alpha):
    pixels = noise(channels=channels, depth=depth).reshape(40, 48, channels)
    alpha = noise(channels=1, seed=1, depth=depth) if with_alpha else None
    profile = SRGB if channels == 3 else None
    exif = exif_of((271, 2, 4, b"abc\0"))
    found = photograph(tmp_path, encode_png(as_tensor(pixels), exif, profile, alpha))
    assert found.pixels.dtype == depth
    assert np.array_equal(stored(found), pixels)
    assert found.alpha is None if alpha is None else np.array_equal(found.alpha, alpha)
    assert (found.exif, found.icc_profile, found.format, found.notes) == (exif, profile, "PNG", ())


def test_pillow_sees_the_upper_bits_of_a_file_of_16(tmp_path):
    data = encode_png(as_tensor(DEEP), exif_of((ORIENTATION, SHORT, 1, b"\6\0\0\0")), SRGB)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert np.array_equal(np.asarray(image), DEEP >> 8)
        assert image.getexif()[ORIENTATION] == 6
        assert image.info["icc_profile"] == SRGB


@pytest.mark.parametrize("write", [png_16, lambda p: tiff_16(p, "<"), lambda p: tiff_16(p, ">"), tiff_of])
def test_colour_of_16_bits_keeps_all_of_them(tmp_path, write):
    assert np.array_equal(photograph(tmp_path, write(DEEP)).pixels, DEEP)


@pytest.mark.parametrize("write", [png_16, lambda p: tiff_16(p, "<"), lambda p: tiff_16(p, ">")])
def test_grey_of_16_bits_keeps_all_of_them(tmp_path, write):
    assert np.array_equal(photograph(tmp_path, write(DEEP[..., 0])).pixels, DEEP[..., :1])


@pytest.mark.parametrize("predictor", [1, 2])
@pytest.mark.parametrize("extra", [2, None])
def test_compressed_tiff_of_16_bits(tmp_path, predictor, extra):
    samples = DEEP if extra is None else noise(channels=4, depth=np.uint16)
    found = photograph(tmp_path, tiff_of(samples, extra=extra, compression=8, predictor=predictor))
    assert np.array_equal(found.pixels, samples[..., :3])
    assert found.alpha is None if extra is None else np.array_equal(found.alpha, samples[..., 3])


def test_lzw_tiff_of_16_bits(tmp_path):
    grey = DEEP[..., 0]
    data = saved(Image.fromarray(grey), "TIFF", compression="tiff_lzw")
    assert np.array_equal(photograph(tmp_path, data).pixels[..., 0], grey)


def test_alpha_that_was_multiplied_in_is_divided_out(tmp_path):
    alpha = noise(channels=1, depth=np.uint16) | 0x8000
    stored = np.rint(DEEP * (alpha / 65535)[..., None]).astype(np.uint16)
    found = photograph(tmp_path, tiff_of(np.dstack([stored, alpha]), extra=1))
    assert np.abs(found.pixels.astype(int) - DEEP).max() <= 1
    assert np.array_equal(found.alpha, alpha)


def test_a_sample_that_is_no_alpha_is_left_out(tmp_path):
    found = photograph(tmp_path, tiff_of(noise(channels=4, depth=np.uint16), extra=0))
    assert np.array_equal(found.pixels, noise(channels=4, depth=np.uint16)[..., :3])
    assert found.alpha is None


def test_grey_that_counts_from_white_is_turned_round(tmp_path):
    found = photograph(tmp_path, tiff_of(DEEP[..., :1], photometric=0))
    assert np.array_equal(found.pixels, 65535 - DEEP[..., :1])


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("colour", [0, 2])
def test_a_colour_that_stands_for_transparent(tmp_path, depth, colour):
    samples = 1 if colour == 0 else 3
    pixels = np.arange(4 * samples, dtype=">u2" if depth == 16 else "u1").reshape(2, 2, samples)
    key = np.arange(samples, 2 * samples, dtype=">u2").tobytes()  # the second pixel
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    data = png(2, 2, chunk(b"tRNS", key), chunk(b"IDAT", zlib.compress(rows)), depth=depth, colour=colour)
    found = photograph(tmp_path, data)
    assert np.array_equal(stored(found), pixels)
    assert (found.alpha == [[found.largest, 0], [found.largest, found.largest]]).all()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_grey_of_few_bits_that_stands_for_transparent(tmp_path, bits):
    byte = 0b10000000 if bits == 1 else 0b11010000 if bits == 2 else 0b11110001
    key = chunk(b"tRNS", struct.pack(">H", 2**bits - 1))
    found = photograph(tmp_path, png(2, 1, key, chunk(b"IDAT", zlib.compress(bytes([0, byte]))), depth=bits, colour=0))
    assert stored(found)[0, :, 0].tolist() == [255, {1: 0, 2: 85, 4: 17}[bits]]
    assert found.alpha.tolist() == [[0, 255]]


def test_palettes_become_colours(tmp_path):
    palette = Image.fromarray(noise()).quantize(16)
    found = photograph(tmp_path, saved(palette, "PNG", transparency=bytes([0, 10, 20])))
    indices = np.asarray(palette)
    assert np.array_equal(stored(found), np.asarray(palette.convert("RGB")))
    assert np.array_equal(found.alpha, np.array([0, 10, 20, *[255] * 13])[indices])
    assert found.notes == ("its palette became colours",)


def test_black_and_white_becomes_grey(tmp_path):
    picture = Image.fromarray(noise()).convert("1")
    for format, options in [("PNG", {}), ("TIFF", {"compression": "group4"})]:
        found = photograph(tmp_path, saved(picture, format, **options))
        assert np.array_equal(found.pixels[..., 0], 255 * np.asarray(picture).astype(int))


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb_and_loses_its_profile(tmp_path, format):
    orange = Image.new("CMYK", (16, 16), (0, 127, 255, 0))
    profile = bytes(16) + b"CMYK" + bytes(16) + b"acsp" + bytes(100)
    found = photograph(tmp_path, saved(orange, format, icc_profile=profile))
    assert np.abs(found.pixels.astype(int) - [255, 128, 0]).max() <= 6
    assert found.icc_profile is None
    assert [note.split()[1] for note in found.notes] == ["CMYK", "colour"]


@pytest.mark.parametrize("name", ["png animated", "webp animated", "tiff pages"])
def test_the_first_of_several_is_read(tmp_path, name):
    found = photograph(tmp_path, whole_files()[name])
    assert found.pixels.shape == ((48, 40, 3) if "webp" in name else (40, 48, 3))
    assert found.notes[-1] == "it holds several pictures, of which only the first was read"
    if "webp" not in name:
        assert np.array_equal(found.pixels, noise())


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_pictures_are_upright_and_their_exif_says_nothing_of_it(tmp_path, orientation, depth):
    stored, alpha = noise(20, 30, depth=depth), noise(20, 30, channels=1, seed=2, depth=depth)
    exif = exif_of((271, 2, 4, b"abc\0"), (ORIENTATION, SHORT, 1, bytes([orientation, 0, 0, 0])))
    found = photograph(tmp_path, encode_png(as_tensor(stored), exif, alpha=alpha))
    assert np.array_equal(found.pixels, UPRIGHT[orientation](stored))
    assert np.array_equal(found.alpha, np.array(UPRIGHT[orientation](alpha[..., None]))[..., 0])
    assert found.pixels.flags.c_contiguous
    kept = Image.Exif()
    kept.load(found.exif)
    assert dict(kept) == {271: "abc"}
    assert ("turned upright" in "".join(found.notes)) == (orientation > 1)


def test_tiff_is_upright_and_its_exif_is_not_about_strips(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION], exif[271], exif[0x8769] = 6, "maker", {0x9003: "2026:01:02 03:04:05"}
    found = photograph(tmp_path, saved(noise(20, 30), "TIFF", exif=exif.tobytes()))
    assert np.array_equal(found.pixels, np.rot90(noise(20, 30), -1))
    kept = Image.Exif()
    kept.load(found.exif)
    assert (kept[271], kept.get_ifd(0x8769)[0x9003]) == ("maker", "2026:01:02 03:04:05")
    assert {*kept} == {271, 0x8769}


def test_a_profile_that_does_not_fit_is_left_out(tmp_path):
    for profile, why in [(b"profile", "damaged"), (SRGB[:16] + b"GRAY" + SRGB[20:], "other colours")]:
        found = photograph(tmp_path, encode_png(as_tensor(noise()), icc_profile=profile))
        assert found.icc_profile is None
        assert why in found.notes[0]


@pytest.mark.parametrize("depth", [8, 16])
def test_chunks_that_say_what_colours_mean_are_kept(tmp_path, depth):
    meant = [(b"gAMA", struct.pack(">I", 100_000)), (b"cHRM", bytes(range(32))), (b"cICP", bytes([9, 16, 0, 1]))]
    meant += [(b"mDCV", bytes(24)), (b"cLLI", bytes(8)), (b"sRGB", b"\1")]
    meant = [chunk(*one) for one in meant]
    dtype = np.uint8 if depth == 8 else np.uint16
    data = encode_png(as_tensor(noise(depth=dtype)))
    data = data[:33] + b"".join(meant) + chunk(b"tEXt", b"a\0b") + chunk(b"pHYs", bytes(9)) + data[33:]
    found = photograph(tmp_path, data)
    written = encode_png(as_tensor(found.pixels.copy()), colour_chunks=found.colour_chunks)
    assert all(written.count(one) == 1 for one in meant)
    assert written.index(meant[-1]) < written.index(b"IDAT")
    assert np.array_equal(photograph(tmp_path, written).pixels, found.pixels)
    assert b"tEXt" not in found.colour_chunks


def test_a_tiff_says_that_its_colours_were_taken_for_srgb(tmp_path):
    for options, said in [({}, True), ({"icc_profile": SRGB}, False)]:
        found = photograph(tmp_path, saved(noise(), "TIFF", tiffinfo={318: (0.3127, 0.329)}, **options))
        assert ("white point" in "".join(found.notes)) == said


def test_broken_exif_is_no_damage(tmp_path):
    for exif in (
        exif_of((ORIENTATION, 2, 4, b"six\0")),
        exif_of((ORIENTATION, SHORT, 1, b"\x09\0\0\0")),
        b"Exif\0\0junk",
    ):
        found = photograph(tmp_path, saved(noise(), "PNG", exif=exif))
        assert np.array_equal(found.pixels, noise())


def test_a_name_may_lie(tmp_path):
    path = written(tmp_path, whole_files()["webp"], "x.png")
    assert read(path).format == "WEBP"


@pytest.mark.parametrize("shape", [(1, 1), (1, 20_000), (20_000, 1)])
def test_narrow_pictures(tmp_path, shape):
    assert np.array_equal(photograph(tmp_path, saved(noise(*shape), "PNG")).pixels, noise(*shape))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_windows_are_parts_in_0_1(depth):
    pixels = noise(depth=depth)
    window = DecodedImage(pixels, None, b"", None, "PNG").window(3, 5, 20, 30)
    assert window.dtype == torch.float32
    assert window.is_contiguous()
    assert np.array_equal(window.movedim(0, -1), pixels[3:23, 5:35].astype(np.float32) / np.iinfo(depth).max)


@pytest.mark.parametrize("box", [(-1, 0, 4, 4), (0, 45, 4, 4), (38, 0, 4, 4), (0, 0, 0, 4)])
def test_windows_stay_inside(box):
    with pytest.raises(ValueError, match=r"window must .*got \d+x\d+ at .*"):
        DecodedImage(noise(), None, b"", None, "PNG").window(*box)


def test_alpha_must_fit_the_pixels():
    with pytest.raises(ValueError, match=r"alpha must .*got uint8 \(40, 48\)"):
        encode_png(as_tensor(DEEP), alpha=noise(channels=1))


@pytest.mark.parametrize(("name", "length"), [(name, 1 + len(data) // 30) for name, data in whole_files().items()])
def test_truncated_is_refused_or_whole(tmp_path, name, length):
    """Behind the last pixel a file may end: a JPEG without its end marker has them all."""
    data = whole_files()[name]
    whole = photograph(tmp_path, data)
    for stop in [*range(0, len(data), length), *range(len(data) - 12, len(data))]:
        try:
            found = photograph(tmp_path, data[:stop])
        except UnreadableImage:
            continue
        assert np.array_equal(found.pixels, whole.pixels)


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_flipped_bit_in_a_png_is_found(tmp_path, place):
    for name in ("png", "png 16", "png palette"):
        data = bytearray(whole_files()[name])
        data[int(place * len(data))] ^= 1
        assert "damaged or truncated: broken PNG" in reason(tmp_path, bytes(data))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the file is empty"),
        (b"text", "no PNG, JPEG, WebP or TIFF of a known kind"),
        (saved(np.full((8, 8), np.nan, np.float32), "TIFF"), "mode F|format {3}"),
        (saved(np.full((8, 8), 70000, np.int32), "TIFF"), "got mode I"),
        (tiff({258: (SHORT, 8), 277: (SHORT, 5)}), "no PNG, JPEG, WebP or TIFF of a known kind|5 samples"),
        (png(2**31 - 1, 2**31 - 1), "exceeds limit"),
        (png(0, 5, chunk(b"IDAT", b"")), "it is"),
        (png(4, 4, chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(10**7)))), "too large"),
    ],
)  # fmt: skip
def test_refusals_say_why(tmp_path, data, expected):
    assert re.search(expected, reason(tmp_path, data))


def test_size_is_judged_before_anything_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", None)
    expected = "its size of 48x40 is above the limit of 1919 pixels"
    for name in ("png", "jpeg", "webp", "webp lossless", "tiff", "png 16"):
        assert reason(tmp_path, whole_files()[name], max_pixels=1919) == expected


def test_a_damaged_tiff_is_one_error_and_leaves_the_terminal_alone(tmp_path, capfd):
    data = whole_files()["tiff bilevel"]
    assert reason(tmp_path, data[: len(data) // 2]).startswith("it is")
    assert capfd.readouterr().err == ""


def test_limits_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="max_pixels must be >= 1, got 0"):
        read(tmp_path / "x", max_pixels=0)
