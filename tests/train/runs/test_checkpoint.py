"""Files that are no checkpoint of this run are named, run no code, and a full disk costs no checkpoint."""

import errno
import os
import pickle
import random
from pathlib import Path

import pytest
import torch

from pscgan import __version__
from pscgan.train.runs import checkpoint
from pscgan.train.runs.checkpoint import DamagedFile

from ..test_gan_step import make_gan_step, regression, train, weights
from ..tiny import assert_same


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


def test_another_format_is_named(path):
    state = checkpoint.load(path) | {"format": checkpoint.FORMAT + 1, "version": "9.9"}
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"last\.ckpt .* format 3 .* got 4; pscgan 9\.9 opens it"):
        checkpoint.load(path)


@pytest.mark.parametrize("state", [{"weights": torch.zeros(3)}, [1, 2], {"format": "one"}], ids=str)
def test_a_checkpoint_of_somebody_else_is_named(path, state):
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"last\.ckpt is .*; a model is what pscgan train"):
        checkpoint.load(path)


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("write", "read", "named"),
    [
        (torch.save, lambda path: torch.load(path, weights_only=False), "more than tensors"),
        (
            lambda state, path: path.write_bytes(pickle.dumps(state, 2)),
            lambda path: pickle.loads(path.read_bytes()),
            "is a pickle",
        ),
    ],
    ids=["torch", "pickle"],
)
def test_a_pickle_that_runs_code_does_not_run_it(path, tmp_path, write, read, named):
    target = tmp_path / "owned"
    write({"format": 3, "gan_step": Payload(target)}, path)
    with pytest.raises(ValueError, match=rf"last\.ckpt .*{named}|last\.ckpt {named}"):
        checkpoint.load(path)
    assert not target.exists()
    read(path)  # the trap does spring where code is allowed
    assert target.exists()


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


def flip(rng, content):
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def cut(rng, content):
    del content[rng.randrange(len(content)) :]


def blank(rng, content):
    start = rng.randrange(len(content))
    stop = min(len(content), start + rng.choice([1, 512, 4096]))
    content[start:stop] = bytes(stop - start)


def insert(rng, content):
    start = rng.randrange(len(content) + 1)
    content[start:start] = rng.randbytes(rng.randint(1, 600))


@pytest.mark.parametrize("damage", [flip, cut, blank, insert], ids=lambda damage: damage.__name__)
def test_damage_is_noticed_or_changes_nothing(damage, path):
    """Of random damages none is taken for a checkpoint with other content: archives have bytes that mean nothing."""
    content, rng = path.read_bytes(), random.Random(damage.__name__)
    expected, noticed = checkpoint.load(path), 0
    for _ in range(25):
        damaged = bytearray(content)
        damage(rng, damaged)
        path.write_bytes(damaged)
        try:
            found = checkpoint.load(path)
        except ValueError:
            noticed += 1
        else:
            assert_same(dict(found), dict(expected), damage.__name__)
    assert noticed > 12


@pytest.mark.parametrize("content", [b"", b"hello", b"PK"])
def test_a_file_of_another_kind_is_named(content, path):
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"last\.ckpt"):
        checkpoint.load(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "last.ckpt")
    with pytest.raises(DamagedFile, match=r"last\.ckpt .*regular"):
        checkpoint.load(tmp_path / "last.ckpt")


def test_options_of_the_optimiser_come_from_the_config(path):
    """A run that continues with other betas and another weight decay trains by them."""

    def adam(parameters):
        return torch.optim.AdamW(parameters, lr=0.1, betas=(0.9, 0.99), weight_decay=0.0)

    def changed(parameters):
        return torch.optim.AdamW(parameters, lr=0.1, betas=(0.5, 0.9), weight_decay=0.3)

    save(path, train(make_gan_step(generator_optimizer=adam), 1))
    learned = []
    for make in (adam, changed):
        gan_step = make_gan_step(generator_optimizer=make)
        checkpoint.restore(gan_step, checkpoint.load(path), path)
        (group,) = gan_step.networks["generator"].optimizer.param_groups
        assert (group["betas"], group["weight_decay"]) == (((0.9, 0.99), 0.0) if make is adam else ((0.5, 0.9), 0.3))
        assert gan_step.networks["generator"].state_dict()[0]["exp_avg"].any()
        learned.append(weights(train(gan_step, 1).generator))
    assert not torch.equal(*learned)
