"""What starts at once: neither a help text, nor a refused option, nor a table of runs imports torch."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

IMPORTED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr))
sys.argv[0] = "pscgan"
from pscgan.__main__ import main
main()
"""
HEAVY = {"torch", "torchvision", "torchmetrics", "pytorch_lightning", "kornia", "timm", "wandb", "matplotlib", "scipy"}


def start(*arguments, code):
    """Lines on stderr, and the top packages that are imported when the program ends with this exit code."""
    command = [sys.executable, "-c", IMPORTED, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr
    *lines, packages = done.stderr.splitlines()
    return lines, set(json.loads(packages))


@pytest.mark.parametrize(
    "arguments",
    [
        *("--help", "--version", "train --help", "train --cfg job", "train --info searchpath"),
        *("evaluate --help", "restore --help"),
        *("evaluate methods=[runs/demo] --cfg job", "export --help", "explore --help", "prepare-data --help"),
        *("runs --help", "models --help", "synthesise --help", "transport --help"),
    ],
)
def test_help_and_config_import_nothing_heavy(arguments):
    assert not start(*arguments.split(), code=0)[1] & HEAVY


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("trian", "train"),
        ("frobnicate", "prepare-data"),
        ("train experiment=demoo", "demo?"),
        ("train experiment=nowhere", "sr4_demo"),
        ("train +sed=3", "seed"),
        ("train seed=abc", "whole number"),
        ("train degradation.sgima=25", "sigma"),
        ("train frobnicate=1", "precision"),
        ("train --multirn", "--multirun"),
        ("evaluate metods=[runs/demo]", "methods"),
        ("restore --sampels 3 --out x", "--samples"),
        ("export x --out y --overwrit-e", "--overwrite"),
        ("explore x --prot 1", "--port"),
        ("prepare-data x --out y --siez 3", "--size"),
        ("runs runs --uot x", "--out"),
        ("models --al", "--help"),
        ("synthesise x --out y --cuont 3", "--count"),
        ("transport x --images y --out z --pacth 3", "--patch"),
    ],
)
def test_a_typo_is_one_line_that_names_what_there_is_and_imports_nothing_heavy(arguments, named):
    (line,), packages = start(*arguments.split(), code=2)
    assert line.startswith("pscgan")
    assert named in line.partition(": ")[2]
    assert not packages & HEAVY


def test_a_table_of_runs_needs_no_torch(tmp_path):
    run = tmp_path / "demo"
    run.mkdir()
    (run / "run.json").write_text("[]")
    (run / "config.yaml").write_text("seed: 0\nname: demo\n")
    (run / "result.json").write_text('{"crps": 0.1, "images_seen": 8}')
    assert not start("runs", tmp_path, "--out", tmp_path / "table", code=0)[1] & HEAVY
    assert (tmp_path / "table" / "runs.csv").exists()


def test_what_a_run_wrote_is_read_whatever_the_locale_is(tmp_path, monkeypatch):
    (tmp_path / "run.json").write_text("[]")
    (tmp_path / "config.yaml").write_text("name: 日本\n", "utf-8")
    (tmp_path / "metrics.csv").write_text("images_seen,validation/日本\n8,0.1\n", "utf-8")
    for name, value in {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}.items():
        monkeypatch.setenv(name, value)
    start("runs", tmp_path, "--out", tmp_path / "table", code=0)
    assert ",unfinished," in (tmp_path / "table" / "runs.csv").read_text("utf-8")  # and not damaged


def test_the_package_itself_is_light():
    code = "import sys, pscgan; print(sorted(n for n in sys.modules if n.startswith('pscgan')), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "['pscgan'] False"
