"""Runs side by side: what differs, what came of it, in which state each is."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from pscgan.train.runs.comparison_table import RunTable, differences
from pscgan.train.runs.record import RunRecord, read_run, runs_below
from pscgan.train.runs.sweep import Sweep

LOG = "images_seen,generator/loss,validation/crps,validation/psnr_mean\n"


def folder_of(path, result=None, log="", failed=None, seed=0):
    path.mkdir(parents=True)
    if failed is None:
        (path / "config.yaml").write_text(f"seed: {seed}\n")
        (path / "run.json").write_text("[]\n")
    else:
        (path / "failed.json").write_text(json.dumps({"error": failed, "config": {"seed": seed}}))
    if result is not None:
        (path / "result.json").write_text(json.dumps(result))
    if log:
        (path / "metrics.csv").write_text(LOG + log)
    return path


def record(name, state="finished", config=None, **figures):
    return RunRecord(Path(name), config or {}, figures, state)


def test_states(tmp_path):
    states = {
        "finished": {"result": {"crps": 0.1}},
        "failed: sigma is 300": {"failed": "sigma is 300"},
        "unfinished": {"log": "4,1.0,,\n"},
    }
    for index, (state, content) in enumerate(states.items()):
        assert read_run(folder_of(tmp_path / str(index), **content)).state == state


def test_a_run_without_a_result_has_its_last_validation_and_its_images(tmp_path):
    run = folder_of(tmp_path / "run", log="4,1.0,0.5,20.0\n8,1.0,0.25,21.0\n12,1.0,,\n")
    assert read_run(run).figures == {"images_seen": 12, "crps": 0.25, "psnr_mean": 21.0}


@pytest.mark.parametrize("cut", ["16", "16,1.0", "16,1.0,0.1", "16,1.0,0.125,2"])
def test_a_line_that_was_cut_is_not_read(cut, tmp_path):
    run = folder_of(tmp_path / "run", log="8,1.0,0.25,21.0\n" + cut)
    assert read_run(run).figures == {"images_seen": 8, "crps": 0.25, "psnr_mean": 21.0}


def test_a_line_that_was_cut_and_written_after_is_not_read(tmp_path):
    run = folder_of(tmp_path / "run", log="8,1.0,0.25,21.0\n12,1.0\n16,1.0,0.125,22.0\n")
    assert read_run(run).figures["images_seen"] == 16
    assert read_run(folder_of(tmp_path / "other", log="8,1.0,0.25,21.0\n12,1.0\n")).figures["images_seen"] == 8


@pytest.mark.parametrize(
    ("name", "text"),
    [("result.json", '{"crps": 0.'), ("result.json", "[]"), ("config.yaml", "a: [1,"), ("failed.json", "{")],
)
def test_a_file_that_was_cut_is_named(name, text, tmp_path):
    run = folder_of(tmp_path / "run", result={"crps": 0.1})
    (run / name).write_text(text)
    assert read_run(run).state.startswith(f"damaged: {name} ")


def test_files_that_are_being_written_are_no_result(tmp_path):
    run = folder_of(tmp_path / "run", log="8,1.0,0.25,21.0\n")
    (run / "result.json.part").write_text('{"crps": 0.1}')
    assert read_run(run).state == "unfinished"


def test_runs_are_found_once_at_any_depth_and_nothing_else_is(tmp_path):
    runs = [folder_of(tmp_path / "runs" / name, result={}) for name in ("a", "deep/b")]
    runs.append(folder_of(tmp_path / "runs" / "c", failed="no"))
    logged = runs[0] / "wandb" / "offline-run-1" / "files"
    elsewhere = tmp_path / "runs" / "wandb" / "run-2" / "files"
    for files in (logged, elsewhere):  # of the same name as ours
        files.mkdir(parents=True)
        (files / "config.yaml").write_text("seed: {value: 0}\n")
    sweep = tmp_path / "runs" / "sweeps" / "s"
    sweep.mkdir(parents=True)
    (sweep / "a").symlink_to("../../a")
    assert sorted(runs_below([tmp_path / "runs"])) == sorted(runs)
    assert runs_below([sweep]) == [runs[0]]
    assert runs_below([runs[0], runs[0]]) == [runs[0]]
    assert runs_below([tmp_path / "missing", elsewhere]) == []


def test_links_that_cross_end(tmp_path):
    for name, other in ("ab", "ba"):
        folder = tmp_path / name
        folder.mkdir()
        for link, target in {"over": f"../{other}", "up": "..", "self": "self"}.items():
            (folder / link).symlink_to(target)
    (tmp_path / "b/run").mkdir()
    (tmp_path / "b/run/run.json").touch()
    assert runs_below([tmp_path / "a"]) == [tmp_path / "b/run"]


def test_the_lowest_crps_comes_first_and_runs_without_one_last():
    records = [
        record("none"),
        record("nan", crps=float("nan")),
        record("two", crps=0.2),
        record("one", crps=0.1),
    ]
    assert [entry.folder.name for entry in RunTable.of(records).records] == ["one", "two", "nan", "none"]


def test_csv_holds_figures_in_full_and_markdown_rounds():
    exact = 0.1 + 0.2
    table = RunTable.of([record("a", "failed: one | two", {"seed": 0}, crps=exact), record("b", config={"seed": 1})])
    first, _ = csv.DictReader(io.StringIO(table.csv()))
    assert (first["seed"], float(first["crps"]), first["state"]) == ("0", exact, "failed: one | two")
    lines = table.markdown().splitlines()
    assert lines[0].startswith("| seed | CRPS / 255 |")
    assert "| 0 | 76.50 |" in lines[2]
    assert r"failed: one \| two |" in lines[2]
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1


def test_headings_are_as_short_as_they_are_clear():
    configs = [
        {"generator": {"width": width}, "critic": {"width": 3 * width}, "optimizer": {"lr": width / 3}}
        for width in (1, 2)
    ]
    table = RunTable.of([record(str(index), config=config) for index, config in enumerate(configs)])
    assert table.headings()[:3] == ["generator.width", "critic.width", "lr"]
    assert [row[:3] for row in table.rows()] == [["1", "3", "0.3333"], ["2", "6", "0.6667"]]


PATCH = {"_target_": "p.Patch", "weight": 1.0, "samples": 2}


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        ([{"a": 1, "b": 2}, {"a": 1, "b": 3}], {"b": ["2", "3"]}),
        ([{"a": 1}, {"a": 1}], {}),
        ([{"a": {"b": 1, "c": [1]}}, {"a": {"b": 1, "c": [2]}}], {"a.c": ["[1]", "[2]"]}),
        ([{"folder": 1, "logger": {"a": 1}, "name": 1}, {"folder": 2, "logger": {}, "name": 2}], {}),
        ([{"a": 1}, {}], {"a": ["1", ""]}),
        ([{"seed": 0, "d": {"seed": 0}}, {"seed": 1, "d": {"seed": 1}}], {"seed": ["0", "1"]}),
        ([{"seed": 0, "d": {"seed": 0}}, {"seed": 1, "d": {"seed": 0}}], {"seed": ["0", "1"]}),
        ([{"seed": 0, "d": {"seed": 1}}, {"seed": 1, "d": {"seed": 0}}], {"seed": ["0", "1"], "d.seed": ["1", "0"]}),
        (
            [{"g": {"_target_": "p.Unet", "width": 4}}, {"g": {"_target_": "p.Rrdb", "blocks": 4}}],
            {"g": ["Unet", "Rrdb"]},
        ),
        (
            [
                {"penalty": {"patch": PATCH}},
                {"penalty": {"patch": PATCH | {"weight": 2.0}}},
                {"penalty": {"rcgan": {"_target_": "p.Rcgan", "weight": 3.0}}},
            ],
            {
                "penalty.patch": ["Patch", "Patch", ""],
                "penalty.patch.weight": ["1.0", "2.0", ""],
                "penalty.rcgan": ["", "", "Rcgan"],
            },
        ),
        ([{"critic": None}, {"critic": {"_target_": "p.Patch", "width": 4}}], {"critic": ["None", "Patch"]}),
        (
            [{"g": {"_target_": "p.Unet", "width": 4}}, {"g": {"_target_": "p.Unet", "width": 4, "depth": 2}}],
            {"g.depth": ["", "2"]},
        ),
    ],
)
def test_what_differs(configs, expected):
    assert differences(configs) == expected


def test_the_sweep_names_runs_that_failed_and_ends_with_code_1(tmp_path, capsys):
    sweep = tmp_path / "sweep"
    folder_of(sweep / "a", result={"crps": 0.1})
    folder_of(sweep / "b", failed="sigma is 300", seed=1)
    with pytest.raises(SystemExit) as ended:
        Sweep(str(sweep)).on_multirun_end(config=None)
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert printed.err == "pscgan train: 1 of 2 runs failed: b\n"
    assert "sigma is 300" in printed.out
    assert sorted(path.name for path in sweep.iterdir()) == ["a", "b", "runs.csv", "runs.md"]


def printed(records, capsys, monkeypatch, width):
    monkeypatch.setattr("sys.stdout.isatty", lambda: width > 0)
    monkeypatch.setenv("COLUMNS", str(width))
    RunTable.of(records).print()
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)


@pytest.mark.parametrize("width", [60, 80, 120, 300])
def test_a_table_is_as_wide_as_the_terminal_and_has_crps_and_folder(width, capsys, monkeypatch):
    figures = {"crps": 0.1, "psnr_sample": 27.125, "psnr_mean": 28.25, "images_seen": 1600, "seconds": 54321.0}
    state, name = "failed: " + 9 * "word ", "runs/demo,degradation.sigma=25,seed="
    runs = [record(f"{name}{seed}", state, {"seed": seed}, **figures) for seed in (0, 1)]
    lines = printed(runs, capsys, monkeypatch, width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum("25.5" in line for line in lines) == 2
    assert sum("runs/demo,d" in line for line in lines) == 2
    assert any("54,321" in line for line in lines) == (width == 300)
    assert any("do not fit" in line for line in lines) == (width < 300)
    assert any(runs[0].folder.name in line for line in lines) == (width >= 120)


def test_without_a_terminal_all_is_printed_though_keys_have_the_name_of_a_figure(capsys, monkeypatch):
    runs = [record(f"runs/{'long' * 30}{n}", config={"images": n}, crps=0.1, images_seen=1600 + n) for n in (1, 2)]
    lines = printed(runs, capsys, monkeypatch, 0).splitlines()
    assert [line.split("│")[1].strip() for line in lines if "1,60" in line] == ["1", "2"]
    assert all(run.folder.name in "".join(lines) for run in runs)
