"""The commands of docs/evaluation.md and of the README's part on it compose, and what they name is there."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

import pscgan.scripts.evaluate  # noqa: F401  registers the resolver of folders' names

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "evaluation.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", TEXT + (ROOT / "README.md").read_text(), re.DOTALL)
LINES = [line.split("  #")[0] for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
COMMANDS = sorted({line.split("pscgan evaluate", 1)[1].strip() for line in LINES if "pscgan evaluate" in line})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_composes(command):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("evaluate", [*shlex.split(command), "folder=unused"])
    assert config.restorers
    assert config.samples == 64


def test_links_lead_somewhere():
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", TEXT)
    assert targets
    assert all((ROOT / "docs" / target).resolve().exists() for target in targets)


def test_every_group_of_figures_is_explained():
    figures = tomllib.loads((ROOT / "train" / "evaluation" / "metric_specs.toml").read_text())
    assert {figure["group"] for figure in figures.values()} == {
        "Distortion", "Perception", "Diversity", "Calibration", "Consistency", "Cost"
    }  # fmt: skip
    for figure in figures.values():
        assert figure["explained"].endswith(".")
        assert len(figure["explained"]) > 30
