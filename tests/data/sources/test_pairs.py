"""What is done to a clean image is done to the recorded one; what is no pair is refused by name."""

import logging
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from pscgan.data.datamodule import ImageDataModule
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.recorded import Recorded
from pscgan.data.evaluation_set import EvaluationSet
from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.sources.image_source import ImageSource
from pscgan.data.sources.pairs import PairSource, open_source, require_pairs
from pscgan.data.training_set import TrainingSet

from ..pictures import folder_of, noise, write
from .test_tar import images, shard


@pytest.fixture
def roots(tmp_path):
    """Six clean images and, of the same names, six that have nothing in common with them."""
    folder_of(tmp_path / "clean", 6)
    for index in range(6):
        write(tmp_path / "recorded" / f"{index:02d}.png", noise(seed=100 + index))
    return tmp_path / "clean", tmp_path / "recorded"


def test_a_known_offset_of_every_pixel_survives_crop_and_flip(tmp_path):
    rows, columns = np.mgrid[:40, :48]
    for index in range(3):
        place = np.stack([rows, columns, np.full_like(rows, index)], axis=2)
        offset = (7 * rows + 3 * columns + index) % 50 + 100
        write(tmp_path / "clean" / f"{index}.png", place.astype(np.uint8))
        write(tmp_path / "recorded" / f"{index}.png", (place + offset[..., None]).astype(np.uint8))
    source = PairSource(tmp_path / "clean", tmp_path / "recorded")
    training = TrainingSet(source, source.names, seed=0, crop=8)
    mirrored = set()
    for number in range(40):
        (row, column, index), recorded = training[number]["clean"].long().split(3)
        assert torch.equal(recorded[0] - row, (7 * row + 3 * column + index) % 50 + 100)
        assert torch.equal(recorded - recorded[:1], torch.stack([row, column, index]) - row)
        mirrored.add(bool(column[0, 0] > column[0, 1]))
    assert mirrored == {True, False}


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("resize", [None, 20])
@pytest.mark.parametrize("channels", [1, 3])
def test_items_are_those_of_both_roots_stacked(roots, channels, resize, cache):
    pairs = PairSource(*roots, channels, resize)
    halves = [ImageSource(root, channels, resize) for root in roots]
    sets = [TrainingSet(source, source.names, 3, crop=8, cache=cache) for source in (pairs, *halves)]
    for number in range(14):
        item, *expected = (images[number] for images in sets)
        assert torch.equal(item["clean"], torch.cat([half["clean"] for half in expected]))
        assert (item["number"], item["skipped"]) == (number, 0)
    item, *expected = (EvaluationSet(source, source.names, crop=16)[4] for source in (pairs, *halves))
    assert torch.equal(item["clean"], torch.cat([half["clean"] for half in expected]))
    assert item["name"] == "04.png"


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_loaders_give_them_in_the_order_of_the_clean_images(roots):
    def loaded(**arguments):
        data = ImageDataModule(crop=8, batch_size=2, seed=0, validation=2, num_workers=2, **arguments)
        return [batch["clean"] for batch in (*data.train_loader(0, 8), *data.evaluation_loader())]

    together, clean, recorded = (
        loaded(root=str(root), recorded=other)
        for root, other in ((roots[0], str(roots[1])), (roots[0], None), (roots[1], None))
    )
    assert len(together) == 4 + 2
    for pairs, halves in zip(together, zip(clean, recorded, strict=True), strict=True):
        assert torch.equal(pairs, torch.cat(halves, dim=1))


def test_names_pair_whatever_the_ending_and_whatever_holds_them(roots, tmp_path):
    clean, recorded = roots
    expected = [PairSource(clean, recorded).read(name) for name in PairSource(clean, recorded).names]
    for path in list(recorded.iterdir()):
        path.rename(path.with_suffix(".tiff" if path.stem == "03" else ".PNG"))  # told by content, not by name
    shutil.make_archive(str(tmp_path / "recorded"), "zip", recorded)
    for other in (recorded, tmp_path / "recorded.zip"):
        source = PairSource(clean, other)
        assert source.names == [f"{index:02d}.png" for index in range(6)]
        assert all(torch.equal(source.read(name), pair) for name, pair in zip(source.names, expected, strict=True))


def test_shards_pair_by_their_own_names_too(tmp_path):
    files = {root: images(tmp_path / root, 4) for root in ("clean", "recorded")}
    for root, named in files.items():
        for number, names in enumerate((["00.png", "01.png"], ["02.png", "03.png"])):
            shard(tmp_path / f"{root}_shards" / f"{number}.tar", {name: named[name] for name in names})
    source = PairSource(tmp_path / "clean_shards", tmp_path / "recorded_shards")
    assert source.names == ["0.tar/00.png", "0.tar/01.png", "1.tar/02.png", "1.tar/03.png"]
    assert source.shards == ["0.tar", "1.tar"]
    clean, recorded = source.read("1.tar/02.png").chunk(2)
    assert torch.equal(clean, recorded)  # the same noise in both roots
    TrainingSet(source, source.names, 0, crop=8, shuffle_shards=1)[5]


