"""Any root becomes shards, the same bytes whatever the number of kills."""

import json
import os
import re
import resource
import signal
import sys
import tarfile
from collections import namedtuple

import pytest
import torch
import webdataset

from pscgan.data.image_source import ImageSource
from pscgan.data.roots import tar_index
from pscgan.data.roots.manifest import MANIFEST
from pscgan.scripts.prepare_data import main

from ..data.pictures import folder_of, noise, png_16, write
from ..data.test_shards import shard

Ended = namedtuple("Ended", "code out err")
WRITES = ("open", "os.rename", "os.remove", "os.mkdir", "shutil")


@pytest.fixture
def root(tmp_path):
    """Seven pictures, two of them in a folder, one damaged."""
    folder = folder_of(tmp_path / "images", 5)
    write(folder / "deep/b.c.jpg", noise(seed=8))
    (folder / "03.png").write_bytes(b"")
    write(folder / "deep/a.webp", noise(seed=9))
    return folder


@pytest.fixture
def pack(capfd):
    def packed(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Ended(ended.value.code, *capfd.readouterr())

    return packed


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


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
    assert last == "pscgan-prepare-data: 1 of 7 images cannot be read and are left out"
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
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    files = [(root / name).read_bytes() for name in ("00.png", "deep/a.webp", "deep/b.c.jpg")]
    column = [{"bytes": data, "path": None} for data in files]
    features = datasets.Features(image=datasets.Image())
    datasets.Dataset.from_dict({"image": column}, features=features).save_to_disk(tmp_path / "saved")
    assert pack(f"hf:{tmp_path}/saved", "--out", tmp_path / "out").code == 0
    assert members(tmp_path / "out") == {"000000.tar": ["0.png", "1.webp", "2.jpg"]}
    source = ImageSource(tmp_path / "out")
    assert [source.files.read_bytes(name) for name in source.names] == files


def killed_at(moment, arguments):
    """The command in a process of its own, which ends itself with SIGKILL at that change of the disk.

    Returns:
        Whether it was killed; else it ended.
    """
    child = os.fork()
    if not child:
        seen = 0

        def hook(event, values):
            nonlocal seen
            writes = event in WRITES and (event != "open" or (isinstance(values[2], int) and values[2] & os.O_WRONLY))
            seen += writes
            if writes and seen > moment:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            os._exit(ended.code)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 2  # for the damaged image
    return os.WIFSIGNALED(status)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_kill_at_any_change_of_the_disk_leaves_the_same_bytes(root, tmp_path, pack):
    def arguments(out):
        return (root, "--out", tmp_path / out, "--images-per-shard", 2)

    pack(*arguments("whole"))
    whole = contents(tmp_path / "whole")
    assert len(whole) == 3 + 3 + 1  # shards, their indices, the manifest
    moment = 0
    while killed_at(moment, arguments(f"out{moment}")):
        assert pack(*arguments(f"out{moment}")).code == 2
        assert contents(tmp_path / f"out{moment}") == whole
        moment += 1
    assert contents(tmp_path / f"out{moment}") == whole
    assert moment > 3 * 6  # of each shard: begun, in place; index and manifest, each begun and in place
    kills = 0
    while killed_at(8, arguments("often")):
        kills += 1
        assert kills < 20
    assert contents(tmp_path / "often") == whole
    assert kills > 1


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_kills_within_a_shard_leave_the_same_bytes(root, tmp_path, pack, monkeypatch):
    from pscgan.scripts import shard_file

    pack(root, "--out", tmp_path / "whole")
    write_now = shard_file._CountedFile.write

    def write_and_die(self, data):
        write_now(self, data)
        self.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(shard_file._CountedFile, "write", write_and_die)
        assert killed_at(1000, (root, "--out", tmp_path / "out"))
    assert (tmp_path / "out/000000.tar.part").stat().st_size > 0
    pack(root, "--out", tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_finished_shards_are_never_written_again(root, tmp_path, pack):
    arguments = (root, "--out", tmp_path / "out", "--images-per-shard", 2)
    assert killed_at(9, arguments)
    finished = {path: path.stat() for path in (tmp_path / "out").glob("*.tar")}
    assert finished
    for _ in range(2):
        pack(*arguments)
        for path, before in finished.items():
            assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        finished = {path: path.stat() for path in (tmp_path / "out").iterdir()}


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


def one_line(ended):
    (line,) = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert line.startswith("pscgan-prepare-data: ")
    return line


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
        (("--out", out, "--verify"), "allowed is a folder that pscgan-prepare-data has packed to the end"),
    ]:
        line = one_line(pack(*arguments))
        assert re.search(message, line), line
        assert not out.exists() or contents(out) == {}


def test_two_pictures_of_one_stem_do_not_become_one(root, tmp_path, pack):
    write(root / "00.jpg", noise())
    assert "00.jpg and 00.png would both become 00.png" in one_line(pack(root, "--out", tmp_path / "out", "--size", 8))
    pack(root, "--out", tmp_path / "kept")
    assert len(ImageSource(tmp_path / "kept").names) == 7


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(root, tmp_path, pack):
    arguments = (root, "--out", tmp_path / "out", "--images-per-shard", 3)
    pack(root, "--out", tmp_path / "whole", "--images-per-shard", 3)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, limits[1]))
    try:
        ended = pack(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert f"cannot write {tmp_path}/out/000000.tar.part: File too large" in one_line(ended)
    assert contents(tmp_path / "out") == {}
    assert pack(*arguments).code == 2
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_damage_is_found_by_size_when_read_and_by_checksum_when_verified(root, tmp_path, pack):
    out = tmp_path / "out"
    arguments = (root, "--out", out, "--images-per-shard", 2)
    pack(*arguments)
    assert pack("--out", out, "--verify").out == pack(*arguments, "--verify").out
    path = out / "000001.tar"
    data = path.read_bytes()
    path.write_bytes(data[:600] + bytes([data[600] ^ 1]) + data[601:])
    ImageSource(out)
    assert "000001.tar is damaged: its SHA-256 is not" in one_line(pack("--out", out, "--verify"))
    path.write_bytes(data + bytes(512))
    message = rf"000001\.tar has {len(data) + 512:,} bytes; shards\.json says {len(data):,}"
    for shards in (out, path, out / "00000{0..1}.tar"):
        with pytest.raises(ValueError, match=message):
            ImageSource(shards)
    assert ImageSource(out / "000000.tar").names
    path.unlink()
    with pytest.raises(ValueError, match=r"shard \S+000001\.tar is missing"):
        ImageSource(out)
    assert "000001.tar is missing" in one_line(pack(*arguments))
    path.write_bytes(data)
    shard(out / "extra.tar", {})
    assert "extra.tar is not listed" in one_line(pack("--out", out, "--verify"))


def test_the_index_beside_a_shard_is_used_only_where_it_is_right(root, tmp_path, pack, monkeypatch):
    out = tmp_path / "out"
    pack(root, "--out", out)
    path = out / "000000.tar"
    scanned = list(tar_index.scan(path))
    with monkeypatch.context() as patch:
        patch.setattr(tar_index, "scan", None)
        assert list(tar_index.image_members(path)) == scanned
    index = tar_index.index_path(path).read_bytes()
    for wrong in (b"{", b"[]", b"{}", index.replace(b'"bytes": ', b'"bytes": 1')):
        tar_index.index_path(path).write_bytes(wrong)
        assert list(tar_index.image_members(path)) == scanned
        assert "index.json is damaged" in one_line(pack("--out", out, "--verify"))
    tar_index.index_path(path).unlink()
    assert list(tar_index.image_members(path)) == scanned


def test_shards_are_not_read_before_packing_has_ended(root, tmp_path, pack):
    arguments = (root, "--out", tmp_path / "out", "--images-per-shard", 2)
    assert killed_at(9, arguments)
    with pytest.raises(ValueError, match="is not packed to the end; give the same pscgan-prepare-data command again"):
        ImageSource(tmp_path / "out")
    for damage in (b"{", b"[]", json.dumps({"version": 2}).encode()):
        (tmp_path / "out" / MANIFEST).write_bytes(damage)
        with pytest.raises(ValueError, match=r"shards\.json is (damaged|of version 2)"):
            ImageSource(tmp_path / "out")
        assert "shards.json is " in one_line(pack(*arguments))


def test_a_missing_package_names_its_extra(root, tmp_path, pack, monkeypatch):
    monkeypatch.setitem(sys.modules, "webdataset", None)
    assert "pip install 'pscgan[webdataset]'" in one_line(pack(root, "--out", tmp_path / "out"))
