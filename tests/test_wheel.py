"""What is built, installed alone, restores a photograph from an empty directory."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[1]
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.splitlines():
        if not name.startswith((".", "docs/", "tests/")):
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=folder / "source", check=True, capture_output=True)
    (wheel,) = folder.glob("pscgan-*.whl")
    assert wheel.stat().st_size < 25e6  # models included
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_file_that_is_no_code_is_there(site):
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    folders = ("conf/", "data/", "models/", "scripts/", "train/", "losses/")
    expected = [name for name in tracked.stdout.split() if name.startswith(folders) and not name.endswith(".md")]
    assert [name for name in expected if not (site / "pscgan" / name).is_file()] == []


def test_the_demo_runs_from_an_empty_directory(site, tmp_path):
    command = [sys.executable, "-m", "pscgan", "restore", "--demo", "--samples", "2", "--out", "out"]
    environment = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    records = [json.loads(line) for line in (tmp_path / "out/restore.jsonl").read_text().splitlines()]
    assert all(str(site) in record["file"] for record in records)
    assert [record["mean"]["psnr_to_clean"] > record["samples"][0]["psnr_to_clean"] > 22 for record in records] == [
        True
    ] * 3
