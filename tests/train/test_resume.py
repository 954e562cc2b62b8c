"""The same command goes on with a run that was interrupted, and ends where the uninterrupted run ends."""

import json
import os
import signal
from functools import partial

import pytest
import torch

from pscgan.train import run as program
from pscgan.train.callbacks.checkpointing import Checkpointing
from pscgan.train.callbacks.logging import LogTerms
from pscgan.train.callbacks.sample_grid import SampleGrid
from pscgan.train.lightning_module import SamplerModule
from pscgan.train.runs.cli_errors import Interrupted
from pscgan.train.runs.folder import RunFolder

from .tiny import LIGHTNING_SAYS, assert_same_run, command, config_of, result, run

pytestmark = [pytest.mark.integration, *LIGHTNING_SAYS]
PID = os.getpid()
SPARSE = "log_every_images=12"  # log lines that fall between checkpoints, so that half a mean is carried over


@pytest.fixture(autouse=True)
def signals_end_with_those_they_belonged_to():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    return run(tmp_path_factory.mktemp("unbroken") / "run", SPARSE)


class Killed(BaseException):
    """Nobody catches it, so nothing is written after it."""


def images_in(folder):
    return torch.load(folder / "last.ckpt", weights_only=True)["gan_step"]["progress._extra_state"]["images_seen"]


def at(monkeypatch, place, images_seen, act):
    """Act once, before the given method when the clock stands at ``images_seen``."""
    owner, name = place
    method, acted = getattr(owner, name), []

    def wrapped(self, *arguments):
        training = next((one for one in (self, *arguments) if isinstance(one, SamplerModule)), None)
        if not acted and (training is None or training.images_seen == images_seen):
            acted.append(True)
            act()
        return method(self, *arguments)

    monkeypatch.setattr(owner, name, wrapped)
    return acted


def kill():
    raise Killed


