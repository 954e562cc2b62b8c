"""The README says what is true."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

import pscgan.train.__main__  # noqa: F401  registers the resolver of run names

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
LINES = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
TRAIN = sorted({line.split("pscgan-train", 1)[1] for line in LINES if "pscgan-train" in line})


@pytest.mark.parametrize("arguments", TRAIN)
def test_every_training_command_composes(arguments):
    """But for what only the program reads: flags, sweeps, and the folder of a stranger's loss."""
    words = shlex.split(arguments.replace("DIR", "/images"))
    for_the_program = re.compile(r"hydra\.|.*total_variation|[^=]*=[^[]*,")
    overrides = [word for word in words if "=" in word and not for_the_program.match(word)]
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*overrides, "folder=unused"])
    assert config.images > 0


def test_both_commands_stand_alone():
    assert "pip install uv && uv run pscgan-train" in LINES
    assert "pip install uv && uv run pytest" in LINES
    assert (ROOT / ".ci" / "run").read_text().count("README.md") == 1


def test_links_lead_somewhere():
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert targets
    assert all((ROOT / target).exists() for target in targets)
