"""WebDataset shards: random access by an index, and what is refused before training."""

import gzip
import io
import multiprocessing
import os
import pickle
import tarfile

import pytest
import torch
import webdataset

from pscgan.data.datamodule import ImageDataModule
from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.sources.image_source import ImageSource
from pscgan.data.sources.tar import BLOCK, scan

from ..pictures import folder_of, noise, png_16, write

WORKERS = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # Python 3.12 and later


def shard(path, members):
    """A tar of {name: bytes}, by the standard library."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def images(folder, count):
    return {path.name: path.read_bytes() for path in sorted(folder_of(folder, count).iterdir())}


@pytest.fixture
def files(tmp_path):
    return images(tmp_path / "images", 6)


@pytest.fixture
def shards(tmp_path, files):
    """Six images in three shards of different size, written by the library."""
    (tmp_path / "shards").mkdir()
    parts = [["00", "01", "02"], ["03"], ["04", "05"]]
    for number, keys in enumerate(parts):
        with webdataset.TarWriter(str(tmp_path / f"shards/s-{number}.tar"), encoder=False) as writer:
            for key in keys:
                writer.write({"__key__": key, "png": files[f"{key}.png"], "cls": b"1", "json": b"{}"})
    return tmp_path / "shards"


NAMES = ["s-0.tar/00.png", "s-0.tar/01.png", "s-0.tar/02.png", "s-1.tar/03.png", "s-2.tar/04.png", "s-2.tar/05.png"]


def test_shards_of_the_library_equal_the_folder(shards, tmp_path):
    source, folder = ImageSource(shards), ImageSource(tmp_path / "images")
    assert source.names == NAMES
    assert list(source.shards) == ["s-0.tar", "s-1.tar", "s-2.tar"]
    for name in reversed(NAMES):
        assert torch.equal(source.read(name), folder.read(name.partition("/")[2]))


def test_the_index_points_at_the_bytes_the_library_reads(shards, files):
    members = list(scan(shards / "s-0.tar"))
    data = (shards / "s-0.tar").read_bytes()
    with (shards / "s-0.tar").open("rb") as file:
        read = {item["fname"]: item["data"] for item in webdataset.tariterators.tar_file_iterator(file)}
    assert [data[m.offset : m.offset + m.size] for m in members] == [read[m.name] for m in members]
    assert [m.name for m in members] == ["00.png", "01.png", "02.png"]


def test_a_link_beside_its_shard_is_no_other_shard(shards):
    (shards / "a.tar").symlink_to("s-0.tar")
    assert ImageSource(shards).names == NAMES


def test_a_pipe_is_no_shard(shards):
    os.mkfifo(shards / "s-3.tar")
    for root in (shards, shards / "s-{0..3}.tar"):
        with pytest.raises(ValueError, match=r"s-3\.tar .*regular"):
            ImageSource(root)


def test_only_visible_images_are_members(tmp_path, files):
    data = files["00.png"]
    names = ["./dot.png", "b/.hidden.png", "__MACOSX/x.png", "x.json", "b/c.PNG", f"{'long/' * 60}x.png"]
    path = shard(tmp_path / "x.tar", dict.fromkeys(names, data))
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "b/c.PNG"
        archive.addfile(link)
    source = ImageSource(path)
    assert source.names == ["x.tar/./dot.png", "x.tar/b/c.PNG", f"x.tar/{'long/' * 60}x.png"]
    assert all(source.files.read_bytes(name) == data for name in source.names)


def test_a_pattern_chooses_shards(shards):
    assert ImageSource(shards / "s-{0..1}.tar").names == NAMES[:4]
    assert ImageSource(shards / "s-{0,2}.tar").names == NAMES[:3] + NAMES[4:]
    with pytest.raises(ValueError, match=r"shard \S+s-3\.tar is missing"):
        ImageSource(shards / "s-{0..3}.tar")
    with pytest.raises(ValueError, match=r"root must .*got \S+"):
        ImageSource(shards / "s-{0..1.tar")
    with pytest.raises(ValueError, match=r"must stand for \.tar shards, .* stands for \S+s-0\.zip"):
        ImageSource(shards / "s-{0..1}.zip")
    with pytest.raises(ValueError, match=r"s-0\.tar/00\.png comes twice"):
        ImageSource(shards / "s-{0,0}.tar")


def test_shards_of_one_name_in_several_folders_stay_apart(tmp_path, files):
    for folder in ("a", "b"):
        shard(tmp_path / folder / "x.tar", {"00.png": files[f"0{'ab'.index(folder)}.png"]})
    source = ImageSource(tmp_path / "{a,b}/x.tar")
    assert source.names == ["a/x.tar/00.png", "b/x.tar/00.png"]
    assert [source.files.read_bytes(name) for name in source.names] == [files["00.png"], files["01.png"]]


def test_names_that_sort_around_the_slash_find_their_shard(tmp_path, files):
    for number, name in enumerate(["x.tar", "x.tar-1.tar", "x.tar0.tar"]):
        shard(tmp_path / "odd" / name, {"z.png": files[f"0{number}.png"]})
    source = ImageSource(tmp_path / "odd")
    assert source.names == sorted(source.names)
    found = {name: source.files.read_bytes(name) for name in source.names}
    assert found == {
        "x.tar/z.png": files["00.png"],
        "x.tar-1.tar/z.png": files["01.png"],
        "x.tar0.tar/z.png": files["02.png"],
    }


def test_every_truncation_is_refused_by_name(tmp_path, files):
    whole = shard(tmp_path / "x.tar", dict(list(files.items())[:2])).read_bytes()
    end = len(whole.rstrip(b"\0"))
    end += -end % BLOCK
    cut = tmp_path / "cut.tar"
    for size in [*range(0, end + 1, BLOCK), 1, end - 1, end + BLOCK - 1]:
        cut.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"shard \S+cut\.tar is damaged or truncated"):
            ImageSource(cut)
    cut.write_bytes(whole[: end + BLOCK])
    assert len(ImageSource(cut).names) == 2


def test_a_damaged_header_and_a_compressed_shard_are_refused_by_name(tmp_path, files):
    path = shard(tmp_path / "x.tar", files)
    data = bytearray(path.read_bytes())
    second = next(m for m in scan(path) if m.name == "01.png").offset - BLOCK
    data[second] ^= 0xFF
    for damaged in (bytes(data), gzip.compress(path.read_bytes())):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"shard \S+x\.tar is damaged or truncated, or no uncompressed \.tar"):
            ImageSource(path)


def test_an_image_that_comes_twice_is_refused(tmp_path, files):
    path = shard(tmp_path / "x.tar", files)
    with tarfile.open(path, "a") as archive:
        archive.addfile(tarfile.TarInfo("03.png"), io.BytesIO())
    with pytest.raises(ValueError, match=r"x\.tar/03\.png comes twice"):
        ImageSource(path)


def test_images_beside_shards_are_refused(shards):
    write(shards / "preview.png", noise())
    with pytest.raises(ValueError, match=r"with both, such as s-0\.tar and preview\.png"):
        ImageSource(shards)


def test_a_shard_without_images_holds_none(tmp_path):
    with pytest.raises(ValueError, match="must hold image files"):
        ImageSource(shard(tmp_path / "x.tar", {"a.txt": b"text"}))


def test_damage_found_later_is_an_unreadable_image(shards):
    source = ImageSource(shards)
    place = next(m for m in scan(shards / "s-0.tar") if m.name == "01.png")
    data = bytearray((shards / "s-0.tar").read_bytes())
    data[place.offset + place.size // 2] ^= 0xFF
    (shards / "s-0.tar").write_bytes(data)
    (shards / "s-1.tar").unlink()
    (shards / "s-2.tar").write_bytes((shards / "s-2.tar").read_bytes()[: 3 * BLOCK])
    for name, reason in {
        "s-0.tar/0": "no shard holds it",
        NAMES[1]: "",
        NAMES[3]: ".*No such file",
        NAMES[5]: "its shard ends before it",
    }.items():
        with pytest.raises(UnreadableImage, match=rf"shards/{name}: {reason}"):
            source.read(name)
    assert source.read(NAMES[0]).shape == (3, 40, 48)


def test_sixteen_bits_are_decoded_as_in_a_folder(tmp_path):
    pixels = noise(9, 7, channels=1, depth="uint16")
    source = ImageSource(shard(tmp_path / "x.tar", {"a.png": png_16(pixels)}), channels=1)
    expected = torch.from_numpy((pixels / 257 + 0.5).astype("uint8"))
    assert torch.equal(source.read(source.names[0])[0], expected)


@WORKERS
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_read_at_once(shards, method):
    source = ImageSource(shards)
    expected = [source.files.read_bytes(name) for name in NAMES]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(pickle.loads(pickle.dumps(source)).files.read_bytes, NAMES * 20, chunksize=7) == expected * 20


@WORKERS
def test_training_does_not_depend_on_the_layout(shards):
    def numbers_and_crops(start=0, rank=0, ranks=1, **layout):
        arguments = {"crop": 8, "batch_size": 2, "seed": 0, "validation": 1, "shuffle_shards": 2, **layout}
        batches = list(ImageDataModule(str(shards), **arguments).train_loader(start, 20, rank, ranks))
        return torch.cat([batch["number"] for batch in batches]), torch.cat([batch["clean"] for batch in batches])

    numbers, crops = numbers_and_crops()
    assert numbers.tolist() == list(range(20))
    for rank in range(2):
        later, later_crops = numbers_and_crops(start=8, rank=rank, ranks=2)
        assert later.tolist() == list(range(8 + rank, 20, 2))
        assert torch.equal(later_crops, crops[later])
    for layout in ({"num_workers": 2}, {"batch_size": 10}, {"cache": True}):
        other_numbers, other_crops = numbers_and_crops(**layout)
        assert torch.equal(numbers, other_numbers)
        assert torch.equal(crops, other_crops)
