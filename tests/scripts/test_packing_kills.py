"""However often packing is interrupted, the bytes are the same."""

import json
import os
import resource
import signal
from functools import partial

import pytest

from pscgan.data.sources.image_source import ImageSource
from pscgan.data.sources.manifest import MANIFEST
from pscgan.scripts import shard_file
from pscgan.train.runs.folder import FolderLock

from .preparing import contents, killed_at, one_line, pictures, prepare

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # Python 3.12 and later


@pytest.fixture
def root(tmp_path):
    return pictures(tmp_path / "images")


@pytest.fixture
def pack(capfd):
    return partial(prepare, capfd)


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


def test_kills_within_a_shard_leave_the_same_bytes(root, tmp_path, pack, monkeypatch):
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


def test_shards_are_not_read_before_packing_has_ended(root, tmp_path, pack):
    arguments = (root, "--out", tmp_path / "out", "--images-per-shard", 2)
    assert killed_at(9, arguments)
    with pytest.raises(ValueError, match="is not packed to the end; give the same pscgan prepare-data command again"):
        ImageSource(tmp_path / "out")
    for damage in (b"{", b"[]", json.dumps({"version": 2}).encode()):
        (tmp_path / "out" / MANIFEST).write_bytes(damage)
        with pytest.raises(ValueError, match=r"shards\.json is (damaged|of version 2)"):
            ImageSource(tmp_path / "out")
        assert "shards.json is " in one_line(pack(*arguments))


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


def test_one_process_at_a_time(root, tmp_path, pack):
    arguments = (root, "--out", tmp_path / "out")
    with FolderLock(tmp_path / "out"):
        assert "is in use by another process; allowed is one at a time" in one_line(pack(*arguments))
        assert contents(tmp_path / "out") == {}
    assert pack(*arguments).code == 2
    assert len(contents(tmp_path / "out")) == 3
