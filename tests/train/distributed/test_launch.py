"""``trainer=ddp_cpu``: one command, several processes."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest
import torch

from pscgan.train.distributed import launch
from pscgan.train.distributed.launch import RankFailure
from pscgan.train.run import train
from pscgan.train.runs.cli_errors import Interrupted, RankError

from ..tiny import OVERRIDES, assert_same_run, config_of, result
from .on_ranks import on_ranks
from .test_run_on_ranks import learn, unbroken  # noqa: F401

TWO = ("trainer=ddp_cpu",)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Ranks forked from a process that has imported everything, instead of starting from nothing."""
    monkeypatch.setattr(launch, "START_METHOD", "forkserver")


@contextlib.contextmanager
def once(folder, act):
    """Act as soon as the run has written a checkpoint."""

    end = time.monotonic() + 250  # less than any limit of those who wait for the run

    def wait():
        while not (folder / "last.ckpt").exists() and time.monotonic() < end:
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


@pytest.mark.integration
def test_the_same_run_as_under_a_launcher_of_somebody_else(unbroken, tmp_path):  # noqa: F811
    crps = train(config_of(tmp_path / "run", *TWO))
    assert crps == result(tmp_path / "run")["crps"]
    assert_same_run(tmp_path / "run", unbroken)


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_to_the_command_stops_all_ranks_with_a_checkpoint(number, unbroken, tmp_path, capfd):  # noqa: F811
    folder = tmp_path / "run"
    before = signal.getsignal(number)
    with once(folder, lambda: os.kill(os.getpid(), number)), pytest.raises(Interrupted) as interrupted:
        train(config_of(folder, *TWO))
    assert interrupted.value.exit_code == 128 + number
    assert capfd.readouterr().err == ""
    assert signal.getsignal(number) == before
    assert not (folder / "result.json").exists()
    train(config_of(folder, *TWO))
    assert_same_run(folder, unbroken)


@pytest.mark.integration
def test_a_rank_that_is_killed_is_named_and_the_others_end(unbroken, tmp_path):  # noqa: F811
    folder, ranks = tmp_path / "run", []

    def kill_one():
        ranks.extend(multiprocessing.active_children())
        os.kill(ranks[-1].pid, signal.SIGKILL)

    with once(folder, kill_one), pytest.raises(RankFailure, match="SIGKILL"):
        train(config_of(folder, *TWO))
    assert len(ranks) >= 2
    assert not any(process.is_alive() for process in ranks)
    train(config_of(folder, *TWO))
    assert_same_run(folder, unbroken)


def fail_on_rank_1(error, config):
    if os.environ["RANK"] == "1":
        raise error
    time.sleep(600)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ValueError("photo.png cannot be read"), RankError, r"^rank 1: photo\.png cannot be read$"),
        (ZeroDivisionError("of ours"), RankFailure, r"^rank 1: ZeroDivisionError: of ours$"),
    ],
)
def test_an_error_of_one_rank_ends_the_others_and_is_named(error, kind, words, tmp_path, capfd):
    with pytest.raises(kind, match=words):
        launch.start(partial(fail_on_rank_1, error), config_of(tmp_path, *TWO), 2)
    assert ("in fail_on_rank_1" in capfd.readouterr().err) == (kind is RankFailure)  # a defect has its traceback


def end_rank_1(end, config):
    """What rank 0 says of it comes first."""
    if os.environ["RANK"] == "0":
        raise RuntimeError("Connection closed by peer")
    time.sleep(0.5)
    end()


def end_by_an_error():
    raise ValueError("photo.png cannot be read")


def end_by_a_kill():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("end", "kind", "words"),
    [
        (end_by_an_error, RankError, r"^rank 1: photo\.png cannot be read$"),
        (end_by_a_kill, RankFailure, r"^rank 1 .*SIGKILL"),
    ],
)
def test_the_rank_that_ends_the_others_is_named_and_nothing_else_is_printed(end, kind, words, tmp_path, capfd):
    with pytest.raises(kind, match=words):
        launch.start(partial(end_rank_1, end), config_of(tmp_path, *TWO), 2)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("reporter", [0, 1])
def test_the_command_reports_an_error_of_whichever_ranks(reporter, tmp_path, monkeypatch):
    ended = {reporter: RankError("photo.png cannot be read", is_reporter=False), 1 - reporter: None}
    monkeypatch.setattr(launch, "elastic_launch", lambda *_: lambda *_: ended)
    with pytest.raises(RankError, match=r"^photo\.png") as raised:
        launch.start(learn, config_of(tmp_path, *TWO), 2)
    assert raised.value.is_reporter


