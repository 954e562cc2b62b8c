"""What docs/tasks.md names exists, and its command is understood as written."""

import re
import shlex
from pathlib import Path

from hydra import compose, initialize_config_module

import pscgan.train.__main__  # noqa: F401  registers the resolver of run names

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


def test_a_mask_of_ones_own_composes():
    (line,) = re.findall(r"```bash\npscgan-train (.*?)\n```", TEXT, re.DOTALL)
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*shlex.split(line), "folder=unused"])
    assert set(config.degradation.operator.mask) == {"_target_", "path"}
