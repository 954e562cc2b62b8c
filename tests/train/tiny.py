"""Runs of ``pscgan train`` that take a second: in this process, or in one of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_module

from pscgan.train.run import train

OVERRIDES = (
    "init_from=null",
    "penalty=[patch_energy]",
    "images=48",
    "dataset.batch_size=4",
    "dataset.evaluation_crop=32",
    "evaluation.every_images=16",
    "evaluation.samples_per_image=2",
    "log_every_images=4",
    "checkpoint_every_images=8",
    "generator.width=4",
    "critic.width=4",
    "schedule.warmup_images=0",
    "precision=fp32",
    "name=tiny",
)
OF_THE_SAMPLER = ("penalty=[patch_energy]", "critic.width=4")  # a baseline has neither

# what the program itself leaves out of Lightning's words: data is read in this process, log lines are on our clock
LIGHTNING_SAYS = [
    pytest.mark.filterwarnings(f"ignore:.*{words}")
    for words in ("does not have many workers", "smaller than the logging interval", "in eval mode", "LeafSpec")
]


def config_of(folder, *overrides):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        return compose("train", [*OVERRIDES, f"folder={folder}", *overrides])


def run(folder, *overrides):
    """Train in this process."""
    train(config_of(folder, *overrides))
    return Path(folder)


def command(*arguments, cwd, **environment):
    """``pscgan train`` as a user runs it."""
    paths = [environment.pop("PYTHONPATH", ""), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    flags = [argument for argument in arguments if argument.startswith("-")]
    overrides = [argument for argument in arguments if argument not in flags]
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in paths if path)
    return subprocess.run(
        [sys.executable, "-m", "pscgan", "train", *flags, *OVERRIDES, *overrides],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def result(folder):
    return json.loads((folder / "result.json").read_text())


def assert_same_run(folder, expected, *others):
    """Weights, average, optimisers, clocks, log and result, but for the time it took and the names of ``others``."""
    assert (folder / "metrics.csv").read_bytes() == (expected / "metrics.csv").read_bytes()
    assert result(folder) | {"seconds": 0} == result(expected) | {"seconds": 0}
    for name in ("last.ckpt", "best.ckpt"):
        states = [torch.load(path / name, weights_only=True) for path in (folder, expected)]
        for state in states:
            for key in ("config", *others):
                state.pop(key)
            state["gan_step"]["progress._extra_state"]["seconds"] = 0.0
        assert_same(*states, name)


def assert_same(found, expected, place):
    """Bit for bit, at any depth."""
    assert type(found) is type(expected), place
    if isinstance(found, dict):
        assert list(found) == list(expected), place
        for key in found:
            assert_same(found[key], expected[key], f"{place}.{key}")
    elif isinstance(found, list):
        assert len(found) == len(expected), place
        for index, pair in enumerate(zip(found, expected, strict=True)):
            assert_same(*pair, f"{place}.{index}")
    elif isinstance(found, torch.Tensor):
        assert torch.equal(found, expected), place
    else:
        assert found == expected, place
