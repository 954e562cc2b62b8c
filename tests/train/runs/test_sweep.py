"""Several runs by one command: none falls with another, and all stand in one table."""

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from pscgan.train import run as program
from pscgan.train.lightning_module import SamplerModule
from pscgan.train.runs import sweep
from pscgan.train.runs.sweep import Sweep

from ..test_resume import at
from ..tiny import LIGHTNING_SAYS, command, result
from .sweeping import pscgan_train

__all__ = ["pscgan_train"]
pytestmark = [pytest.mark.integration, *LIGHTNING_SAYS]


def table(folder):
    (path,) = folder.glob("runs/sweeps/*/runs.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_mistake_in_one_run_leaves_the_others_alone(pscgan_train, tmp_path):
    arguments = ("-m", "images=16", "degradation.sigma=50,3000,25")
    code, stdout, stderr = pscgan_train(*arguments)
    mistake, summary = stderr.splitlines()
    assert mistake.startswith("pscgan train: degradation: sigma must")
    assert summary.startswith("pscgan train: 1 of 3 runs failed: ")
    assert code == 1
    (failed,) = tmp_path.glob("runs/*/failed.json")
    assert failed.parent.name in summary
    assert json.loads(failed.read_text())["error"] == mistake.removeprefix("pscgan train: ")
    rows = table(tmp_path)
    assert [row["degradation.sigma"] for row in rows] == ["25", "50", "3000"]  # less noise, lower CRPS
    assert [row["state"].partition(":")[0] for row in rows] == ["finished", "finished", "failed"]
    for row in rows[:2]:
        assert float(row["crps"]) == result(Path(row["folder"]))["crps"]

    code, stdout, stderr = pscgan_train(*arguments)
    assert (code, stdout.count("is finished;"), len(stderr.splitlines())) == (1, 2, 2)


def test_a_run_that_is_not_finite_is_a_failure_and_left_so(pscgan_train, tmp_path):
    arguments = ("-m", "images=16", "generator_optimizer.lr=1e12,1e-3")
    code, _, stderr = pscgan_train(*arguments)
    stopped, summary = stderr.splitlines()
    assert (code, stopped.partition(":")[0], "1 of 2 runs failed" in summary) == (1, "stopped", True)
    assert [row["state"].partition(":")[0] for row in table(tmp_path)] == ["finished", "failed"]
    (failed,) = (path.parent for path in tmp_path.glob("runs/*/failed.json"))
    starts = (failed / "run.json").read_bytes()
    code, stdout, stderr = pscgan_train(*arguments)
    assert (code, stdout.count("is finished;"), "to train again" in stderr) == (1, 1, True)
    assert (failed / "run.json").read_bytes() == starts
    (failed / "result.json").unlink()
    pscgan_train(*arguments)
    assert (failed / "run.json").read_bytes() != starts


def test_a_defect_in_one_run_leaves_the_others_alone_and_has_its_traceback(pscgan_train, tmp_path, monkeypatch):
    def train(config):
        if config.seed == 1:
            raise RuntimeError("out of memory")
        return 0.1

    monkeypatch.setattr(program, "train", train)
    code, _, stderr = pscgan_train("-m", "seed=0,1,2")
    assert code == 1
    assert "Traceback" in stderr
    assert stderr.splitlines()[-1].startswith("pscgan train: 1 of 1 runs failed: ")  # the others wrote nothing
    (failed,) = tmp_path.glob("runs/*/failed.json")
    assert json.loads(failed.read_text())["error"] == "out of memory"
    with pytest.raises(RuntimeError, match="out of memory"):
        pscgan_train("seed=1")
    assert not failed.exists()  # a start clears the mark


def test_a_signal_ends_the_sweep_and_the_same_command_continues(pscgan_train, tmp_path, monkeypatch):
    arguments = ("-m", "images=16", "seed=0,1")
    with monkeypatch.context() as patch:
        at(patch, (SamplerModule, "training_step"), 4, lambda: signal.raise_signal(signal.SIGTERM))
        code, _, stderr = pscgan_train(*arguments)
    assert (code, stderr) == (143, "interrupted by SIGTERM after 8 images; the same command continues\n")
    assert len(list(tmp_path.glob("runs/*/run.json"))) == 1
    assert not list(tmp_path.glob("runs/*/failed.json"))
    code, stdout, stderr = pscgan_train(*arguments)
    assert (code, stderr) == (0, "")
    assert "continues at image 8" in stdout
    assert [row["state"] for row in table(tmp_path)] == ["finished"] * 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_runs_ends_the_sweep(number, pscgan_train, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(sweep, "check_sweep", lambda *_: None)
    Sweep(str(tmp_path / "sweep")).on_multirun_start(config=None)
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(number)
    assert ended.value.code == 128 + number
    assert capfd.readouterr().err == f"interrupted by {number.name}; the same command continues\n"


def test_two_seeds_are_two_runs_in_two_folders(tmp_path):
    answer = command("-m", "seed=0,1", "images=16", cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    first, second = sorted(path.parent for path in tmp_path.glob("runs/*/result.json"))
    scores = [result(folder) for folder in (first, second)]
    assert [score["images_seen"] for score in scores] == [16, 16]
    assert scores[0]["psnr_degraded"] == scores[1]["psnr_degraded"]  # the same measurements
    assert scores[0]["psnr_sample"] != scores[1]["psnr_sample"]  # of another generator


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_runs_of_a_launcher_stand_in_one_table(launcher, tmp_path):
    """In processes of their own; the fast tests run in this one."""
    limit = ["hydra.launcher.n_jobs=2"] if launcher == "joblib" else ["hydra.launcher.timeout_min=5"]
    sweep = ("-m", "images=16", "seed=0,1", "degradation.sigma=50,3000", f"hydra/launcher={launcher}", *limit)
    answer = command(*sweep, cwd=tmp_path)
    assert answer.returncode == 1, answer.stderr
    assert answer.stderr.splitlines()[-1].startswith("pscgan train: 2 of 4 runs failed: ")
    rows = table(tmp_path)
    assert [row["state"].partition(":")[0] for row in rows] == ["finished"] * 2 + ["failed"] * 2
    assert len({os.path.realpath(row["folder"]) for row in rows}) == 4
    scores = [result(path.parent)["crps"] for path in tmp_path.glob("runs/*/result.json")]
    assert sorted(scores) == [float(row["crps"]) for row in rows[:2]]
