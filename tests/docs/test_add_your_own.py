"""A loss and a task of one's own, in two files each, as the README has them: nobody has to know more than that page."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pscgan.models.unet import UNet
from pscgan.rng import Rng
from pscgan.train.sampling import GeneratorSampler

from ..train.tiny import OVERRIDES, result
from .pages import blocks, lines_of, text_of

README = text_of("README.md")


def of_the_readme(language, first_line):
    (text,) = (block for block in blocks(README, language) if block.startswith(f"# {first_line}\n"))
    return text


def command(word):
    """Arguments of the line that holds a word, behind PYTHONPATH=. and uv run."""
    (words,) = (
        words for _, words in lines_of(README) if any(word in part for part in words) and "PYTHONPATH=." in words
    )
    assert words[:4] == ["PYTHONPATH=.", "uv", "run", "pscgan"]
    return words[4:]


def pscgan(*arguments, cwd):
    paths = (str(cwd), *(str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    return subprocess.run(
        [sys.executable, "-m", "pscgan", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def write(folder, language, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(of_the_readme(language, name))


@pytest.mark.integration
def test_a_loss_trains(tmp_path):
    write(tmp_path, "python", "my_losses.py")
    write(tmp_path, "yaml", "my_conf/penalty/total_variation.yaml")
    verb, *overrides = command("total_variation")
    answer = pscgan(verb, *OVERRIDES, *overrides, "images=16", "hydra.run.dir=run", cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["learning_rate_factor"]]
    assert [row["images_seen"] for row in rows] == ["4", "8", "12", "16"]
    assert all(float(row["generator/total_variation"]) > 0 for row in rows)
    assert all(float(row["generator/fair_crps"]) > 0 for row in rows)


@pytest.mark.integration
def test_a_task_trains_and_is_evaluated(tmp_path):
    write(tmp_path, "python", "my_tasks.py")
    write(tmp_path, "yaml", "my_conf/degradation/interlaced.yaml")
    verb, *overrides = command("degradation=interlaced")
    answer = pscgan(verb, *OVERRIDES, *overrides, cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert result(tmp_path / "runs" / "interlaced")["images_seen"] > 0
    quick = ["samples=2", "images.crop=32", "extractor=[]", "perceptual=[]", "bootstrap=20", "sigma_z=[1.0]"]
    answer = pscgan(*command("[runs/interlaced"), *quick, "hydra.run.dir=evaluated", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    found = json.loads((tmp_path / "evaluated" / "result.json").read_text())
    (ours, _) = found["methods"].values()
    assert ours["values"]["residual/sample"]["value"] == 0  # samples are projected


def test_the_task_keeps_what_the_seam_asks_for():
    names = {}
    exec(of_the_readme("python", "my_tasks.py"), names)
    task, clean, other = names["Interlaced"](), torch.rand(2, 3, 7, 6), torch.rand(2, 3, 7, 6)
    measurement = task(clean, Rng(0, "degradation", [0, 1]))
    assert torch.equal(measurement.degraded[..., 5, :], clean[..., 4, :])
    assert task.residual(clean, measurement).tolist() == [0, 0]
    projected = task.project(other, measurement)
    assert torch.equal(projected[..., ::2, :], clean[..., ::2, :])
    assert torch.equal(projected[..., 1::2, :], other[..., 1::2, :])
    assert (task.residual(other, measurement) > 1).all()
    sampler = GeneratorSampler(UNet(3, 3, width=4, levels=2, encoder_blocks=1).eval(), task)
    with torch.no_grad():
        samples_KBCHW = sampler.restore(measurement, 2, [0, 1])  # its measurements carry no params, and are projected
    assert all(task.residual(sample, measurement).max() == 0 for sample in samples_KBCHW)
