"""Files that are no checkpoint of this run are named, run no code, and a full disk costs no checkpoint."""

import errno
import pickle
from pathlib import Path

import pytest
import torch

from pscgan import __version__
from pscgan.train import checkpoint

from .test_game import make_game, play, regression, weights


def save(path, game):
    checkpoint.save(path, game, {"seed": 0}, {"crps": 0.1}, best_crps=0.1)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "last.ckpt"
    save(path, play(make_game(), 1))
    return path


def test_what_was_saved_comes_back(path):
    game, state = make_game(seed=1), checkpoint.load(path)
    checkpoint.restore(game, state, path)
    assert torch.equal(weights(game.generator), weights(play(make_game(), 1).generator))
    assert (state["version"], state["config"], state["scores"]) == (__version__, {"seed": 0}, {"crps": 0.1})
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_another_architecture_is_named(path):
    from pscgan.models.patch_critic import PatchCritic

    with pytest.raises(ValueError, match=r"last\.ckpt holds another architecture: critic\.\S+ is .* there and .* in"):
        checkpoint.restore(make_game(critic=PatchCritic(3, 3, width=8, levels=2)), checkpoint.load(path), path)
    with pytest.raises(ValueError, match=r"critic\.\S+ is .* there and absent in this config"):
        checkpoint.restore(regression(), checkpoint.load(path), path)


def test_a_newer_format_is_named(path):
    state = checkpoint.load(path) | {"format": checkpoint.FORMAT + 1, "version": "9.9"}
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"last\.ckpt has format 2 \(pscgan 9\.9\).*reads up to format 1"):
        checkpoint.load(path)


@pytest.mark.parametrize("state", [{"weights": torch.zeros(3)}, [1, 2], {"format": "one"}], ids=str)
def test_a_checkpoint_of_somebody_else_is_named(path, state):
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"last\.ckpt is not a checkpoint of pscgan"):
        checkpoint.load(path)


@pytest.mark.parametrize("kept", [0, 1, 1000, 0.5, 0.99])
def test_a_truncated_file_is_named(path, kept):
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(ValueError, match=r"last\.ckpt is not a readable checkpoint: \S"):
        checkpoint.load(path)


# each one makes the unpickler fail in another way
@pytest.mark.parametrize("content", [b"hello", b"A text.\n", b"0", b"a", b"J", b"\x80\x04", b"X\xff\xff\xff\xff", b"P"])
def test_a_file_of_another_kind_is_named(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"last\.ckpt is not a"):
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
    write({"format": 1, "game": Payload(target)}, path)
    with pytest.raises(ValueError, match=r"last\.ckpt is not a readable checkpoint"):
        checkpoint.load(path)
    assert not target.exists()
    read(path)  # the trap does spring where code is allowed
    assert target.exists()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("write failed")])
def test_a_full_disk_keeps_the_last_checkpoint(path, monkeypatch, error):
    before = path.read_bytes()

    def full(state, file):
        file.write(b"half of it")
        raise error

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"cannot write checkpoint .*last\.ckpt: .*(No space|write failed)"):
        save(path, make_game())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
