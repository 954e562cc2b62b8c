"""A task of one's own: one file and one YAML outside the package, as the README has them."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import torch

from pscgan.rng import Rng

from .tiny import command, result

README = (Path(__file__).parents[2] / "README.md").read_text()
(CODE,) = re.findall(r"```python\n# my_tasks\.py\n(.*?)```", README, re.DOTALL)
(YAML,) = re.findall(r"```yaml\n# my_conf/degradation/interlaced\.yaml\n(.*?)```", README, re.DOTALL)
(TRAIN,) = re.findall(r"uv run pscgan train (.*degradation=interlaced[^#]*)#", README)
(EVALUATE,) = re.findall(r"uv run pscgan evaluate (.*runs/interlaced.*)\n", README)


def test_a_strangers_task_trains_and_is_judged(tmp_path):
    (tmp_path / "my_conf" / "degradation").mkdir(parents=True)
    (tmp_path / "my_tasks.py").write_text(CODE)
    (tmp_path / "my_conf" / "degradation" / "interlaced.yaml").write_text(YAML)
    answer = command(*shlex.split(TRAIN), cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert result(tmp_path / "runs" / "interlaced")["images_seen"] > 0
    quick = ["samples=2", "images.crop=32", "extractor=[]", "perceptual=[]", "bootstrap=20", "sigma_z=[1.0]"]
    judged = [*shlex.split(EVALUATE), *quick, "hydra.run.dir=judged"]
    paths = [
        str(tmp_path),
        *(str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)),
    ]
    answer = subprocess.run(
        [sys.executable, "-m", "pscgan", "evaluate", *judged],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stderr
    (ours, _) = json.loads((tmp_path / "judged" / "result.json").read_text())["restorers"].values()
    assert ours["values"]["residual/sample"]["value"] == 0  # samples are projected


def test_the_task_keeps_what_the_seam_asks_for():
    names = {}
    exec(CODE, names)
    task, clean, other = names["Interlaced"](), torch.rand(2, 3, 7, 6), torch.rand(2, 3, 7, 6)
    measurement = task(clean, Rng(0, "degradation", [0, 1]))
    assert torch.equal(measurement.degraded[..., 5, :], clean[..., 4, :])
    assert task.residual(clean, measurement).tolist() == [0, 0]
    projected = task.project(other, measurement)
    assert torch.equal(projected[..., ::2, :], clean[..., ::2, :])
    assert torch.equal(projected[..., 1::2, :], other[..., 1::2, :])
    assert (task.residual(other, measurement) > 1).all()
