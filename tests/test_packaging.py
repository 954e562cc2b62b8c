"""What is installed is what is here."""

import importlib
import tomllib
from pathlib import Path

import pscgan

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_package_list_equals_the_folders():
    outside = {"tests", ".typings", ".venv", "build", "runs"}
    folders = {path.parent.relative_to(ROOT) for path in ROOT.rglob("__init__.py")}
    names = {".".join(("pscgan", *folder.parts)) for folder in folders if not outside & {*folder.parts[:1]}}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == names


def test_every_command_exists():
    for target in PROJECT["project"]["scripts"].values():
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_the_version_stands_once_for_all():
    assert PROJECT["project"]["version"] == pscgan.__version__
    assert f"## {pscgan.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_exact_versions_cover_the_dependencies():
    exact = {pin.split("==")[0] for pin in PROJECT["tool"]["uv"]["constraint-dependencies"]}
    direct = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    assert {requirement.split(">=")[0] for requirement in direct} <= exact
