"""The gallery: its commands are those a user types, and its page says what the evaluations found."""

import json
import sys

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from PIL import Image

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names
from pscgan.scripts.benchmarks import gallery
from pscgan.scripts.benchmarks.gallery_page import HEADINGS, PANELS, write_page

VALUES = {
    "degraded": {"psnr/sample": {"value": 20.0}},
    "twin": {"psnr/sample": {"value": 30.004}, "st_lpips/sample": {"value": 0.4}},
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


def evaluated(shown, side):
    """Stand-ins of what the commands of a task leave."""
    for number, name in enumerate(PANELS):
        path = shown.evaluation / "pictures" / "0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = Image.new("L", (side, side), 10 * number)
        grey.convert("L" if name.endswith("std.png") else "RGB").save(path)
    restorers = {name: {"values": values} for name, values in VALUES.items()}
    (shown.evaluation / "result.json").write_text(json.dumps({"restorers": restorers}))
    shown.run.mkdir(parents=True)
    (shown.run / "result.json").write_text(json.dumps({"seconds": 90, "images_seen": 12_800}))


def test_the_twin_of_the_demo_is_its_twin():
    assert composed("experiment=demo", *gallery.TWIN_OVERRIDES) == composed("experiment=demo_mmse", "images=14400")


@pytest.mark.parametrize("task", gallery.task_names())
def test_every_demo_has_a_twin(task):
    demo, twin = composed(f"experiment={task}"), composed(f"experiment={task}", *gallery.TWIN_OVERRIDES)
    assert (twin["critic"], twin["generator"]["latent_channels"], list(twin["penalty"])) == (None, 0, ["mse"])
    assert (twin["degradation"], twin["dataset"]) == (demo["degradation"], demo["dataset"])


def test_a_row_and_a_strip_for_each_task(tmp_path):
    exhibits = [gallery.exhibit(task, tmp_path) for task in ("sr4_demo", "salt_demo")]
    for shown, side in zip(exhibits, (128, 32), strict=True):
        assert not shown.finished
        evaluated(shown, side)
        assert shown.finished
    lines = write_page(tmp_path, exhibits).read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("| `salt_demo`"))
    cells = dict(zip(HEADINGS, (cell.strip() for cell in row.strip("|").split("|")), strict=True))
    assert cells["input"] == "20.00"
    assert cells["MMSE twin"] == "30.00"
    assert cells["gain"] == "2.50"
    assert cells["the same, blocks of 8"] == ""  # none was found
    assert (cells["residual of a sample"], cells["of x"]) == ("0.980", "1.001")
    assert (cells["images"], cells["minutes"]) == ("12,800", "1.5")
    for name in ("sr4_demo", "salt_demo"):
        with Image.open(tmp_path / "gallery" / f"{name}.webp") as strip:
            assert strip.size == (7 * 128 + 6 * 4, 128)
            centres = [strip.convert("RGB").getpixel((64 + 132 * column, 64))[0] for column in range(7)]
        assert centres == pytest.approx([10 * number for number in range(7)], abs=3)  # a small one is enlarged


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["python -m pscgan.scripts.benchmarks.gallery", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        gallery.main()
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["sr3_demo"], "tasks has sr3_demo; allowed are chain_demo, "), (["--at-once", "0"], "at_once is 0; allowed")],
)
def test_bad_input(monkeypatch, tmp_path, capsys, arguments, words):
    assert run(monkeypatch, *arguments, "--out", tmp_path) == 2
    assert words in capsys.readouterr().err


def test_a_task_that_fails_is_named_and_the_others_are_shown(monkeypatch, tmp_path, capsys):
    evaluated(gallery.exhibit("salt_demo", tmp_path), 128)

    def ran(shown, overrides, threads):
        assert (overrides, threads) == (["images=8"], 1)
        if shown.task == "sr4_demo":
            raise gallery.FailedCommand("exit code 2, see LOG")

    monkeypatch.setattr(gallery, "run", ran)
    monkeypatch.setattr(gallery.os, "cpu_count", lambda: 2)
    assert run(monkeypatch, "sr4_demo", "salt_demo", "images=8", "--at-once", 2, "--out", tmp_path) == 1
    assert "sr4_demo: exit code 2, see LOG" in capsys.readouterr().out
    assert "| `salt_demo` |" in (tmp_path / "gallery.md").read_text()


@pytest.mark.slow
def test_a_task_from_beginning_to_end(monkeypatch, tmp_path, capsys):
    quick = ["images=16", "evaluation.every_images=16", "schedule.warmup_images=0", "dataset.evaluation_crop=64"]
    for _ in range(2):  # the second call finds all there
        assert run(monkeypatch, "sr4_demo", *quick, "--out", tmp_path / "of me") == 0
    assert "sr4_demo: judged" in capsys.readouterr().out
    assert "| `sr4_demo` |" in (tmp_path / "of me" / "gallery.md").read_text()
