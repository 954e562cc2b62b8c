"""Real files are read whole, and damaged ones refused."""

import os
import random
import threading
from collections import Counter

import jpeglib
import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.jpeg.coefficients import SAMPLINGS, blocks
from pscgan.data.jpeg.reader import JpegFile, read

from .makers import (
    JPEGLIB,
    PILLOW,
    PROFILE,
    THREE_TABLES,
    by_pillow,
    make_files,
    patched,
    picture,
    segment,
    write_levels,
)

SOF0, SOS, COMMENT, APP5 = 0xC0, 0xDA, 0xFE, 0xE5
DAMAGED_FILES = 2000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp("jpeg"))


def pixels(path):
    with Image.open(path) as image:
        array = torch.from_numpy(np.array(image))
    return array[None] if array.ndim == 2 else array.permute(2, 0, 1)


def assert_consistent(file):
    coded, count = file.coefficients, len(file.coefficients.levels)
    assert file.decoded.dtype == torch.uint8
    assert file.decoded.shape == (count, coded.height, coded.width)
    assert coded.sampling in SAMPLINGS.values()
    assert coded.tables.dtype == torch.int32
    assert coded.tables.shape == (1, count, 8, 8)
    assert coded.tables.min() >= 1
    for index, level in enumerate(coded.levels):
        horizontal, vertical = coded.sampling if index else (1, 1)
        assert level.dtype == torch.int16
        assert level.shape == (1, 8 * blocks(coded.height, vertical), 8 * blocks(coded.width, horizontal))
        assert level.is_contiguous()


def assert_same(one, other):
    assert torch.equal(one.decoded, other.decoded)
    assert torch.equal(one.coefficients.tables, other.coefficients.tables)
    assert all(torch.equal(a, b) for a, b in zip(one.coefficients.levels, other.coefficients.levels, strict=True))
    assert one.coefficients.sampling == other.coefficients.sampling


def test_there_are_twenty_files_of_many_kinds(files):
    assert len(files) == 20
    read_files = [read(path) for path in files]
    assert {file.coefficients.sampling for file in read_files} == {*SAMPLINGS.values()}
    assert {len(file.coefficients.levels) for file in read_files} == {1, 3}
    assert any(file.coefficients.height % 8 and file.coefficients.width % 8 for file in read_files)


def test_size_sampling_tables_and_pixels_are_pillows(files):
    for path in files:
        file = read(path)
        assert_consistent(file)
        assert torch.equal(file.decoded, pixels(path))
        with Image.open(path) as image:
            steps = [image.quantization[number] for *_, number in image.layer]
            assert torch.equal(file.coefficients.tables[0].flatten(1), torch.tensor(steps, dtype=torch.int32))
            if len(image.layer) == 3:
                assert tuple(file.coefficients.sampling) == image.layer[0][1:3]


def test_levels_written_again_give_the_same_file(files, tmp_path):
    for path in files:
        file = read(path)
        assert_same(read(write_levels(tmp_path / "again.jpg", file.coefficients)), file)


def test_samplings_are_the_ones_asked_for(files):
    asked = {name: sampling for name, (_, _, sampling) in JPEGLIB.items()}
    asked |= {name: options.get("subsampling", "4:2:0") for name, (_, options) in PILLOW.items()}
    for path in files:
        file = read(path)
        assert (
            file.coefficients.sampling == SAMPLINGS[asked[path.stem] if len(file.coefficients.levels) == 3 else "4:4:4"]
        )


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"optimize": True},
        {"restart_marker_rows": 1},
        {"restart_marker_blocks": 3},
        {"rotated": True},
    ],
)
@pytest.mark.parametrize("grey", [False, True])
def test_how_levels_are_stored_does_not_matter(tmp_path, grey, options):
    plain = read(by_pillow(tmp_path / "plain.jpg", picture((77, 59)), grey))
    assert_same(read(by_pillow(tmp_path / "other.jpg", picture((77, 59)), grey, **options)), plain)


