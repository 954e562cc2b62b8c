"""Any root becomes shards, and mistakes are one line."""

import re
import sys
import tarfile
from functools import partial

import datasets
import pytest
import torch
import webdataset

from pscgan.data.sources.image_source import ImageSource

from ..data.pictures import folder_of, noise, png_16, write
from ..data.sources.test_tar import shard
from .preparing import contents, one_line, pictures, prepare


@pytest.fixture
def root(tmp_path):
    return pictures(tmp_path / "images")


@pytest.fixture
def pack(capfd):
    return partial(prepare, capfd)


def members(folder):
    """By shard, the names in it as the standard library lists them."""
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as archive:
            found[path.name] = archive.getnames()
    return found


def test_a_folder_becomes_shards_of_the_same_files(root, tmp_path, pack):
    ended = pack(root, "--out", tmp_path / "out", "--images-per-shard", 4)
    assert ended.code == 2
    assert ended.out.startswith(f"{tmp_path}/out: 6 images in 2 shards, ")
    first, last = ended.err.splitlines()
    assert first.endswith("03.png cannot be read: the file is empty")
    assert last == "pscgan prepare-data: 1 of 7 images cannot be read and are left out"
    names = {"000000.tar": ["00.png", "01.png", "02.png", "04.png"], "000001.tar": ["deep/a.webp", "deep/b.c.jpg"]}
    assert members(tmp_path / "out") == names
    source = ImageSource(tmp_path / "out")
    assert source.names == [f"{shard}/{name}" for shard in names for name in names[shard]]
    for name in source.names:
        assert source.files.read_bytes(name) == (root / name.partition("/")[2]).read_bytes()


def test_the_library_reads_what_was_written(root, tmp_path, pack):
    pack(root, "--out", tmp_path / "out")
    with (tmp_path / "out/000000.tar").open("rb") as file:
        samples = list(
            webdataset.tariterators.group_by_keys(
                {**item, "__url__": ""} for item in webdataset.tariterators.tar_file_iterator(file)
            )
        )
    assert [sample["__key__"] for sample in samples] == ["00", "01", "02", "04", "deep/a", "deep/b"]
    assert samples[0]["png"] == (root / "00.png").read_bytes()


def test_megabytes_end_a_shard(root, tmp_path, pack):
    sizes = [(root / f"0{n}.png").stat().st_size for n in (0, 1, 2, 4)]
    pack(root, "--out", tmp_path / "out", "--megabytes-per-shard", (sizes[0] + sizes[1]) / 1e6)
    assert members(tmp_path / "out")["000000.tar"] == ["00.png", "01.png"]
    pack(root, "--out", tmp_path / "more", "--megabytes-per-shard", (sizes[0] + sizes[1] + 1) / 1e6)
    assert members(tmp_path / "more")["000000.tar"] == ["00.png", "01.png", "02.png"]


def test_pixels_are_those_of_resize(root, tmp_path, pack):
    pack(root, "--out", tmp_path / "out", "--size", 16)
    packed, resized = ImageSource(tmp_path / "out"), ImageSource(root, resize=16)
    assert [name.partition("/")[2] for name in packed.names] == [
        "00.png",
        "01.png",
        "02.png",
        "04.png",
        "deep/a.png",
        "deep/b.c.png",
    ]
    readable = [name for name in resized.names if name != "03.png"]
    for name, original in zip(packed.names, readable, strict=True):
        assert torch.equal(packed.read(name), resized.read(original))


def test_png_holds_the_8_bit_pixels(tmp_path, pack):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x.png").write_bytes(png_16(noise(5, 6, depth="uint16")))
    pack(tmp_path / "in", "--out", tmp_path / "out", "--format", "png")
    assert torch.equal(
        ImageSource(tmp_path / "out").read("000000.tar/x.png"), ImageSource(tmp_path / "in").read("x.png")
    )


