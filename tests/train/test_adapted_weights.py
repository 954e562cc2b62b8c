"""Validations tell every controller in a penalty the measured gain, and the log shows what became of its factor."""

import csv

import pytest

from .tiny import LIGHTNING_SAYS, run

pytestmark = LIGHTNING_SAYS


def test_factors_follow_the_gain_of_each_validation(tmp_path):
    folder = run(tmp_path / "run", "penalty=[rcgan,spread_reward]", "images=32")
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    validation = next(row for row in rows if row["validation/gain_db"] and row["images_seen"] == "16")
    missing = float(validation["validation/gain_db_exact"]) - float(validation["validation/gain_db"])
    after = next(row for row in rows if row["learning_rate_factor"] and int(row["images_seen"]) > 16)
    before = next(row for row in rows if row["learning_rate_factor"])
    for penalty, moved in (("rcgan", 0.02 * missing), ("spread_reward", 0.22 * missing)):
        assert float(before[f"generator/{penalty}/scale"]) == 1
        assert float(after[f"generator/{penalty}/scale"]) == pytest.approx(1 + moved, rel=1e-4)
        assert float(after[f"generator/{penalty}/missing_db"]) == pytest.approx(missing, rel=1e-4)
