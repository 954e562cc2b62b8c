"""Files that are no checkpoint of this run are named, run no code, and a full disk costs no checkpoint."""

import errno
import os
import pickle
from pathlib import Path

import pytest
import torch

from pscgan import __version__
from pscgan.train.runs import checkpoint
from pscgan.train.runs.checkpoint import DamagedFile, write_checksummed

from ..test_gan_step import make_gan_step, regression, train, weights


def save(path, gan_step):
    checkpoint.save(path, gan_step, {"seed": 0}, {"crps": 0.1}, best_crps=0.1)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "last.ckpt"
    save(path, train(make_gan_step(), 1))
    return path


def test_what_was_saved_comes_back(path):
    gan_step, state = make_gan_step(seed=1), checkpoint.load(path)
    checkpoint.restore(gan_step, state, path)
    assert torch.equal(weights(gan_step.generator), weights(train(make_gan_step(), 1).generator))
    assert (state["version"], state["config"], state["scores"]) == (__version__, {"seed": 0}, {"crps": 0.1})
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_another_architecture_is_named(path):
    from pscgan.models.patch_critic import PatchCritic

    with pytest.raises(ValueError, match=r"last\.ckpt holds another architecture: critic\.\S+ is .* there and .* in"):
        checkpoint.restore(make_gan_step(critic=PatchCritic(3, 3, width=8, levels=2)), checkpoint.load(path), path)
    with pytest.raises(ValueError, match=r"critic\.\S+ is .* there and absent in this config"):
        checkpoint.restore(regression(), checkpoint.load(path), path)


def test_a_newer_format_is_named(path):
    state = checkpoint.load(path) | {"format": checkpoint.FORMAT + 1, "version": "9.9"}
    write_checksummed(path, state)
    with pytest.raises(ValueError, match=r"last\.ckpt has format 3 \(pscgan 9\.9\).*reads up to format 2"):
        checkpoint.load(path)


@pytest.mark.parametrize("state", [{"weights": torch.zeros(3)}, [1, 2], {"format": "one"}], ids=str)
def test_a_checkpoint_of_somebody_else_is_named(path, state):
    write_checksummed(path, state)
    with pytest.raises(ValueError, match=r"last\.ckpt is not a checkpoint of pscgan"):
        checkpoint.load(path)


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (torch.save, lambda path: torch.load(path, weights_only=False)),
        (lambda state, path: path.write_bytes(pickle.dumps(state, 2)), lambda path: pickle.loads(path.read_bytes())),
    ],
    ids=["torch", "pickle"],
)
def test_a_pickle_that_runs_code_does_not_run_it(path, tmp_path, write, read):
    target = tmp_path / "owned"
    write({"format": 1, "gan_step": Payload(target)}, path)
    with pytest.raises(ValueError, match=r"last\.ckpt is damaged, or no file of pscgan"):
        checkpoint.load(path)
    assert not target.exists()
    read(path)  # the trap does spring where code is allowed
    assert target.exists()


def test_a_pickle_that_runs_code_does_not_run_it_under_a_right_checksum_either(path, tmp_path):
    target = tmp_path / "owned"
    write_checksummed(path, {"format": 1, "gan_step": Payload(target)})
    with pytest.raises(ValueError, match=r"last\.ckpt holds more than tensors and plain values: Weights only load"):
        checkpoint.load(path)
    assert not target.exists()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device")])
def test_a_full_disk_keeps_the_last_checkpoint(path, monkeypatch, error):
    before = path.read_bytes()

    def full(descriptor):
        raise error

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"cannot write .*last\.ckpt: No space"):
        save(path, make_gan_step())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def images_seen(state):
    return state["gan_step"]["progress._extra_state"]["images_seen"]


def test_the_one_before_the_last_is_kept_and_offered(path):
    previous = path.with_name("previous.ckpt")
    checkpoint.keep(path, previous)
    save(path, train(make_gan_step(), 2))
    assert images_seen(checkpoint.load_last(path, previous)) == 8
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedFile, match=r"last\.ckpt is damaged.*previous\.ckpt, of image 4, is whole: move last"):
        checkpoint.load_last(path, previous)
    path.rename(path.with_name("damaged.ckpt"))
    assert images_seen(checkpoint.load_last(path, previous)) == 4
    checkpoint.keep(path, previous)  # nothing takes its place until there is a last one
    assert images_seen(checkpoint.load(previous)) == 4


def test_a_damaged_one_without_a_whole_one_before_it(path):
    previous = path.with_name("previous.ckpt")
    path.write_bytes(b"")
    for content in (None, b"also damaged"):
        if content is not None:
            previous.write_bytes(content)
        with pytest.raises(DamagedFile, match="there is no whole one before it"):
            checkpoint.load_last(path, previous)
    assert checkpoint.load_last(path.with_name("a.ckpt"), path.with_name("b.ckpt")) is None