@pytest.mark.parametrize(
    ("number", "seen", "saved"),
    [
        (signal.SIGINT, 0, 4),  # in the first batch
        (signal.SIGTERM, 4, 8),  # where a checkpoint is due
        (signal.SIGINT, 12, 16),  # in the last batch before a validation
        (signal.SIGTERM, 16, 20),  # in the first one after it
        (signal.SIGINT, 24, 28),  # between two log lines
    ],
)
def test_a_signal_leaves_a_checkpoint_to_go_on_from(number, seen, saved, unbroken, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        at(patch, (SamplerModule, "training_step"), seen, lambda: signal.raise_signal(number))
        with pytest.raises(Interrupted) as interrupted:
            run(folder, SPARSE)
    assert interrupted.value.exit_code == 128 + number
    assert images_in(folder) == saved
    assert not (folder / "result.json").exists()
    assert_same_run(run(folder, SPARSE), unbroken)


def test_a_signal_during_a_validation_waits_for_its_end(unbroken, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        at(patch, (SamplerModule, "validation_step"), 16, lambda: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(Interrupted):
            run(folder, SPARSE)
    assert images_in(folder) == 16
    assert_same_run(run(folder, SPARSE), unbroken)


def test_a_signal_in_the_last_batch_lets_the_run_finish(unbroken, tmp_path, monkeypatch):
    at(monkeypatch, (SamplerModule, "training_step"), 44, lambda: signal.raise_signal(signal.SIGINT))
    assert_same_run(run(tmp_path / "run", SPARSE), unbroken)


@pytest.mark.parametrize(
    ("place", "seen", "saved"),
    [
        ((SamplerModule, "training_step"), 0, None),
        ((SamplerModule, "training_step"), 4, None),  # before the first checkpoint
        ((SamplerModule, "training_step"), 12, 8),  # between two checkpoints
        ((SamplerModule, "validation_step"), 16, 8),
        ((SampleGrid, "on_validation_end"), 16, 8),  # with the scores of the validation logged
        ((Checkpointing, "on_validation_end"), 32, 24),  # with the picture drawn as well
        ((LogTerms, "on_train_batch_end"), 36, 32),
        ((SamplerModule, "training_step"), 36, 32),  # after a log line that no checkpoint follows
        ((RunFolder, "write_result"), 48, 48),  # with all images seen
    ],
)
def test_a_kill_costs_the_images_since_the_last_checkpoint(place, seen, saved, unbroken, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        acted = at(patch, place, seen, kill)
        with pytest.raises(Killed):
            run(folder, SPARSE)
    assert acted
    assert (images_in(folder) if (folder / "last.ckpt").exists() else None) == saved
    assert_same_run(run(folder, SPARSE), unbroken)


def test_a_run_is_killed_again_and_again(unbroken, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    for seen in (12, 20, 28, 44):
        with monkeypatch.context() as patch:
            at(patch, (SamplerModule, "training_step"), seen, kill)
            with pytest.raises(Killed):
                run(folder, SPARSE)
    assert_same_run(run(folder, SPARSE), unbroken)


def test_a_finished_run_is_not_touched(unbroken, monkeypatch, capsys):
    def times():
        return {path: path.stat().st_mtime_ns for path in (unbroken, *unbroken.rglob("*"))}

    before = times()
    monkeypatch.setattr(program, "build_training", lambda config: pytest.fail("builds a finished run"))
    run(unbroken, SPARSE)
    assert times() == before
    printed = capsys.readouterr().out
    assert "is finished" in printed
    assert "mean of 2 samples" in printed


def test_the_warning_of_slurm_puts_the_job_in_the_queue_again(unbroken, tmp_path, monkeypatch):
    scontrol = tmp_path / "scontrol"
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SLURM_JOB_ID", "4217")
    for number in (signal.SIGTERM, signal.SIGUSR1):  # only one of them is the warning
        with monkeypatch.context() as patch:
            at(
                patch,
                (SamplerModule, "training_step"),
                12 if number == signal.SIGTERM else 24,
                partial(os.kill, PID, number),
            )
            with pytest.raises(Interrupted):
                run(tmp_path / "run", SPARSE)
    assert (tmp_path / "said").read_text() == "requeue 4217\n"
    assert_same_run(run(tmp_path / "run", SPARSE), unbroken)


def test_a_longer_run_goes_on_where_the_shorter_one_ended_and_keeps_what_was_changed(tmp_path, capsys):
    folder = tmp_path / "run"
    run(folder, "images=16")
    with pytest.raises(ValueError, match=r"images: 16 there, 32 now; .*allow_changed_config"):
        run(folder, "images=32")
    capsys.readouterr()
    run(folder, "images=32", "allow_changed_config=true")
    assert "continues at image 16 with changes (images: 16 there, 32 now; " in capsys.readouterr().out
    assert result(folder)["images_seen"] == 32
    first, second = json.loads((folder / "run.json").read_text())
    lines = [f"{name}: 16 there, 32 now" for name in ("images", "schedule.images")]
    assert (first["changes"], second["changes"]) == ([], lines)
    with pytest.raises(ValueError, match="images: 32 there, 16 now"):  # the folder is now of the longer run
        run(folder, "images=16")


def test_a_batch_that_does_not_fit_the_images_seen_is_refused(tmp_path):
    run(tmp_path / "run", "images=16")
    clocks = [
        f"{name}=36" for name in ("images", "log_every_images", "checkpoint_every_images", "evaluation.every_images")
    ]
    with pytest.raises(ValueError, match=r"dataset\.batch_size must divide the 16 images.* got 6"):
        run(tmp_path / "run", *clocks, "dataset.batch_size=6", "allow_changed_config=true")


STOPPER = """
import os
import signal

import pytorch_lightning as pl


class Stopper(pl.Callback):
    def on_train_batch_start(self, trainer, module, batch, batch_index):
        images, _, number = os.environ.get("STOP_AT", "").partition(":")
        if images and module.images_seen == int(images):
            os.kill(os.getpid(), int(number))
"""


def test_the_command_is_interrupted_terminated_killed_and_ends_as_if_nothing_had_been(unbroken, tmp_path):
    (tmp_path / "stopper.py").write_text(STOPPER)
    arguments = ("+callbacks.stop={_target_: stopper.Stopper}", SPARSE, "hydra.run.dir=run")

    def start(stop_at=""):
        return command(*arguments, cwd=tmp_path, PYTHONPATH=str(tmp_path), STOP_AT=stop_at)

    for number, seen, code, words in (
        (signal.SIGINT, 12, 130, "interrupted by SIGINT after 16 images; the same command continues\n"),
        (signal.SIGTERM, 24, 143, "interrupted by SIGTERM after 28 images; the same command continues\n"),
        (signal.SIGKILL, 36, -9, ""),
    ):
        stopped = start(f"{seen}:{int(number)}")
        assert (stopped.returncode, stopped.stderr) == (code, words)
        assert not (tmp_path / "run" / "result.json").exists()
    finished = start()
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "continues at image 32" in finished.stdout
    assert_same_run(tmp_path / "run", unbroken)


def test_a_signal_that_comes_twice_at_once_is_one(monkeypatch, tmp_path):
    now, callback = [100.0], Checkpointing(RunFolder(config_of(tmp_path)))
    monkeypatch.setattr("pscgan.train.callbacks.checkpointing.time.monotonic", lambda: now[0])
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        callback._note(number, None)
    assert callback._received == signal.SIGINT
    now[0] += 1.1
    with pytest.raises(KeyboardInterrupt):
        callback._note(signal.SIGINT, None)
