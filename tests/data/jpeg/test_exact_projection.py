"""8-bit pictures that libjpeg-turbo writes to the very file, proven by letting it."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from pscgan.data.jpeg import codec
from pscgan.data.jpeg.coefficients import JpegCoefficients, select
from pscgan.data.jpeg.exact_projection import project_exactly
from pscgan.data.jpeg.quantisation import tables_of_quality
from pscgan.data.jpeg.verify import verify

from . import libjpeg
from .libjpeg import sampling_of

STARTS = ("its decode", "blurred", "noisy", "median", "another picture")
PROMISED = (5, 10, 20, 30, 50, 75)
ROUNDING = 0.25
"""Half a grey level, squared: what rounding, and what is done against it, may cost a start that is as near to the truth
as blurs of plain surfaces and plain decodes at high quality are."""
UNIT = 16
"""Smaller pictures consist of edges, whose pixels move for the copies that stand beyond them."""


def start(name, file, truth, other):
    """What is to be projected, (1, C, H, W) float."""
    if name == "noisy":
        noise = 25 * torch.randn(truth.shape[::-1], generator=torch.Generator().manual_seed(0))
        return libjpeg.tensor(truth) + noise.reshape(libjpeg.tensor(truth).shape)
    pictures = {
        "its decode": lambda: file.shown,
        "blurred": lambda: Image.fromarray(truth).filter(ImageFilter.GaussianBlur(2)),
        "median": lambda: Image.fromarray(file.shown).filter(ImageFilter.MedianFilter(5)),
        "another picture": lambda: other,
    }
    return libjpeg.tensor(pictures[name]()).float()


def squared_error(pictures, truth):
    return (pictures.double() - truth.double()).square().mean(dim=(1, 2, 3))


def levels_wrong_by_pillow(folder, pictures, kind, file, **options):
    """Of each picture: stored as PNG, opened, written as JPEG, its levels read and compared."""
    wrong = []
    for picture in pictures:
        Image.fromarray(libjpeg.array(picture)).save(folder / "restored.png")
        with Image.open(folder / "restored.png") as image:
            image.save(folder / "again.jpg", **({} if kind == "grey" else {"subsampling": kind}), **options)
        again = libjpeg.levels_of(folder / "again.jpg")
        wrong.append(sum(int((one != two).sum()) for one, two in zip(again, file.levels, strict=True)))
    return wrong


def case(folder, kind, quality, size, number):
    """The truth, its file, and all starts of its projection as one batch."""
    truth, other = (libjpeg.photograph(n, *size, kind) for n in (number, number + 1))
    file = libjpeg.read(libjpeg.save(folder / "file.jpg", truth, kind, quality=quality))
    starts = torch.cat([start(name, file, truth, other) for name in STARTS])
    return truth, file, starts, libjpeg.coded(kind, *[file] * len(STARTS))


def check(folder, kind, quality, size, number):
    truth, file, starts, coded = case(folder, kind, quality, size, number)
    found = project_exactly(starts, coded)
    assert levels_wrong_by_pillow(folder, found, kind, file, quality=quality) == [0] * len(STARTS)
    assert verify(found, coded).exact.all()
    before, after = (squared_error(x, libjpeg.tensor(truth)) for x in (starts.round().clamp(0, 255), found))
    assert min(size) < UNIT or (after <= before + ROUNDING).all(), (after - before).tolist()


@pytest.mark.parametrize("quality", PROMISED)
@pytest.mark.parametrize("kind", ["4:2:0", "4:4:4"])
def test_every_level_is_the_files_from_any_start(kind, quality, tmp_path):
    check(tmp_path, kind, quality, (83, 61), number=quality)


@pytest.mark.parametrize(("kind", "quality"), [("grey", 10), ("grey", 75), ("4:2:2", 5), ("4:2:2", 50)])
def test_every_level_is_the_files_for_grey_and_half_width_chroma(kind, quality, tmp_path):
    check(tmp_path, kind, quality, (50, 67), number=3)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(128, 128), (250, 203), (83, 61), (17, 33), (7, 5), (1, 1)])
@pytest.mark.parametrize("quality", PROMISED)
@pytest.mark.parametrize("kind", libjpeg.KINDS)
def test_every_level_is_the_files_for_all_pairs(kind, quality, size, tmp_path):
    for number in range(3):
        check(tmp_path, kind, quality, size, number)


@pytest.mark.parametrize("kind", ["4:2:0", "4:4:4"])
def test_tables_of_no_quality(kind, tmp_path):
    truth = libjpeg.photograph(2, 40, 56, kind)
    tables = np.random.default_rng(0).integers(3, 60, (3, 64)).tolist()
    file = libjpeg.read(libjpeg.save(tmp_path / "file.jpg", truth, kind, qtables=tables))
    found = project_exactly(start("blurred", file, truth, None), libjpeg.coded(kind, file))
    assert levels_wrong_by_pillow(tmp_path, found, kind, file, qtables=tables) == [0]


@pytest.mark.parametrize("quality", [95, 98])
def test_beyond_its_reach_it_claims_what_pillow_finds(quality, tmp_path):
    _, file, starts, coded = case(tmp_path, "4:2:0", quality, (40, 40), 4)
    found = project_exactly(starts, coded)
    counted = verify(found, coded).levels_wrong.tolist()
    assert counted == levels_wrong_by_pillow(tmp_path, found, "4:2:0", file, quality=quality)
    rounded = verify(starts.round().clamp(0, 255).to(torch.uint8), coded).levels_wrong
    assert (torch.tensor(counted) <= rounded).all()  # the best of all rounds, the first of which is the start
    assert max(counted) > 0  # else this test says nothing


def test_a_picture_that_has_the_levels_stays():
    truth = torch.cat([libjpeg.tensor(libjpeg.photograph(i, 45, 52)) for i in range(3)])
    coded = codec.encode(truth, tables_of_quality(torch.tensor([5, 50, 95]), 3), sampling_of("4:2:0"))
    assert torch.equal(project_exactly(truth.float(), coded), truth)


def test_a_picture_does_not_depend_on_its_batch():
    truth = torch.cat([libjpeg.tensor(libjpeg.photograph(i, 45, 52)) for i in range(4)])
    coded = codec.encode(truth, tables_of_quality(torch.tensor([5, 20, 50, 92]), 3), sampling_of("4:2:0"))
    starts = truth.float().roll(5, dims=3)
    together = project_exactly(starts, coded)
    for some in (slice(0, 1), slice(3, 4), torch.tensor([2, 1, 3])):
        assert torch.equal(project_exactly(starts[some], select(coded, some)), together[some])


@pytest.mark.parametrize("size", [(5, 7), (16, 16), (40, 35)])
def test_what_was_restored_is_left_as_it_was(size):
    truth = libjpeg.tensor(libjpeg.photograph(2, *size))
    coded = codec.encode(truth, tables_of_quality(torch.tensor([20]), 3), sampling_of("4:2:0"))
    restored = truth.float().roll(1, dims=3)
    before = restored.clone()
    project_exactly(restored, coded)
    assert torch.equal(restored, before)


def perturbed(coded):
    """A file of another encoder: one level in twenty is off by one."""
    generator = torch.Generator().manual_seed(0)
    levels = [
        plane + (torch.rand(plane.shape, generator=generator) < 0.05) * (2 * (plane < 0) - 1) for plane in coded.levels
    ]
    return JpegCoefficients(
        [plane.to(torch.int16) for plane in levels], coded.tables, coded.sampling, coded.height, coded.width
    )


def test_tolerance_leaves_pictures_whose_levels_were_not_rounded_to_the_nearest():
    truth = libjpeg.tensor(libjpeg.photograph(0, 48, 48))
    coded = perturbed(codec.encode(truth, tables_of_quality(torch.tensor([20]), 3), sampling_of("4:2:0")))
    assert torch.equal(project_exactly(truth.float(), coded, tolerance=1), truth)
    assert not torch.equal(project_exactly(truth.float(), coded), truth)
    moved = [
        (project_exactly(truth.float() + 20, coded, tolerance) - truth.float()).square().mean() for tolerance in (0, 1)
    ]
    assert moved[1] < moved[0]
