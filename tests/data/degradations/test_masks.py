"""Masks have the stated shapes, are seeded for each image, and wrong ones are refused by name."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.data.degradations.hole_masks import RandomBoxes, ScatteredBoxes, Strokes
from pscgan.data.degradations.masks import CenterBox, Half, MaskFile, RandomPixels, UpperPart
from pscgan.rng import Rng

DRAWN = {"boxes": RandomBoxes, "half": Half, "holes": ScatteredBoxes, "pixels": RandomPixels, "strokes": Strokes}


def rng(*numbers, seed=0):
    return Rng(seed, "degradation", numbers)


@pytest.fixture(params=DRAWN)
def mask(request):
    return DRAWN[request.param]()


@pytest.mark.parametrize("size", [(16, 24), (7, 5), (2, 2)])
def test_shape_and_type(mask, size):
    known = mask.draw(size, rng(3, 5, 9))
    assert (known.shape, known.dtype) == ((3, 1, *size), torch.bool)


def test_an_image_has_its_own_mask(mask):
    together = mask.draw((32, 40), rng(*range(8)))
    apart = torch.cat([mask.draw((32, 40), rng(number)) for number in range(8)])
    assert torch.equal(together, apart)
    assert not torch.equal(together, mask.draw((32, 40), rng(*range(8), seed=1)))
    assert not (together == together[:1]).all()


def test_a_centre_box_is_half_of_each_side():
    known = CenterBox(0.5).draw((64, 64), rng(0))[0, 0]
    assert not known[16:48, 16:48].any()
    assert int(known.sum()) == 64**2 - 32**2
    assert int((~CenterBox(0.5).draw((9, 6), rng(0))).sum()) == round(4.5) * 3


def test_the_upper_three_quarters_are_missing():
    known = UpperPart(0.75).draw((32, 20), rng(0, 1))
    assert known.shape == (2, 1, 32, 20)
    assert not known[:, :, :24].any()
    assert known[:, :, 24:].all()
    with pytest.raises(ValueError, match=r"fraction must .*got 1"):
        UpperPart(1.0)


@pytest.mark.parametrize(
    ("side", "missing"),
    [
        ("left", np.s_[:, :3]),
        ("right", np.s_[:, 4:]),
        ("top", np.s_[:2, :]),
        ("bottom", np.s_[3:, :]),
    ],
)
def test_a_half_is_missing(side, missing):
    expected = np.ones((5, 7), dtype=bool)
    expected[missing] = False
    assert np.array_equal(Half(side).draw((5, 7), rng(0, 1))[1, 0].numpy(), expected)


def test_each_side_is_drawn_as_often():
    known = Half().draw((4, 4), rng(*range(400)))
    for corner in [(0, 1), (0, 2), (3, 1), (3, 2)]:  # missing by top or left or ..., half of the time
        share = known[:, 0, *corner].float().mean()
        assert abs(share - 0.5) < 4 * (0.25 / 400) ** 0.5


def test_pixels_are_missing_at_the_rate():
    known = RandomPixels(0.8).draw((100, 100), rng(0, 1)).float()
    assert abs(known.mean() - 0.2) < 4 * (0.2 * 0.8 / known.numel()) ** 0.5
    assert abs(((known[..., 1:] - 0.2) * (known[..., :-1] - 0.2)).mean()) < 4 * 0.16 * known.numel() ** -0.5 * 1.01


def test_one_box_has_the_stated_sides_and_lies_inside():
    known = RandomBoxes((1, 1), (0.25, 0.5)).draw((40, 60), rng(*range(32)))
    for missing in ~known[:, 0]:
        rows, columns = missing.any(1).nonzero().flatten(), missing.any(0).nonzero().flatten()
        assert 10 <= len(rows) <= 20
        assert 15 <= len(columns) <= 30
        assert int(missing.sum()) == len(rows) * len(columns)  # one box, all of it
        assert rows[-1] - rows[0] + 1 == len(rows)


def test_more_boxes_miss_more():
    few, many = (RandomBoxes((count, count), (0.2, 0.2)).draw((50, 50), rng(*range(16))) for count in (1, 8))
    assert (~few).sum() == 16 * 100
    assert (~many).sum() > 4 * (~few).sum()


def test_every_cell_has_one_hole_of_a_stated_side():
    known = ScatteredBoxes(10, (2, 4)).draw((40, 60), rng(*range(32)))
    cells = (~known).view(32, 4, 10, 6, 10).movedim(3, 2).flatten(0, 2)
    heights, widths = cells.any(2).sum(1), cells.any(1).sum(1)
    assert torch.equal(heights * widths, cells.sum((1, 2)))
    assert sorted(heights.unique().tolist()) == sorted(widths.unique().tolist()) == [2, 3, 4]
    highest = cells.any(2).byte().argmax(1)
    assert (highest.min(), (highest + heights).max()) == (0, 10)  # anywhere in the cell, and within


def test_cells_at_the_border_are_cut_off():
    whole, part = (ScatteredBoxes(10, (10, 10)).draw(size, rng(0)) for size in ((20, 20), (13, 7)))
    assert not whole.any()
    assert part.shape == (1, 1, 13, 7)


def test_a_stroke_without_length_is_a_disk():
    known = Strokes((1, 1), 1, (0, 0), (0.5, 0.5)).draw((80, 80), rng(*range(16)))
    missing = (~known[:, 0]).float()
    assert (missing.flatten(1).sum(1) <= torch.pi * 20**2 * 1.02).all()
    inside = missing[(missing[:, [0, -1]].sum((1, 2)) + missing[:, :, [0, -1]].sum((1, 2))) == 0]
    assert len(inside)
    assert ((inside.sum((1, 2)) / (torch.pi * 20**2) - 1).abs() < 0.02).all()


def test_a_straight_stroke_is_a_capsule():
    mask = Strokes((1, 1), 1, (0.3, 0.3), (0.1, 0.1))
    areas = (~mask.draw((200, 200), rng(*range(64)))).flatten(1).sum(1).float()
    capsule = 60 * 20 + torch.pi * 10**2
    assert areas.max() == pytest.approx(capsule, rel=0.02)  # others are cut by the border


def test_a_file_is_read(tmp_path):
    known = np.arange(12).reshape(3, 4) % 3 > 0
    np.save(tmp_path / "a.npy", known)
    np.save(tmp_path / "b.npy", known * 0.5)
    Image.fromarray((known * 255).astype(np.uint8)).save(tmp_path / "c.png")
    for name in ("a.npy", "b.npy", "c.png"):
        drawn = MaskFile(str(tmp_path / name)).draw((3, 4), rng(0, 1))
        assert drawn.shape == (2, 1, 3, 4)
        assert np.array_equal(drawn[1, 0].numpy(), known)


def test_images_of_another_size_are_refused(tmp_path):
    np.save(tmp_path / "mask.npy", np.eye(4))
    with pytest.raises(ValueError, match=r"mask\.npy, a mask of 4 x 4; the image is 5 x 4"):
        MaskFile(str(tmp_path / "mask.npy")).draw((5, 4), rng(0))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.ones((4, 4)), "every pixel of it is known"),
        (np.zeros((4, 4)), "every pixel of it is missing"),
        (np.ones((4, 4, 1)), r"shape \(4, 4, 1\)"),
        (np.array([["a"]]), "must be numbers or booleans"),
        (np.array([[None]]), "cannot be read as a mask"),  # it would have to be unpickled
    ],
)
def test_useless_masks_are_refused(tmp_path, values, words):
    np.save(tmp_path / "mask.npy", values)
    with pytest.raises(ValueError, match=f"path .*mask.npy.*{words}"):
        MaskFile(str(tmp_path / "mask.npy"))


@pytest.mark.parametrize("name", ["mask.jpg", "mask", "mask.npy", "mask.png", "pipe.npy", "pipe.png"])
def test_files_that_are_none_are_refused(tmp_path, name):
    (tmp_path / "mask.png").write_bytes(b"no picture")
    for pipe in ("pipe.npy", "pipe.png"):
        os.mkfifo(tmp_path / pipe)
    with pytest.raises(ValueError, match=f"path .*{name}"):
        MaskFile(str(tmp_path / name))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CenterBox(0), "fraction must .*got 0"),
        (lambda: CenterBox(1), "fraction must .*got 1"),
        (lambda: RandomPixels(0), "rate must .*got 0"),
        (lambda: RandomPixels(1.0), "rate must .*got 1.0"),
        (lambda: RandomPixels(float("nan")), "rate must .*got nan"),
        (lambda: Half("middle"), "side must .*got middle"),
        (lambda: RandomBoxes((0, 2)), r"count must .*got \(0, 2\)"),
        (lambda: RandomBoxes((1.5, 2)), r"count must .*got \(1.5, 2\)"),
        (lambda: RandomBoxes((1, 2), (0.5, 0.1)), r"fraction must .*got \(0.5, 0.1\)"),
        (lambda: RandomBoxes((1, 2), 0.5), "fraction must .*got 0.5"),
        (lambda: ScatteredBoxes(0), "every must .*got 0"),
        (lambda: ScatteredBoxes(8, (2, 9)), r"side must .*got \(2, 9\)"),
        (lambda: ScatteredBoxes(8, (1.5, 2)), r"side must .*got \(1.5, 2\)"),
        (lambda: Strokes((2, 1)), r"count must .*got \(2, 1\)"),
        (lambda: Strokes(pieces=0), "pieces must .*got 0"),
        (lambda: Strokes(length=(0, 2)), r"length must .*got \(0, 2\)"),
        (lambda: Strokes(width=(-1, 0.1)), r"width must .*got \(-1, 0.1\)"),
    ],
)
def test_wrong_arguments_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
