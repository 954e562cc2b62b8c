"""What was written, or an error: nothing between."""

import random
import zipfile

import pytest
import torch

from pscgan.train.runs.checkpoint import SEAL, DamagedFile, read_checksummed, write_checksummed

STATE = {"weights": torch.arange(999.0), "zeros": torch.zeros(500), "nested": {"list": [1, 2.5, "three"]}}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("sealed") / "state.ckpt"
    write_checksummed(path, STATE)
    return path.read_bytes()


def flip(rng, content):
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def cut(rng, content):
    del content[rng.randrange(len(content)) :]


def cut_out(rng, content):
    start = rng.randrange(len(content))
    del content[start : start + rng.randint(1, 4096)]


def blank(rng, content):
    start = rng.randrange(len(content))
    stop = min(len(content), start + rng.choice([1, 512, 4096]))
    content[start:stop] = bytes(stop - start)


def scribble(rng, content):
    start = rng.randrange(len(content))
    stop = min(len(content), start + rng.randint(1, 4096))
    content[start:stop] = rng.randbytes(stop - start)


def insert(rng, content):
    start = rng.randrange(len(content) + 1)
    content[start:start] = rng.randbytes(rng.randint(1, 600))


@pytest.mark.parametrize("damage", [flip, cut, cut_out, blank, scribble, insert], ids=lambda damage: damage.__name__)
def test_damage_is_noticed(damage, content, tmp_path):
    """Forty times each: 240 random damages."""
    path, tried, rng = tmp_path / "state.ckpt", 0, random.Random(damage.__name__)
    while tried < 40:
        damaged = bytearray(content)
        damage(rng, damaged)
        if damaged == content:
            continue
        path.write_bytes(damaged)
        with pytest.raises(DamagedFile, match=r"state\.ckpt is damaged, or no file of pscgan"):
            read_checksummed(path)
        tried += 1


def test_it_remains_an_archive_that_torch_reads(content, tmp_path):
    path = tmp_path / "state.ckpt"
    path.write_bytes(content)
    for state in (read_checksummed(path), torch.load(path, weights_only=True)):
        assert torch.equal(state["weights"], STATE["weights"])
        assert state["nested"] == STATE["nested"]
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(SEAL)


@pytest.mark.parametrize("found", [b"", b"hello", b"sha256:" + b"0" * 64])
def test_files_of_another_kind(found, tmp_path):
    path = tmp_path / "state.ckpt"
    path.write_bytes(found)
    with pytest.raises(DamagedFile, match="is damaged, or no file of pscgan"):
        read_checksummed(path)


def test_nothing_is_left_beside_it(tmp_path):
    write_checksummed(tmp_path / "state.ckpt", STATE)
    assert [file.name for file in tmp_path.iterdir()] == ["state.ckpt"]
