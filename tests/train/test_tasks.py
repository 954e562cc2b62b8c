"""Every task's experiment trains."""

import csv
import math
from pathlib import Path

import pytest

from pscgan.scripts.benchmarks.gallery import task_names

from ..data.pictures import folder_of
from .tiny import LIGHTNING_SAYS, result, run

pytestmark = LIGHTNING_SAYS

CONF = Path(__file__).parents[2] / "conf"
FACES = ("experiment=icassp", "dataset.root=bundled:photos", "dataset.validation=3", "dataset.evaluation_crop=64")
DEMOS = {name: [f"experiment={name}"] for name in task_names()}
PRESETS = {
    path.stem: [*FACES, f"degradation={path.stem}"] for path in sorted((CONF / "degradation").glob("icassp_*.yaml"))
}
TASKS = DEMOS | PRESETS
BATCH = 4


def train_steps(folder, overrides, steps):
    images = steps * BATCH
    default = ("penalty=[calibrated]", f"images={images}", f"evaluation.every_images={images}", "logger=[csv]")
    return run(folder, *overrides, *default)


def assert_finite(folder):
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    values = {name: float(value) for row in rows for name, value in row.items() if value}
    assert any(name.startswith("generator/") for name in values)
    assert any(name.startswith("critic/") for name in values)
    assert all(math.isfinite(value) for value in values.values()), values


def test_there_are_tasks():
    assert DEMOS
    assert len(PRESETS) == 5


@pytest.mark.parametrize("task", TASKS)
def test_two_steps(tmp_path, task):
    assert_finite(train_steps(tmp_path, TASKS[task], 2))


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_two_hundred_steps(tmp_path, task):
    folder = train_steps(tmp_path, TASKS[task], 200)
    assert_finite(folder)
    assert result(folder)["images_seen"] == 200 * BATCH


@pytest.mark.slow
def test_two_hundred_steps_of_pairs(tmp_path):
    roots = [folder_of(tmp_path / name, 8, height=48, width=48) for name in ("clean", "recorded")]
    pairs = ["experiment=recorded", f"dataset.root={roots[0]}", f"dataset.recorded={roots[1]}", "dataset.validation=2"]
    folder = train_steps(tmp_path / "run", pairs, 200)
    assert_finite(folder)
    assert result(folder)["images_seen"] == 200 * BATCH
