"""The commands in docs/data.md are understood as written."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names
from pscgan.scripts.prepare_data import parse

TEXT = (Path(__file__).parents[1] / "docs" / "data.md").read_text()
LINES = [
    shlex.split(line) for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()
]


@pytest.mark.parametrize("words", [line for line in LINES if line[0] == "pscgan train"], ids=" ".join)
def test_training_reads_the_root_as_it_stands(words):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        dataset = compose("train", [*words[1:], "folder=unused"]).dataset
    written = next(word.partition("=")[2].strip('"') for word in words if word.startswith("dataset.root="))
    assert dataset.root == written
    assert f"| `{written}` |" in TEXT


@pytest.mark.parametrize("words", [line for line in LINES if line[0] == "pscgan prepare-data"], ids=" ".join)
def test_packing_takes_the_options(words):
    assert str(parse(words[1:]).out) == "SHARDS"


def test_every_command_was_found():
    assert {line[0] for line in LINES} == {"pscgan train", "pscgan prepare-data"}


def test_patterns_of_validation_are_quoted_as_hydra_needs():
    (quoted,) = re.findall(r"'(dataset\.validation=.*?)'", TEXT)
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        assert compose("train", ["dataset=shards", "dataset.root=x", quoted, "folder=unused"]).dataset.validation == [
            "val-*"
        ]
