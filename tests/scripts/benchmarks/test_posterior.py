"""The posterior benchmark as a user runs it."""

import json
import sys

import pytest
import torch
from hydra.utils import instantiate
from PIL import Image

from pscgan.scripts.benchmarks.posterior import run as benchmark
from pscgan.scripts.benchmarks.posterior.entry import BenchmarkEntry, compose_entry, problem_names, select_entries
from pscgan.scripts.benchmarks.posterior.table import tables
from pscgan.train.build import build_gan_step

TINY = ["images=64", "schedule.warmup_images=0", "evaluation.images=4", "evaluation.samples=20"]


@pytest.fixture
def here(monkeypatch):
    """Have entries run in this process: one of its own takes seconds to start."""

    def run(todo, overrides, out, processes):
        for entry in todo:
            yield entry, benchmark.run_and_keep(entry, overrides, out)

    monkeypatch.setattr(benchmark, "run_all", run)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["python -m pscgan.scripts.benchmarks.posterior.run", *map(str, arguments)])
    benchmark.main()


@pytest.mark.integration
def test_a_table_is_made_continued_and_extended(here, monkeypatch, tmp_path, capsys):
    arguments = ["--problems", "modes", "field_noise", "--out", tmp_path, *TINY]
    run(monkeypatch, *arguments, "--rows", "exact", "default")
    entry = tmp_path / "entries" / "modes" / "default" / "0.json"
    before = entry.stat().st_mtime_ns
    capsys.readouterr()
    run(monkeypatch, *arguments, "--rows", "exact", "default", "ddrm_20")
    assert entry.stat().st_mtime_ns == before
    assert "6 entries, 4 of them finished" in capsys.readouterr().out
    table = (tmp_path / "tables.md").read_text()
    assert "### field_noise" in table
    assert "| ddrm_20 |" in table
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.width > 500
    figures = json.loads(entry.read_text())
    assert sum(figures["ranks"]) == pytest.approx(1)


@pytest.mark.integration
@pytest.mark.parametrize("problem", problem_names())
def test_every_default_entry_composes_and_builds(problem):
    for entry in select_entries([problem], None, [0], []):
        config = compose_entry(entry, [])
        problem_of_it = instantiate(config.problem)
        gan_step = build_gan_step(config, problem_of_it.degradation, problem_of_it.image_channels)
        assert (gan_step.critic is None) == ("~critic" in str(config.objectives.get(entry.row, "")))


@pytest.mark.integration
def test_a_row_of_ones_own(here, monkeypatch, tmp_path):
    own = "+objectives.mine='penalty=[rcgan] ~critic ~adversarial'"
    run(monkeypatch, "--problems", "disk", "--rows", "mine", "--out", tmp_path, *TINY, own)
    config = json.loads((tmp_path / "entries" / "disk" / "mine" / "0.json").read_text())["config"]
    assert list(config["penalty"]) == ["rcgan"]
    assert config["critic"] is None


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.integration
def test_processes_of_their_own_give_the_same_figures(one_thread, tmp_path):
    entries = [BenchmarkEntry("scalar", "default", 0)]
    ((_, figures),) = benchmark.run_all(entries, TINY, tmp_path / "one", 1)
    alone = benchmark.run_and_keep(entries[0], TINY, tmp_path / "two")
    for result in (figures, alone):
        result.pop("train_seconds")
    assert figures == alone


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--problems", "mars"], "got mars"),
        (["--problems", "modes", "--rows", "hope"], "got hope"),
        (["--problems", "modes", "--rows", "exact", "imagse=3"], "imagse"),
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


@pytest.mark.integration
def test_entries_of_another_config_are_refused(here, monkeypatch, tmp_path, capsys):
    run(monkeypatch, "--problems", "scalar", "--rows", "exact", "--out", tmp_path, *TINY)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--problems", "scalar", "--rows", "exact", "--out", tmp_path, *TINY, "problem.sigma=25")
    assert ended.value.code == 2
    assert "another config" in capsys.readouterr().err


def test_a_penalty_stands_beside_the_adversarial_weight_its_yaml_asks_for():
    """The ratio of 1,000 of PSCGAN, in every row with a first-moment penalty."""
    config = compose_entry(BenchmarkEntry("scalar", "default", 0), [])
    rows = [row for row, overrides in config.objectives.items() if "first_moment" in overrides]
    assert rows == ["pscgan", "first_moment", "pairs", "spread_reward", "robustness"]
    for row in rows:
        config = compose_entry(BenchmarkEntry("scalar", row, 0), [])
        (weight,) = (penalty.weight for name, penalty in config.penalty.items() if name.startswith("first_moment"))
        assert weight / config.adversarial.generator_weight == pytest.approx(1000), row


def test_means_over_seeds_and_half_their_range():
    figures = {"mean_db": 0.1, "mean64_db": 0.2, "variance_ratio": 1.0, "w1": 0.5, "coverage": 0.9, "calls": 1}
    figures["train_seconds"] = 3.0
    results = {BenchmarkEntry("w", "row", seed): figures | {"w1": w1} for seed, w1 in enumerate((0.4, 0.6))}
    (line,) = [line for line in tables(results).splitlines() if line.startswith("| row |") and "seeds" not in line]
    assert "0.500 (0.100)" in line
    assert line.endswith("| 2 |")