def test_files_without_a_name_get_an_extension(root, tmp_path, pack):
    datasets.disable_progress_bars()
    files = [(root / name).read_bytes() for name in ("00.png", "deep/a.webp", "deep/b.c.jpg")]
    column = [{"bytes": data, "path": None} for data in files]
    features = datasets.Features(image=datasets.Image())
    datasets.Dataset.from_dict({"image": column}, features=features).save_to_disk(tmp_path / "saved")
    assert pack(f"hf:{tmp_path}/saved", "--out", tmp_path / "out").code == 0
    assert members(tmp_path / "out") == {"000000.tar": ["0.png", "1.webp", "2.jpg"]}
    source = ImageSource(tmp_path / "out")
    assert [source.files.read_bytes(name) for name in source.names] == files


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (["--images-per-shard", 3], "--images-per-shard is 3, but the shards in .* were begun with 2"),
        (["--images-per-shard", 2, "--size", 8], "--size is 8, but .* were begun with None"),
        (["--images-per-shard", 2, "--format", "png"], "--format is png, but .* were begun with keep"),
        ([], "--images-per-shard is None, but"),
    ],
)
def test_other_options_are_refused(root, tmp_path, pack, other, message):
    pack(root, "--out", tmp_path / "out", "--images-per-shard", 2)
    before = contents(tmp_path / "out")
    ended = pack(root, "--out", tmp_path / "out", *other)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert re.search(message, line)
    assert contents(tmp_path / "out") == before


def test_another_root_or_another_file_in_it_is_refused(root, tmp_path, pack):
    pack(root, "--out", tmp_path / "out")
    assert "root is " in pack(folder_of(tmp_path / "other", 5), "--out", tmp_path / "out").err
    write(root / "new.png", noise())
    assert "images is 8, but the shards" in pack(root, "--out", tmp_path / "out").err


def test_mistakes_are_one_line(root, tmp_path, pack):
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/x.png").write_bytes(b"")
    (tmp_path / "file").write_bytes(b"")
    shard(tmp_path / "foreign/x.tar", {})
    for arguments, message in [
        ((tmp_path / "missing", "--out", out), "root is .*missing; allowed is"),
        ((tmp_path / "empty", "--out", out), "it holds no image file"),
        ((tmp_path / "damaged", "--out", out), "it holds no readable image among 1 files"),
        ((root, "--out", tmp_path / "file"), "cannot write .*file: File exists"),
        ((root, "--out", "/proc/pscgan"), "cannot write /proc/pscgan: No such file"),
        ((root, "--out", "/proc"), "cannot write /proc/000000.tar.part: "),
        ((root, "--out", root), "the root itself"),
        ((root, "--out", tmp_path / "foreign"), "it holds x.tar of other origin"),
        ((root, "--out", out, "--images-per-shard", 0), "--images-per-shard is 0; allowed is 1 or more"),
        ((root, "--out", out, "--megabytes-per-shard", "nan"), "--megabytes-per-shard is nan; allowed is more than 0"),
        ((root, "--out", out, "--size", 0), "--size is 0; allowed is 1 or more"),
        ((root, "--out", out, "--size", 8, "--format", "keep"), "--format is keep; allowed with --size is png"),
        ((root, "--out", out, "--size", 41), "resize is 41; 00.png has 40x48 pixels"),
        (("--out", out, "--verify"), "allowed is a folder that pscgan prepare-data has packed to the end"),
    ]:
        line = one_line(pack(*arguments))
        assert re.search(message, line), line
        assert not out.exists() or contents(out) == {}


def test_two_pictures_of_one_stem_do_not_become_one(root, tmp_path, pack):
    write(root / "00.jpg", noise())
    assert "00.jpg and 00.png would both become 00.png" in one_line(pack(root, "--out", tmp_path / "out", "--size", 8))
    pack(root, "--out", tmp_path / "kept")
    assert len(ImageSource(tmp_path / "kept").names) == 7


def test_a_missing_package_names_its_extra(root, tmp_path, pack, monkeypatch):
    monkeypatch.setitem(sys.modules, "webdataset", None)
    assert "pip install 'pscgan[webdataset]'" in one_line(pack(root, "--out", tmp_path / "out"))
