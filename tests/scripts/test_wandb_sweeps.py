"""Sweeps of wandb: the agent's own code makes the command, offline."""

import json
import os
import stat
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hydra import compose, initialize_config_module

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names

from ..train.tiny import OVERRIDES

agents = pytest.importorskip("wandb.wandb_agent")

SWEEPS = sorted((Path(__file__).parents[2] / "scripts" / "sweeps").glob("*.yaml"))


def drawn(parameter):
    return parameter["values"][0] if "values" in parameter else (parameter["min"] + parameter["max"]) / 2


@pytest.fixture
def start(tmp_path, monkeypatch):
    """(sweep) -> what the agent would run, and where: command and environment."""
    for name in ("WANDB_RUN_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_DIR"):
        monkeypatch.setenv(name, "")  # the agent sets them
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    process, started = agents.AgentProcess, []
    monkeypatch.setattr(agents, "AgentProcess", lambda **arguments: started.append(arguments) or SimpleNamespace())

    def begin(sweep, *more):
        agent = agents.Agent(None, None, sweep_id="sweep")
        agent._sweep_command = [*sweep["command"], *more]
        arguments = {name: {"value": drawn(parameter)} for name, parameter in sweep["parameters"].items()}
        agent._command_run({"run_id": "first", "program": sweep["program"], "args": arguments})
        return started[-1]["command"], started[-1]["env"], process

    return begin


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_the_agents_command_composes_and_takes_every_parameter(path, start):
    sweep = yaml.safe_load(path.read_text())
    command, _, _ = start(sweep)
    assert command[:3] == ["/usr/bin/env", "pscgan", "train"]
    assert sweep["metric"] == {"name": "validation/crps", "goal": "minimize"}
    assert {f"{name}={drawn(parameter)}" for name, parameter in sweep["parameters"].items()} <= set(command)
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*command[3:], "folder=unused"])
    assert "wandb" in config.logger


@pytest.fixture
def program(tmp_path, monkeypatch):
    """``pscgan`` on the path, as an installation puts it there."""
    script = tmp_path / "bin" / "pscgan"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\nfrom pscgan.__main__ import main\n\nmain()\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(Path(path).absolute()) for path in paths if path))


@pytest.mark.slow
def test_a_run_that_the_agent_stops_is_continued_by_the_same_command(program, start, tmp_path):
    """The fast tests are the one above, and those of signals in tests/train/test_resume.py."""
    sweep = yaml.safe_load(SWEEPS[0].read_text())
    given = {*sweep["parameters"], "evaluation.every_images", "penalty"}
    tiny = [override for override in OVERRIDES if override.partition("=")[0] not in given]
    long = [override for override in tiny if not override.startswith("images=")]
    command, env, process = start(sweep, *long, "images=5200")
    first = process(command=command, env=dict(env))
    while not list(tmp_path.glob("runs/*/last.ckpt")):
        assert first.poll() is None
        time.sleep(0.1)
    first.terminate()  # as the agent does where hyperband ends a run
    assert first.wait(timeout=120) == 128 + 15
    (run,) = (path.parent for path in tmp_path.glob("runs/*/last.ckpt"))
    assert not (run / "result.json").exists()
    seen = json.loads((run / "run.json").read_text())
    assert [entry["images_seen"] for entry in seen] == [0]
    second = process(command=command, env=dict(env))
    while len(list(tmp_path.glob("wandb/offline-run-*-first/*.wandb"))) == 1:  # the agent's name of the run
        assert second.poll() is None
        time.sleep(0.1)
    second.terminate()
    second.wait(timeout=120)
    assert json.loads((run / "run.json").read_text())[1]["images_seen"] > 0
    assert (run / "wandb_id").read_text() == "first\n"
