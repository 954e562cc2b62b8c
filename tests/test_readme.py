"""The README says what is true."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_module
from PIL import Image

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names

from .train.export.exporting import exported

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS, SNIPPETS = (re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) for language in ("bash", "python"))
LINES = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
TRAIN = sorted({line.split("pscgan train", 1)[1] for line in LINES if "pscgan train" in line})


@pytest.mark.parametrize("arguments", TRAIN)
def test_every_training_command_composes(arguments):
    """But for what only the program reads: flags, sweeps, and the folder of a stranger's loss or task."""
    words = shlex.split(arguments.replace("DIR", "/images"))
    for_the_program = re.compile(r"hydra\.|.*total_variation|.*interlaced|[^=]*=[^[]*,")
    overrides = [word for word in words if "=" in word and not for_the_program.match(word)]
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*overrides, "folder=unused"])
    assert config.images > 0


def test_the_loss_is_used_alone_as_written():
    (snippet,) = (text for text in SNIPPETS if "pscgan.losses" in text)
    names = {"restored": torch.rand(2, 3, 32, 32, requires_grad=True), "clean": torch.rand(2, 3, 32, 32)}
    exec(snippet, names)
    assert names["restored"].grad.abs().sum() > 0


def test_an_export_is_used_as_written(tmp_path, monkeypatch):
    (snippet,) = (text for text in SNIPPETS if "pscgan.load" in text)
    exported(tmp_path).rename(tmp_path / "demo.safetensors")
    Image.new("RGB", (20, 16), (200, 100, 50)).save(tmp_path / "noisy.png")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(snippet, names)
    assert names["samples"].shape == (8, 1, 3, 16, 20)
    assert (names["mean"].shape, names["spread"].shape) == ((1, 3, 16, 20), (1, 1, 16, 20))


def test_extras_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(re.findall(r"pscgan\[(\w+)\]", README)) == set(project["optional-dependencies"])


def test_every_penalty_on_features_is_in_the_table():
    on_features = [path.stem for path in (ROOT / "conf/penalty").glob("*.yaml") if "/features@" in path.read_text()]
    assert on_features
    assert all(f"`{name}`" in README for name in on_features)


def test_both_commands_stand_alone():
    assert "pip install uv && uv run pscgan train" in LINES
    assert "pip install uv && uv run pytest" in LINES
    assert (ROOT / ".ci" / "run").read_text().count("README.md") == 1


def test_links_lead_somewhere():
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert targets
    assert all((ROOT / target).exists() for target in targets)