@pytest.mark.integration
def test_an_error_of_the_user_comes_back_as_itself(tmp_path):
    with pytest.raises(ValueError, match=r"^degradation: sigma must .*got 3000"):
        train(config_of(tmp_path / "run", *TWO, "degradation.sigma=3000"))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["trainer=ddp"], "trainer.accelerator is gpu; torch finds none here, choose trainer=cpu or trainer=ddp_cpu"),
        (["trainer.devices=0"], r"trainer\.devices .* got 0"),
        (["trainer.devices=[0,1]"], r"trainer\.devices .* got \[0, 1\]"),
        (["+trainer.num_nodes=2"], r"trainer\.num_nodes .* got 2.*torchrun or srun"),
    ],
)
def test_devices_that_cannot_be(overrides, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        train(config_of(tmp_path / "run", *TWO, *overrides))


def test_torchrun_starts_no_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "is_multirun", lambda: True)
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "0"), ("TORCHELASTIC_RUN_ID", "1")):
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="torchrun cannot start a sweep"):
        train(config_of(tmp_path / "run"))


def test_how_many_processes_are_started(tmp_path, monkeypatch):
    def count(*overrides):
        return launch.processes(config_of(tmp_path, *overrides))

    assert (count(), count(*TWO), count(*TWO, "trainer.devices=3")) == (1, 2, 3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert (count("trainer=gpu"), count("trainer=ddp"), count("trainer=ddp", "trainer.devices=2")) == (1, 4, 2)
    with pytest.raises(ValueError, match=r"trainer\.devices must be <= 4.* got 5"):
        count("trainer=ddp", "trainer.devices=5")
    for place, value in (("WORLD_SIZE", "8"), ("RANK", "0")):
        monkeypatch.setenv(place, value)
    assert count("trainer=ddp") == 1  # a launcher has started them


SRUN = {"SLURM_STEP_NUM_TASKS": 2, "SLURM_STEP_NUM_NODES": 1, "SLURM_NODEID": 0, "SLURM_JOB_ID": 4217}


def learn_under_srun(folder, port):
    """As srun starts it: no variable of torchrun."""
    rank = os.environ["RANK"]
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_USE_AGENT_STORE", "MASTER_ADDR"):
        del os.environ[name]
    os.environ.update({name: str(value) for name, value in SRUN.items()})
    os.environ.update(SLURM_PROCID=rank, SLURM_LOCALID=rank, SLURM_NTASKS="2", MASTER_PORT=port)
    return learn(folder)


@pytest.mark.integration
def test_under_srun(unbroken, tmp_path):  # noqa: F811
    on_ranks(2, learn_under_srun, tmp_path / "run", "29876", join=False)
    assert_same_run(tmp_path / "run", unbroken)


def start_command(*arguments, cwd):
    return subprocess.Popen(
        [sys.executable, *arguments, *OVERRIDES, "hydra.run.dir=run"],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.path.abspath(os.environ.get("PYTHONPATH", ".")), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.integration
def test_the_command_killed_with_all_its_processes_goes_on(unbroken, tmp_path):  # noqa: F811
    killed = start_command("-m", "pscgan", "train", *TWO, cwd=tmp_path)
    with once(tmp_path / "run", lambda: os.killpg(killed.pid, signal.SIGKILL)):
        killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL
    finished = start_command("-m", "pscgan", "train", *TWO, cwd=tmp_path)
    out, err = finished.communicate(timeout=300)
    assert (finished.returncode, err) == (0, "")
    assert out.count("continues at image") == 1
    assert out.count("averaging 2 gains") == 1
    assert_same_run(tmp_path / "run", unbroken)


@pytest.mark.slow
def test_two_nodes_of_torchrun(unbroken, tmp_path):  # noqa: F811
    nodes = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:29877"]
    torchrun = ["-m", "torch.distributed.run", *nodes, "--rdzv-id=1", "-m", "pscgan", "train"]
    both = [start_command(*torchrun, cwd=tmp_path) for _ in range(2)]
    answers = [node.communicate(timeout=300) for node in both]
    assert [node.returncode for node in both] == [0, 0], answers
    assert sum(out.count("averaging 2 gains") for out, _ in answers) == 1
    assert_same_run(tmp_path / "run", unbroken)
