"""Every task's demo trains."""

import csv
import math
from pathlib import Path

import pytest

from .tiny import LIGHTNING_SAYS, result, run

pytestmark = LIGHTNING_SAYS

CONF = Path(__file__).parents[2] / "conf" / "experiment"
DEMOS = sorted(path.stem for path in CONF.glob("*_demo.yaml"))
BATCH = 4


def train_steps(folder, demo, steps):
    images = steps * BATCH
    return run(folder, f"experiment={demo}", f"images={images}", f"evaluation.every_images={images}", "logger=[csv]")


def assert_finite(folder):
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    values = {name: float(value) for row in rows for name, value in row.items() if value}
    assert any(name.startswith("generator/") for name in values)
    assert any(name.startswith("critic/") for name in values)
    assert all(math.isfinite(value) for value in values.values()), values


@pytest.mark.parametrize("demo", DEMOS)
def test_two_steps(tmp_path, demo):
    assert_finite(train_steps(tmp_path, demo, 2))


@pytest.mark.slow
@pytest.mark.parametrize("demo", DEMOS)
def test_two_hundred_steps(tmp_path, demo):
    folder = train_steps(tmp_path, demo, 200)
    assert_finite(folder)
    assert result(folder)["images_seen"] == 200 * BATCH
