"""What docs/tasks.md names exists, and its command is understood as written."""

import re
import shlex
import subprocess
from pathlib import Path

import torch
from hydra import compose, initialize_config_module

import pscgan.scripts.evaluate
import pscgan.scripts.train  # noqa: F401  registers the resolver of run names
from pscgan.data.sources.pairs import PairSource
from pscgan.scripts.benchmarks.gallery import task_names

from .data.pictures import folder_of

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "tasks.md").read_text()


def test_every_task_and_demo_exists():
    rows = re.findall(r"^\| (`.*?) \|.*\| (.*?) \|$", TEXT, re.MULTILINE)
    tasks, demos = (re.findall(r"`(\w+)`", " ".join(column)) for column in list(zip(*rows, strict=True)))
    presets = re.findall(r"`(?:degradation=)?(icassp_\w+)`", TEXT)
    assert tasks
    assert demos
    assert all((ROOT / "conf" / "degradation" / f"{name}.yaml").exists() for name in tasks + presets)
    assert all((ROOT / "conf" / "experiment" / f"{name}.yaml").exists() for name in demos)
    assert len(presets) == len(list((ROOT / "conf" / "degradation").glob("icassp_*.yaml")))


def test_the_lines_on_recorded_noise_make_pairs_and_compose(tmp_path):
    (block,) = re.findall(r"```bash\n(mkdir CLEAN.*?)```", TEXT, re.DOTALL)
    *shell, train, evaluate = block.splitlines()
    for name in ("a 1", "b_2"):
        folder_of(tmp_path / name, 2)
        for index, kind in enumerate(("mean", "real")):
            (tmp_path / "CROPS").mkdir(exist_ok=True)
            (tmp_path / name / f"{index:02d}.png").rename(tmp_path / "CROPS" / f"{name}_{kind}.JPG")
    subprocess.run(["bash", "-ec", "\n".join(shell)], cwd=tmp_path, check=True)
    source = PairSource(tmp_path / "CLEAN", tmp_path / "RECORDED")
    assert source.names == ["a 1.jpg", "b_2.jpg"]
    assert all(not torch.equal(*source.read(name).chunk(2)) for name in source.names)
    (held_out,) = re.findall(r"`'(dataset\.validation=.*?)'`", TEXT)
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        dataset = compose("train", [*shlex.split(train)[1:], held_out, "folder=unused"]).dataset
        images = compose("evaluate", [*shlex.split(evaluate)[1:], "folder=unused"]).images
    assert (dataset.root, dataset.recorded, len(dataset.validation)) == ("CLEAN", "RECORDED", 7)
    assert (images.root, images.recorded, images.patterns) == ("CLEAN", "RECORDED", ["Sony*"])


def test_a_mask_of_ones_own_composes():
    (line,) = re.findall(r"```bash\npscgan-train (.*?)\n```", TEXT, re.DOTALL)
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*shlex.split(line), "folder=unused"])
    assert set(config.degradation.operator.mask) == {"_target_", "path"}


def test_every_demo_is_in_the_gallery():
    page = (ROOT / "docs" / "gallery.md").read_text()
    shown = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert shown == task_names()
    assert all((ROOT / "docs" / picture).exists() for picture in re.findall(r"\]\((.*?\.webp)\)", page))