def test_cb_and_cr_may_have_their_own_tables(files):
    tables = next(read(path) for path in files if path.stem == "three-tables").coefficients.tables[0]
    assert tables.flatten(1).tolist() == THREE_TABLES


def test_orientation_and_profile_travel_with_the_pixels(files):
    plain, turned = (read(path) for path in files if path.stem in ("quality-10", "rotated-with-profile"))
    assert plain.icc_profile is None
    assert turned.icc_profile == PROFILE
    assert turned.decoded.shape == (3, 65, 110)
    exif = Image.Exif()
    exif.load(turned.exif)
    assert exif[0x0112] == 6


def test_what_is_left_out_is_noted(tmp_path):
    damaged = read(by_pillow(tmp_path / "damaged.jpg", picture((75, 43)), icc_profile=b"no profile"))
    assert damaged.icc_profile is None
    assert "profile" in damaged.notes[0]
    several = Image.fromarray(picture((75, 43)))
    several.save(tmp_path / "several.jpg", "MPO", save_all=True, append_images=[several])
    assert "several" in read(tmp_path / "several.jpg").notes[0]


def test_factors_that_are_alike_are_4_4_4(tmp_path):
    data = by_pillow(tmp_path / "grey.jpg", picture((75, 43)), grey=True).read_bytes()
    (tmp_path / "2x2.jpg").write_bytes(patched(data, SOF0, 11, [0x22]))
    assert_same(read(tmp_path / "2x2.jpg"), read(tmp_path / "grey.jpg"))
    jpeg = jpeglib.from_spatial(picture((75, 43)))
    jpeg.samp_factor = np.array([[2, 1], [2, 1], [2, 1]])
    jpeg.write_spatial(str(tmp_path / "1x2.jpg"))
    file = read(tmp_path / "1x2.jpg")
    assert file.coefficients.sampling == SAMPLINGS["4:4:4"]
    assert_same(read(write_levels(tmp_path / "1x1.jpg", file.coefficients)), file)


@pytest.mark.parametrize("count", [2, 60])
def test_metadata_does_no_harm_to_jpeglib(tmp_path, count):
    data = by_pillow(tmp_path / "x.jpg", picture((64, 48))).read_bytes()
    plain = read(tmp_path / "x.jpg")
    (tmp_path / "x.jpg").write_bytes(
        data[:2] + segment(COMMENT) + segment(APP5, b"A" * 60000) * count + data[2:] + b"x"
    )
    assert_same(read(tmp_path / "x.jpg"), plain)


def test_padding_before_the_end_is_no_damage(tmp_path, capfd):
    data = by_pillow(tmp_path / "x.jpg", picture((64, 48))).read_bytes()
    plain = read(tmp_path / "x.jpg")
    (tmp_path / "x.jpg").write_bytes(data[:-2] + bytes(9) + data[-2:])
    assert_same(read(tmp_path / "x.jpg"), plain)
    assert capfd.readouterr() == ("", "")


def test_damaged_scans_are_refused_and_leave_the_terminal_alone(tmp_path, capfd):
    path = by_pillow(tmp_path / "x.jpg", picture((64, 48)))
    data = path.read_bytes()
    for damaged, reason in [
        (data[:-40] + data[-2:], "Corrupt JPEG data: premature end of data segment"),
        (patched(data, SOS, 6, [0x33]), "Huffman table 0x03 was not defined"),
    ]:
        path.write_bytes(damaged)
        with pytest.raises(UnreadableImage, match=reason):
            read(path)
    os.write(2, b"and it is a terminal again")
    assert capfd.readouterr() == ("", "and it is a terminal again")


def test_what_other_threads_say_meanwhile_is_passed_on(tmp_path, monkeypatch, capfd):
    path, read_dct = by_pillow(tmp_path / "x.jpg", picture((64, 48))), jpeglib.read_dct
    monkeypatch.setattr(jpeglib, "read_dct", lambda name: os.write(2, b"50 % done\n") and read_dct(name))
    read(path)
    assert capfd.readouterr() == ("", "50 % done\n")


