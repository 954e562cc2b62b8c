"""Bit for bit what libjpeg-turbo writes and shows."""

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.data.jpeg import codec
from pscgan.data.jpeg.quantisation import SCALE, cell, quantise, tables_of_quality

from . import libjpeg
from .libjpeg import KINDS, by_block

QUALITIES = range(1, 101)
SIZES = [(1, 1), (1, 9), (2, 3), (5, 1), (3, 18), (8, 8), (16, 17), (17, 16), (23, 40), (33, 5), (47, 61), (64, 64)]
GREYS = (0, 128, 255)
PICTURES = ["photograph 0", "photograph 5", "photograph 9", "noise", "extremes", *(f"flat {grey}" for grey in GREYS)]


def picture(name, height, width, kind):
    what, _, number = name.partition(" ")
    shape = (height, width) if kind == "grey" else (height, width, 3)
    random = np.random.default_rng(height * 1000 + width)
    if what == "photograph":
        return libjpeg.photograph(int(number), height, width, kind)
    if what == "noise":
        return random.integers(0, 256, shape, dtype=np.uint8)
    if what == "extremes":
        return random.choice(np.array(GREYS, np.uint8), shape)
    return np.full(shape, int(number), np.uint8)


def differences(path, pixels, kind, qualities):
    """Qualities at which levels, tables or the decoded picture are not libjpeg's; one batch holds all of them."""
    clean = libjpeg.tensor(pixels).repeat(len(qualities), 1, 1, 1)
    tables = tables_of_quality(torch.tensor(qualities), clean.shape[1])
    coded = codec.encode(clean, tables, libjpeg.sampling_of(kind))
    shown = codec.decode(coded)
    found = []
    for i, quality in enumerate(qualities):
        file = libjpeg.read(libjpeg.save(path, pixels, kind, quality=quality))
        same = [
            np.array_equal(by_block(ours[i]), theirs) for ours, theirs in zip(coded.levels, file.levels, strict=True)
        ]
        same += [np.array_equal(tables[i], file.tables), np.array_equal(libjpeg.array(shown[i]), file.shown)]
        found += [] if all(same) else [quality]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_levels_and_pixels_equal_libjpegs_at_every_quality(kind, tmp_path):
    # 12 sizes and 8 pictures turn at different speeds, so neighbouring qualities see other pairs of them
    chosen = {quality: (PICTURES[quality % len(PICTURES)], SIZES[(quality // 3) % len(SIZES)]) for quality in QUALITIES}
    wrong = [
        (quality, name, size)
        for quality, (name, size) in chosen.items()
        if differences(tmp_path / "a.jpg", picture(name, *size, kind), kind, [quality])
    ]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_levels_and_pixels_equal_libjpegs_for_all_pairs(kind, size, tmp_path):
    wrong = {
        name: differences(tmp_path / "a.jpg", picture(name, *size, kind), kind, list(QUALITIES)) for name in PICTURES
    }
    assert wrong == {name: [] for name in PICTURES}


@pytest.mark.parametrize("kind", KINDS)
def test_tables_that_are_no_qualitys(kind, tmp_path):
    pixels = libjpeg.photograph(3, 45, 53, kind)
    clean = libjpeg.tensor(pixels)
    components = clean.shape[1]
    tables = np.random.default_rng(0).integers(1, 256, (components, 64))  # Cb and Cr each have their own
    path = libjpeg.save(tmp_path / "a.jpg", pixels, kind, qtables=[table.tolist() for table in tables])
    file = libjpeg.read(path)
    assert np.array_equal(file.tables.reshape(components, 64), tables)
    coded = codec.encode(clean, torch.from_numpy(file.tables.astype(np.int64))[None], libjpeg.sampling_of(kind))
    for ours, theirs in zip(coded.levels, file.levels, strict=True):
        assert np.array_equal(by_block(ours[0]), theirs)
    assert np.array_equal(libjpeg.array(codec.decode(coded)[0]), file.shown)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_equals_its_pictures_one_by_one(kind):
    clean = torch.cat([libjpeg.tensor(libjpeg.photograph(i, 37, 50, kind)) for i in range(4)])
    tables = tables_of_quality(torch.tensor([5, 40, 75, 98]), clean.shape[1])
    sampling = libjpeg.sampling_of(kind)
    together = codec.encode(clean, tables, sampling)
    shown = codec.decode(together)
    for i in range(4):
        alone = codec.encode(clean[i : i + 1], tables[i : i + 1], sampling)
        assert all(torch.equal(one[i : i + 1], two) for one, two in zip(together.levels, alone.levels, strict=True))
        assert torch.equal(shown[i : i + 1], codec.decode(alone))


def test_arithmetic_is_the_same_under_autocast():
    clean = libjpeg.tensor(libjpeg.photograph(1, 32, 32))
    tables = tables_of_quality(torch.tensor([60]), 3)
    plain = codec.encode(clean, tables, libjpeg.sampling_of("4:2:0"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = codec.encode(clean.bfloat16(), tables, libjpeg.sampling_of("4:2:0"))
        assert torch.equal(codec.decode(mixed), codec.decode(plain))
    assert all(torch.equal(one, two) for one, two in zip(plain.levels, mixed.levels, strict=True))


def test_tables_of_all_qualities_are_pillows(tmp_path):
    pixels = np.zeros((8, 8, 3), np.uint8)
    ours = tables_of_quality(torch.arange(1, 101), 3)
    for quality in QUALITIES:
        with Image.open(libjpeg.save(tmp_path / "a.jpg", pixels, "4:4:4", quality=quality)) as image:
            luma, chroma = (image.quantization[number] for number in (0, 1))
        # Pillow undoes the zigzag of the file: vertical frequency first, as ours
        assert [table.flatten().tolist() for table in ours[quality - 1]] == [luma, chroma, chroma], quality


def test_a_half_is_rounded_away_from_zero():
    steps = torch.tensor(3.0, dtype=torch.float64)
    half = torch.tensor([-36, -35, -13, -12, -11, 0, 11, 12, 13, 35, 36], dtype=torch.float64)  # a step is 24 units
    assert quantise(half, steps).tolist() == [-2, -1, -1, -1, 0, 0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize("step", [1, 2, 7, 16, 255])
@pytest.mark.parametrize("tolerance", [0, 1, 2])
def test_a_cell_holds_the_integers_that_are_quantised_to_its_level(step, tolerance):
    steps = torch.tensor(float(step), dtype=torch.float64)
    integers = torch.arange(-6 * SCALE * step, 6 * SCALE * step + 1, dtype=torch.float64)
    found = quantise(integers, steps)
    for level in range(-3, 4):
        low, high = cell(torch.tensor(float(level), dtype=torch.float64), steps, tolerance)
        inside = (integers >= low) & (integers <= high)
        assert torch.equal(inside, (found - level).abs() <= tolerance), level
