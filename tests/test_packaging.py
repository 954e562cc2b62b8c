"""What is installed is what is here, and what an installation lacks is said in one line."""

import importlib
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

import pscgan

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
TRAINING = "pytorch_lightning lightning_fabric torchmetrics torchvision wandb timm kornia jpeglib matplotlib scipy"
WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""
PROGRAM = "sys.argv[0] = 'pscgan'\nfrom pscgan.__main__ import main\nmain()"


def without(packages, code, *arguments):
    """Code that runs where packages are not installed."""
    program = WITHOUT.format(names=set(packages.split())) + code
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def requirements(extra):
    """Names of distributions; extras that an extra names are followed."""
    for requirement in EXTRAS[extra]:
        name, _, inner = requirement.partition("[")
        if name == "pscgan":
            for other in inner.rstrip("]").split(","):
                yield from requirements(other)
        else:
            yield re.split("[<>=]", requirement)[0]


def test_what_the_package_offers_is_found_by_completion_and_help():
    assert set(pscgan.__all__) <= set(dir(pscgan))
    assert all(callable(getattr(pscgan, name)) for name in pscgan.__all__)


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
    groups = chain(*PROJECT["dependency-groups"].values())
    direct = [*PROJECT["project"]["dependencies"], *(entry for entry in groups if isinstance(entry, str))]
    named = {re.split("[>[]", requirement)[0] for requirement in direct if not requirement.startswith("pscgan[")}
    assert named | {name for extra in EXTRAS for name in requirements(extra)} <= exact


def test_tests_have_every_extra():
    (own,) = (entry for entry in PROJECT["dependency-groups"]["dev"] if str(entry).startswith("pscgan["))
    listed = own.removeprefix("pscgan[").rstrip("]").split(",")
    assert {name for extra in listed for name in requirements(extra)} == {n for e in EXTRAS for n in requirements(e)}


def test_whoever_only_restores_does_not_install_what_trains():
    core = {re.split("[<>=]", requirement)[0] for requirement in PROJECT["project"]["dependencies"]}
    assert core.isdisjoint(requirements("train"))


def test_every_extra_that_a_message_names_exists():
    text = "".join(
        path.read_text()
        for folder in ["conf", "data", "docs", "models", "scripts", "train"]
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".yaml")
    )
    assert set(re.findall(r"pscgan\[([a-z]+)\]", text + (ROOT / "README.md").read_text())) <= set(EXTRAS)


@pytest.mark.integration
def test_a_sampler_is_loaded_and_draws_without_what_trains():
    code = """
import torch, pscgan
for name, channels in (("demo", 3), ("jpeg", 3)):
    sampler = pscgan.load(f"bundled:{name}")
    print(sampler.stochastic, sampler.image_channels == channels)
sampler = pscgan.load("bundled:demo")
print(tuple(sampler.sample(torch.full((1, 3, 32, 32), 0.5), 2, seed=0).shape))
"""
    done = without(TRAINING + " hydra omegaconf rich jinja2", code)
    assert done.stdout.splitlines() == ["True True", "True True", "(2, 1, 3, 32, 32)"], done.stderr


@pytest.mark.integration
def test_photographs_are_restored_without_what_trains(tmp_path):
    done = without(TRAINING, PROGRAM, "restore", "--demo", "--samples", "1", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "out").glob("*_mean.png"))) == 3


@pytest.mark.integration
@pytest.mark.parametrize(
    ("packages", "arguments", "extra"),
    [
        ("pytorch_lightning", "train debug=quick", "train"),
        ("torchmetrics", "train debug=quick", "train"),
        ("matplotlib", "evaluate methods=[degraded]", "evaluate"),
        ("starlette", "explore bundled:demo", "explore"),
        ("onnx", "export bundled:demo --out demo.onnx", "onnx"),
    ],
)
def test_a_missing_extra_is_one_line(packages, arguments, extra, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = without(packages, PROGRAM, *arguments.split())
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert packages in line
    assert f"pip install pscgan[{extra}]" in line
