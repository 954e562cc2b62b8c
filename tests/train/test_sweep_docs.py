"""docs/sweeps.md says what composes."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.core.override_parser.overrides_parser import OverridesParser

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names

pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
DOCS = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", DOCS, re.DOTALL)
LINES = [line.partition(" #")[0] for block in BLOCKS for line in block.replace("\\\n", "").splitlines()]
TRAIN = [line.partition("pscgan train")[2] for line in LINES if "pscgan train" in line]


@pytest.mark.parametrize("arguments", TRAIN)
def test_every_command_composes(arguments):
    """The first of a grid's values stands for them all; values drawn by Optuna have none."""
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
