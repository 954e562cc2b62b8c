"""The first steps of the demo, shrunk, against golden_curve.csv, so that no change moves training unnoticed.

To renew the curve on purpose: ``python -m pscgan.tests.train.test_golden_curve`` from the repository root, and say in
CHANGELOG.md why it moved, with both curves.
"""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from .tiny import LIGHTNING_SAYS, run

pytestmark = LIGHTNING_SAYS
CURVE = Path(__file__).with_name("golden_curve.csv")
SHORT = ("penalty=[calibrated]", "images=32", "evaluation.every_images=32", "dataset.validation=1", "logger=[csv]")
PLAYERS = ("generator/", "critic/")


def curve(folder):
    """Every logged number of generator and critic, by name and images seen."""
    with (run(folder, *SHORT) / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["learning_rate_factor"]]
    return [
        {"images_seen": row["images_seen"]} | {name: row[name] for name in row if name.startswith(PLAYERS)}
        for row in rows
    ]


def test_the_first_steps_are_those_of_the_golden_curve(tmp_path):
    with CURVE.open() as file:
        expected = list(csv.DictReader(file))
    found = curve(tmp_path / "run")
    assert [row["images_seen"] for row in found] == [row["images_seen"] for row in expected]
    assert len(expected) == 8
    for row, golden in zip(found, expected, strict=True):
        numbers, aims = ({name: float(value) for name, value in of.items() if value} for of in (row, golden))
        assert numbers == pytest.approx(aims, rel=1e-3, abs=1e-5), row["images_seen"]


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        rows = curve(Path(folder) / "run")
    with CURVE.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
