"""The gallery: every demo has a baseline, and the page says what the evaluations found."""

import json

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from PIL import Image

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names
from pscgan.scripts.benchmarks import gallery

VALUES = {
    "degraded": {"psnr/sample": {"value": 20.0}},
    "baseline": {"psnr/sample": {"value": 30.004}, "st_lpips/sample": {"value": 0.4}},
    "sampler": {
        "psnr/sample": {"value": 27.5},
        "psnr/mean": {"value": 30.0},
        "gain": {"value": 2.5},
        "spread_skill/pixels": {"value": 1.0},
        "spread_skill/blocks": {"value": None},
        "residual/sample": {"value": 0.98, "floor": 1.0012},
        "st_lpips/sample": {"value": 0.2},
    },
}


def composed(*overrides):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*overrides, "folder=unused", "name=unused"])
    return OmegaConf.to_container(config, resolve=False)


def evaluated(folder, task, side):
    """Stand-ins of what the commands of a task leave."""
    for number, name in enumerate(gallery.PANELS):
        path = folder / "evaluations" / task / "visuals" / "0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = Image.new("L", (side, side), 10 * number)
        grey.convert("L" if name.endswith("std.png") else "RGB").save(path)
    methods = {name: {"values": values} for name, values in VALUES.items()}
    (folder / "evaluations" / task / "result.json").write_text(json.dumps({"methods": methods}))
    (folder / "runs" / task).mkdir(parents=True)
    (folder / "runs" / task / "result.json").write_text(json.dumps({"seconds": 90, "images_seen": 12_800}))


@pytest.mark.parametrize("task", gallery.task_names())
def test_every_demo_has_a_baseline(task):
    demo, baseline = composed(f"experiment={task}"), composed(f"experiment={task}", "baseline=mmse")
    assert (baseline["critic"], baseline["generator"]["latent_channels"]) == (None, 0)
    assert list(baseline["penalty"]) == ["mse"]
    assert (baseline["degradation"], baseline["dataset"]) == (demo["degradation"], demo["dataset"])


def test_a_row_and_a_strip_for_each_finished_task(tmp_path, capsys):
    for task, side in (("sr4_demo", 128), ("salt_demo", 32)):
        evaluated(tmp_path, task, side)
    gallery.main([str(tmp_path)])
    lines = (tmp_path / "gallery.md").read_text().splitlines()
    assert capsys.readouterr().out.strip() == str(tmp_path / "gallery.md")
    heading, _, *rows = (line.strip("| ").split(" | ") for line in lines if line.startswith("| "))
    cells = {row[0]: dict(zip(heading, row, strict=True)) for row in rows}["`salt_demo`"]
    assert cells["input"] == "20.00"
    assert cells["MMSE baseline"] == "30.00"
    assert cells["gain"] == "2.50"
    assert cells["the same, blocks of 8"].strip() == ""  # none was found
    assert (cells["residual of a sample"], cells["residual of x"]) == ("0.980", "1.001")
    assert (cells["images"], cells["minutes"]) == ("12,800", "1.5")
    for task in ("sr4_demo", "salt_demo"):
        with Image.open(tmp_path / "gallery" / f"{task}.webp") as strip:
            assert strip.size == (7 * 128 + 6 * 4, 128)
            centres = [strip.convert("RGB").getpixel((64 + 132 * column, 64))[0] for column in range(7)]
        assert centres == pytest.approx([10 * number for number in range(7)], abs=3)  # a small one is enlarged
