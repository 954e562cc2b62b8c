"""What is wrong with packed shards is found, by size when they are opened, by checksum when they are verified."""

import json
from functools import partial

import pytest

from pscgan.data.sources import tar_index
from pscgan.data.sources.image_source import ImageSource

from ..data.sources.test_tar import shard
from .preparing import one_line, pictures, prepare


@pytest.fixture
def root(tmp_path):
    return pictures(tmp_path / "images")


@pytest.fixture
def pack(capfd):
    return partial(prepare, capfd)


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
    stale = json.dumps({"bytes": path.stat().st_size + 512, "images": []}).encode()
    for wrong in (b"{", b"[]", b"{}", index[:-9], stale):
        tar_index.index_path(path).write_bytes(wrong)
        assert list(tar_index.image_members(path)) == scanned
        assert "index.json is damaged" in one_line(pack("--out", out, "--verify"))
    tar_index.index_path(path).unlink()
    assert list(tar_index.image_members(path)) == scanned