def test_a_name_without_a_partner_is_refused_on_either_side(roots):
    clean, recorded = roots
    for index in range(1, 6):
        (recorded / f"{index:02d}.png").unlink()
    write(recorded / "more" / "00.png", noise())
    message = (
        f"of 6 images in {clean} 5 have no partner in {recorded}: 01.png, 02.png, 03.png, ...; "
        f"of 2 images in {recorded} 1 have no partner in {clean}: more/00.png; "
        "both roots must hold the same names, whatever the endings"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        PairSource(clean, recorded)


def test_two_endings_of_one_name_are_refused(roots):
    clean, recorded = roots
    write(recorded / "02.jpg", noise())
    with pytest.raises(ValueError, match=rf"{recorded} must .*got 02\.jpg and 02\.png"):
        PairSource(clean, recorded)


def test_one_root_twice_is_refused_by_any_of_its_names(roots, tmp_path):
    clean, _ = roots
    (tmp_path / "link").symlink_to(clean)
    shutil.make_archive(str(tmp_path / "clean"), "zip", clean)
    for root, other in (
        (clean, clean),
        (clean, tmp_path / "recorded" / ".." / "clean"),
        (clean, tmp_path / "link"),
        (tmp_path / "clean.zip", tmp_path / "clean.zip"),
        ("bundled:photos", "bundled:photos"),
    ):
        with pytest.raises(ValueError, match=rf"root and recorded must differ, got {root}"):
            PairSource(root, other)


def test_pairs_of_two_sizes_are_refused_or_skipped_with_both_named(roots, caplog):
    clean, recorded = roots
    write(recorded / "05.png", noise(39, 48))
    message = rf"^{clean}/05\.png: it has 40x48 pixels and {recorded}/05\.png 39x48"
    for resize in (None, 20):  # also where both would be reduced to one size
        with pytest.raises(ValueError, match=message):
            PairSource(clean, recorded, resize=resize).read("05.png")
    arguments = {"root": str(clean), "recorded": str(recorded), "crop": 8, "batch_size": 1, "seed": 0}
    for held_out in ({"validation": 3}, {"test": 3}):  # it is the last of them
        with pytest.raises(ValueError, match=message):
            ImageDataModule(**arguments, **held_out)
    with caplog.at_level(logging.WARNING):
        items = [*ImageDataModule(**arguments, validation=["00.png"]).train_loader(0, 5)]
    assert sum(int(item["skipped"]) for item in items) == 1
    (record,) = caplog.records
    assert re.match(message, record.getMessage())


def test_pictures_on_their_side_are_pairs_by_what_is_seen(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    write(tmp_path / "clean" / "0.png", noise(48, 40))
    for ending, lying in (("jpg", noise(40, 48)), ("tiff", noise(40, 48)), ("webp", noise(40, 48))):
        write(tmp_path / ending / f"0.{ending}", lying, exif=exif)
        PairSource(tmp_path / "clean", tmp_path / ending).size("0.png")
        write(tmp_path / ending / f"0.{ending}", noise(48, 40), exif=exif)
        with pytest.raises(ValueError, match=rf"has 48x40 pixels and .*0\.{ending} 40x48"):
            PairSource(tmp_path / "clean", tmp_path / ending).size("0.png")


def test_another_takes_the_place_of_a_pair_of_which_one_cannot_be_read(roots, tmp_path):
    clean, recorded = roots
    (recorded / "02.png").write_bytes(b"")
    (clean / "04.png").write_bytes(b"")
    source = PairSource(clean, recorded)
    with pytest.raises(UnreadableImage, match=rf"^{recorded}/02\.png: the file is empty$"):
        source.read("02.png")
    shutil.copytree(clean, tmp_path / "alone")
    (tmp_path / "alone" / "02.png").write_bytes(b"")
    pairs, alone = (TrainingSet(s, s.names, 0, crop=8) for s in (source, ImageSource(tmp_path / "alone")))
    for number in range(12):
        assert torch.equal(pairs[number]["clean"][:3], alone[number]["clean"])
        assert pairs[number]["skipped"] == alone[number]["skipped"]


def test_what_is_wrong_with_the_second_root_is_said_of_it(roots, tmp_path):
    with pytest.raises(ValueError, match=r"^recorded: root must .*got nowhere"):
        PairSource(roots[0], "nowhere")
    with pytest.raises(ValueError, match=r"^root must .*got nowhere"):
        PairSource("nowhere", roots[1])


def test_colour_networks_see_no_pairs_that_are_grey(roots, tmp_path):
    folder_of(tmp_path / "grey", 6, channels=1)
    shutil.copytree(tmp_path / "grey", tmp_path / "grey_too")
    source = PairSource(tmp_path / "grey", tmp_path / "grey_too")
    with pytest.raises(ValueError, match=r"dataset\.channels must be 1, as the first 6 images of .* are all grey"):
        TrainingSet(source, source.names, 0, crop=8)
    for mixed in ((tmp_path / "grey", roots[1]), (roots[0], tmp_path / "grey")):  # one of them has colour
        source = PairSource(*mixed)
        TrainingSet(source, source.names, 0, crop=8)


def test_pairs_and_recorded_come_together(roots):
    pairs, alone = open_source(*roots[:1], recorded=roots[1]), open_source(roots[0])
    require_pairs(pairs, Recorded())
    require_pairs(alone, GaussianNoise(50))
    with pytest.raises(ValueError, match=r"degradation must be recorded, as .* comes with .* got GaussianNoise"):
        require_pairs(pairs, GaussianNoise(50))
    with pytest.raises(ValueError, match=r"Recorded needs pairs, but .* comes without .*; give dataset=pairs"):
        require_pairs(alone, Recorded())
