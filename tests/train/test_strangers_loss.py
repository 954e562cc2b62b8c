"""A loss of one's own: one file and one YAML outside the package."""

import csv

from .tiny import command

LOSS = '''
def total_variation(samples_KBCHW, clean, measurement):
    """Mean absolute difference of neighbours."""
    return sum(samples_KBCHW.diff(dim=dim).abs().mean() for dim in (-1, -2))
'''
YAML = """
total_variation:
  _target_: pscgan.losses.penalty.Penalty
  estimator: {_target_: my_losses.total_variation, _partial_: true}
  weight: 0.1
  samples_per_image: 1
"""


def test_a_strangers_loss_trains(tmp_path):
    (tmp_path / "conf" / "penalty").mkdir(parents=True)
    (tmp_path / "my_losses.py").write_text(LOSS)
    (tmp_path / "conf" / "penalty" / "total_variation.yaml").write_text(YAML)
    answer = command(
        f"hydra.searchpath=[file://{tmp_path}/conf]",
        "penalty=[fair_crps,total_variation]",
        "images=16",
        "hydra.run.dir=run",
        cwd=tmp_path,
        PYTHONPATH=str(tmp_path),
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["learning_rate_factor"]]
    assert [row["images_seen"] for row in rows] == ["4", "8", "12", "16"]
    assert all(float(row["generator/total_variation"]) > 0 for row in rows)
    assert all(float(row["generator/fair_crps"]) > 0 for row in rows)
