"""docs/sweeps.md says what composes."""

import json
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_module
from hydra.core.override_parser.overrides_parser import OverridesParser

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names

DOCS = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", DOCS, re.DOTALL)
LINES = [line.partition(" #")[0] for block in BLOCKS for line in block.replace("\\\n", "").splitlines()]
TRAIN = [line.partition("pscgan train")[2] for line in LINES if "pscgan train" in line]


@pytest.mark.parametrize("arguments", TRAIN)
def test_every_command_composes(arguments):
    """The first of a grid's values stands for them all."""
    words = [word for word in shlex.split(arguments.replace("DIR", "/images")) if word != "-m"]
    parsed = OverridesParser.create().parse_overrides(words)
    fixed = [one.input_line for one in parsed if not one.is_sweep_override()]
    first = [f"{one.key_or_group}={next(one.sweep_string_iterator())}" for one in parsed if one.is_choice_sweep()]
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*fixed, *first, "folder=unused"], return_hydra_config=True)
    for part in ("launcher", "sweeper"):
        module, _, name = config.hydra[part]._target_.rpartition(".")
        assert getattr(import_module(module), name)
    assert config.images > 0


def test_the_search_runs_and_gives_the_crps(tmp_path, monkeypatch):
    """With a study that tries one trial, and a program that writes what it was told."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    composed, scores = [], []

    def run(command, check):
        with initialize_config_module("pscgan.conf", version_base="1.3"):
            composed.append(compose("train", command[2:], return_hydra_config=True))
        folder = Path(composed[-1].hydra.run.dir)
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps({"crps": 0.25}))
        return subprocess.CompletedProcess(command, 0)

    trial = SimpleNamespace(
        number=7,
        suggest_float=lambda name, low, high, log: (low * high) ** 0.5,
        suggest_categorical=lambda name, choices: choices[-1],
    )
    study = SimpleNamespace(optimize=lambda objective, n_trials: scores.append(objective(trial)))
    monkeypatch.setitem(sys.modules, "optuna", SimpleNamespace(create_study=lambda **options: study))
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["search.py", "experiment=demo"])
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "search.py", "exec"), {})
    (config,) = composed
    assert scores == [0.25]
    assert config.penalty.patch_energy.samples_per_image == 4
    assert 1e-4 < config.adversarial.generator_weight < 3e-2