def test_truncation_is_refused_whatever_pillow_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    path = by_pillow(tmp_path / "x.jpg", picture((64, 48)))
    data = path.read_bytes()
    for length in [0, 1, 2, *range(3, len(data) - 10, 97), len(data) - 10]:
        for end in (b"", b"\xff\xd9"):
            path.write_bytes(data[:length] + end)
            with pytest.raises(UnreadableImage):
                read(path)


def test_size_is_judged_before_anything_is_decoded(tmp_path, monkeypatch):
    data = by_pillow(tmp_path / "x.jpg", picture((64, 48))).read_bytes()
    (tmp_path / "x.jpg").write_bytes(patched(data, SOF0, 5, [0xEA, 0x60] * 2))
    monkeypatch.setattr(jpeglib, "read_dct", None)
    monkeypatch.setattr(Image, "open", None)
    with pytest.raises(UnreadableImage, match=r"60000x60000 is above the limit"):
        read(tmp_path / "x.jpg")


def test_refusals_name_file_and_reason_on_one_line(tmp_path):
    with pytest.raises(UnreadableImage) as caught:
        read(tmp_path / "none.jpg")
    assert str(caught.value) == f"{tmp_path / 'none.jpg'}: it cannot be opened: No such file or directory"
    with pytest.raises(UnreadableImage, match="it cannot be opened"):
        read(tmp_path)
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(UnreadableImage, match=r"empty\.jpg: the file is empty$"):
        read(tmp_path / "empty.jpg")


def test_what_never_ends_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    for name in ("pipe.jpg", "device.jpg"):
        with pytest.raises(UnreadableImage, match=r"no regular file$"):
            read(tmp_path / name)


def test_a_limit_of_pixels_may_be_asked_for(tmp_path):
    path = by_pillow(tmp_path / "two\nlines.jpg", picture((64, 48)))
    assert_same(read(path, 64 * 48), read(path))
    with pytest.raises(UnreadableImage) as caught:
        read(path, 64 * 48 - 1)
    assert str(caught.value).endswith(r"two\nlines.jpg: its size of 64x48 is above the limit of 3071 pixels")


def test_threads_read_side_by_side(files):
    expected = [read(path) for path in files]
    found: dict[int, JpegFile] = {}
    threads = [threading.Thread(target=lambda i=i: found.update({i: read(files[i])})) for i in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, file in enumerate(expected):
        assert_same(found[index], file)


def damaged(rng, originals):
    """One of the files with bytes changed, cut out, or spliced in from another."""
    data, other = bytearray(rng.choice(originals)), rng.choice(originals)
    start = rng.randrange(2, rng.choice([200, 700, len(data)]) if len(data) > 700 else len(data))
    length = rng.choice([1, 2, 30, 500])
    kind = rng.choice(["change", "change", "cut", "end", "insert", "splice"])
    if kind == "change":
        for _ in range(rng.choice([1, 1, 3, 20])):
            data[min(start + rng.randrange(length), len(data) - 1)] = rng.choice([0, 255, rng.randrange(256)])
    elif kind == "cut":
        del data[start : start + length]
    elif kind == "end":
        data[start:] = b"\xff\xd9"
    elif kind == "insert":
        place = rng.randrange(len(other))
        data[start:start] = other[place : place + length]
    else:
        data[start:] = other[rng.randrange(len(other)) :]
    return bytes(data)


def test_damaged_files_are_refused_or_read_consistently(files, tmp_path):
    rng, path, again = random.Random(0), tmp_path / "damaged.jpg", tmp_path / "again.jpg"
    originals, outcomes = [file.read_bytes() for file in files], Counter()
    for number in range(DAMAGED_FILES):
        path.write_bytes(damaged(rng, originals))
        try:
            file = read(path)
        except UnreadableImage:
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        assert_consistent(file)
        if number % 4 == 0:
            assert torch.equal(pixels(write_levels(again, file.coefficients)), file.decoded)
    assert min(outcomes["refused"], outcomes["read"]) > DAMAGED_FILES / 10
