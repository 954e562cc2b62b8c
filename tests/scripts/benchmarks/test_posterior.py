"""The posterior benchmark as a user runs it."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from PIL import Image

from pscgan.scripts.benchmarks.posterior import run as benchmark
from pscgan.scripts.benchmarks.posterior.entry import BenchmarkEntry, compose_cell, world_names
from pscgan.scripts.benchmarks.posterior.table import tables
from pscgan.train.build import build_game

README = (Path(__file__).parents[3] / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"uv run python -m pscgan.scripts.benchmarks.posterior.run([^#\n]*)", README)))
TINY = ["images=64", "schedule.warmup_images=0", "evaluation.images=4", "evaluation.samples=20"]


@pytest.fixture
def here(monkeypatch):
    """Have cells run in this process: one of its own takes seconds to start."""

    def run(todo, overrides, out, processes):
        for cell in todo:
            yield cell, benchmark.run_and_keep(cell, overrides, out)

    monkeypatch.setattr(benchmark, "run_all", run)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["python -m pscgan.scripts.benchmarks.posterior.run", *map(str, arguments)])
    benchmark.main()


def test_a_table_is_made_continued_and_extended(here, monkeypatch, tmp_path, capsys):
    arguments = ["--worlds", "modes", "field_noise", "--out", tmp_path, *TINY]
    run(monkeypatch, *arguments, "--rows", "exact", "default")
    cell = tmp_path / "cells" / "modes" / "default" / "0.json"
    before = cell.stat().st_mtime_ns
    capsys.readouterr()
    run(monkeypatch, *arguments, "--rows", "exact", "default", "ddrm_20")
    assert cell.stat().st_mtime_ns == before
    assert "6 cells, 4 of them finished" in capsys.readouterr().out
    table = (tmp_path / "tables.md").read_text()
    assert "### field_noise" in table
    assert "| ddrm_20 |" in table
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.width > 500
    figures = json.loads(cell.read_text())
    assert sum(figures["ranks"]) == pytest.approx(1)


@pytest.mark.parametrize("world", world_names())
def test_every_default_cell_composes_and_builds(world):
    for cell in benchmark.cells([world], None, [0], []):
        config = compose_cell(cell, [])
        world_of_it = instantiate(config.world)
        game = build_game(config, world_of_it.degradation, world_of_it.image_channels)
        assert (game.critic is None) == ("~critic" in str(config.objectives.get(cell.row, "")))


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_of_the_readme_name_cells(monkeypatch, line):
    monkeypatch.setattr(sys, "argv", ["python -m pscgan.scripts.benchmarks.posterior.run", *shlex.split(line)])
    options = benchmark._arguments()
    assert benchmark.cells(options.worlds or world_names(), options.rows, options.seeds, options.overrides)


def test_a_row_of_ones_own(here, monkeypatch, tmp_path):
    own = "+objectives.mine='penalty=[rcgan] ~critic ~adversarial'"
    run(monkeypatch, "--worlds", "disk", "--rows", "mine", "--out", tmp_path, *TINY, own)
    config = json.loads((tmp_path / "cells" / "disk" / "mine" / "0.json").read_text())["config"]
    assert list(config["penalty"]) == ["rcgan"]
    assert config["critic"] is None


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_processes_of_their_own_give_the_same_figures(one_thread, tmp_path):
    cells = [BenchmarkEntry("scalar", "default", 0)]
    ((_, figures),) = benchmark.run_all(cells, TINY, tmp_path / "one", 1)
    alone = benchmark.run_and_keep(cells[0], TINY, tmp_path / "two")
    for result in (figures, alone):
        result.pop("train_seconds")
    assert figures == alone


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--worlds", "mars"], "--worlds has mars; allowed are "),
        (["--worlds", "modes", "--rows", "hope"], "--rows has hope; allowed are exact, default"),
        (["--worlds", "modes", "--rows", "exact", "imagse=3"], "imagse"),
    ],
)
def test_bad_input_is_one_line(monkeypatch, tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *arguments, "--out", tmp_path / "out")
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "out").exists()


def test_cells_of_another_config_are_refused(here, monkeypatch, tmp_path, capsys):
    run(monkeypatch, "--worlds", "scalar", "--rows", "exact", "--out", tmp_path, *TINY)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--worlds", "scalar", "--rows", "exact", "--out", tmp_path, *TINY, "world.sigma=25")
    assert ended.value.code == 2
    assert "was made with another config" in capsys.readouterr().err


def test_means_over_seeds_and_half_their_range():
    figures = {"mean_db": 0.1, "mean64_db": 0.2, "variance_ratio": 1.0, "w1": 0.5, "coverage": 0.9, "calls": 1}
    figures["train_seconds"] = 3.0
    results = {BenchmarkEntry("w", "row", seed): figures | {"w1": w1} for seed, w1 in enumerate((0.4, 0.6))}
    (line,) = [line for line in tables(results).splitlines() if line.startswith("| row |") and "seeds" not in line]
    assert "0.500 (0.100)" in line
    assert line.endswith("| 2 |")
