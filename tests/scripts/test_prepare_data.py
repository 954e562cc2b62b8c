"""Any root becomes shards, and mistakes are one line."""

import errno
import os
import re
import shutil
import signal
import sys
import tarfile
from functools import partial

import datasets
import pytest
import torch
import webdataset

from pscgan.data.sources.image_source import ImageSource
from pscgan.scripts.prepare_data import main

from ..data.pictures import noise, write
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
    assert ended.out.startswith(f"{tmp_path}/out: 2 shards, ")
    first, last = ended.err.splitlines()
    assert "03.png" in first
    assert "1 image" in last
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


def test_the_same_images_give_the_same_bytes(root, tmp_path, pack):
    for out in ("one", "two"):
        pack(root, "--out", tmp_path / out, "--images-per-shard", 4)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_nothing_of_the_user_is_overwritten(root, tmp_path, pack):
    out = tmp_path / "out"
    pack(root, "--out", out)
    before = contents(tmp_path)
    for target in (out, root, root / "00.png"):
        assert str(target) in one_line(pack(root, "--out", target))
    assert contents(tmp_path) == before


def test_an_empty_folder_may_be_the_target(root, tmp_path, pack):
    (tmp_path / "100%").mkdir()
    pack(root, "--out", tmp_path / "100%")
    assert [*members(tmp_path / "100%")] == ["000000.tar"]


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("images", range(1, 7))
def test_a_kill_leaves_no_folder_that_reads_as_finished(root, tmp_path, pack, images):
    out = tmp_path / "out"
    child = os.fork()
    if not child:
        write, written = webdataset.ShardWriter.write, []

        def write_and_die(self, sample):
            write(self, sample)
            written.append(sample)
            if len(written) == images:
                os.kill(os.getpid(), signal.SIGKILL)

        webdataset.ShardWriter.write = write_and_die
        main([str(root), "--out", str(out), "--images-per-shard", "2"])
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert not out.exists()
    left = contents(tmp_path / "out.part")
    assert str(tmp_path / "out.part") in one_line(pack(root, "--out", out))
    assert contents(tmp_path / "out.part") == left
    shutil.rmtree(tmp_path / "out.part")
    assert pack(root, "--out", out, "--images-per-shard", 2).code == 2  # for the damaged image
    assert [len(names) for names in members(out).values()] == [2, 2, 2]


def test_an_error_on_the_way_leaves_nothing(root, tmp_path, pack, monkeypatch):
    def full(self, sample):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(webdataset.ShardWriter, "write", full)
    before = contents(tmp_path)
    assert "No space left" in one_line(pack(root, "--out", tmp_path / "out"))
    assert contents(tmp_path) == before
    assert not (tmp_path / "out.part").exists()


def test_mistakes_are_one_line(root, tmp_path, pack):
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/x.png").write_bytes(b"")
    (tmp_path / "file").write_bytes(b"")
    for arguments, message in [
        ((tmp_path / "missing", "--out", out), "root must be an existing folder.*missing"),
        ((tmp_path / "empty", "--out", out), "must hold image files"),
        ((tmp_path / "damaged", "--out", out), "none of its 1"),
        ((root, "--out", tmp_path / "file"), "file"),
        ((root, "--out", "/proc/pscgan"), "/proc/pscgan"),
        ((root, "--out", out, "--images-per-shard", 0), "--images-per-shard .*0"),
        ((root, "--out", out, "--megabytes-per-shard", "nan"), "--megabytes-per-shard .*nan"),
        ((root, "--out", out, "--size", 0), "--size .*0"),
        ((root, "--out", out, "--size", 41), "00.png.*40x48"),
    ]:
        line = one_line(pack(*arguments))
        assert re.search(message, line), line
        assert not out.exists()
        assert not (tmp_path / "out.part").exists()


def test_two_pictures_of_one_stem_do_not_become_one(root, tmp_path, pack):
    write(root / "00.jpg", noise())
    assert "00.jpg and 00.png would both become 00.png" in one_line(pack(root, "--out", tmp_path / "out", "--size", 8))
    pack(root, "--out", tmp_path / "kept")
    assert len(ImageSource(tmp_path / "kept").names) == 7


def test_a_missing_package_names_its_extra(root, tmp_path, pack, monkeypatch):
    monkeypatch.setitem(sys.modules, "webdataset", None)
    assert "pip install pscgan[webdataset]" in one_line(pack(root, "--out", tmp_path / "out"))
