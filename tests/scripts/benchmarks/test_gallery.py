"""The gallery: every demo has a baseline, and the page says what the evaluations found."""

import json

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names
from pscgan.scripts.benchmarks import gallery

VALUES = {
    "degraded": {"psnr/sample": {"value": 20.0}},
    "baseline": {"psnr/sample": {"value": 30.004}, "st_lpips/sample": {"value": 0.4}},
    "sampler": {
        "psnr/sample": {"value": 27.5},
        "psnr/mean": {"value": 30.0},
        "gain": {"value": 2.5},
        "spread_skill/1": {"value": 1.0},
        "spread_skill/8": {"value": None},
        "spread_skill/4": {"value": None},
        "spread_skill/2": {"value": 0.9},
        "residual/sample": {"value": 0.98, "floor": 1.0012},
        "st_lpips/sample": {"value": 0.2},
    },
}


def composed(*overrides):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*overrides, "folder=unused", "name=unused"])
    return OmegaConf.to_container(config, resolve=False)


def evaluated(folder, task):
    """Stand-ins of what the commands of a task leave."""
    methods = {name: {"values": values} for name, values in VALUES.items()}
    for path, result in (("evaluations", {"methods": methods}), ("runs", {"seconds": 90, "images_seen": 12_800})):
        (folder / path / task).mkdir(parents=True)
        (folder / path / task / "result.json").write_text(json.dumps(result))


@pytest.mark.parametrize("task", gallery.task_names())
def test_every_demo_has_a_baseline(task):
    demo, baseline = composed(f"experiment={task}"), composed(f"experiment={task}", "baseline=mmse")
    assert (baseline["critic"], baseline["generator"]["latent_channels"]) == (None, 0)
    assert list(baseline["penalty"]) == ["mse"]
    assert (baseline["degradation"], baseline["dataset"]) == (demo["degradation"], demo["dataset"])


def test_a_row_for_each_finished_task(tmp_path, capsys):
    for task in ("sr4_demo", "salt_demo"):
        evaluated(tmp_path, task)
    gallery.main([str(tmp_path)])
    results, _ = (tmp_path / "gallery.md").read_text().split("\n\n| column |")
    assert capsys.readouterr().out.strip() == str(tmp_path / "gallery.md")
    heading, _, *rows = (row.strip("| ").split(" | ") for row in results.splitlines() if row.startswith("| "))
    links = ["[`salt_demo`](evaluations/salt_demo/index.html)", "[`sr4_demo`](evaluations/sr4_demo/index.html)"]
    assert [row[0] for row in rows] == links
    cells = dict(zip(heading, rows[0], strict=True))
    assert cells["input"] == "20.00"
    assert cells["MMSE baseline"] == "30.00"
    assert cells["gain"] == "2.50"
    assert cells["the same, blocks"] == "0.90 (2)"  # y determines larger ones
    assert (cells["residual of a sample"], cells["residual of x"]) == ("0.980", "1.001")
    assert (cells["images"], cells["minutes"]) == ("12,800", "1.5")
