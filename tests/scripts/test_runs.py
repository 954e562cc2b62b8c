"""One table of runs, by hand."""

import json

import pytest

from pscgan.scripts.runs import main


@pytest.fixture
def runs(tmp_path):
    for seed, crps in ((0, 0.2), (1, 0.1)):
        run = tmp_path / "runs" / f"demo,seed={seed}"
        run.mkdir(parents=True)
        (run / "config.yaml").write_text(f"seed: {seed}\n")
        (run / "run.json").write_text("[]\n")
        (run / "result.json").write_text(json.dumps({"crps": crps, "images_seen": 1600}))
    return tmp_path / "runs"


def test_a_table_is_printed_and_written(runs, tmp_path, capsys):
    main([str(runs), "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    assert printed.index("25.50") < printed.index("51.00")
    assert "1,600" in printed
    assert [line.split(",")[0] for line in (tmp_path / "out" / "runs.csv").read_text().splitlines()] == [
        "seed",
        "1",
        "0",
    ]
    assert (tmp_path / "out" / "runs.md").read_text().startswith("| seed | CRPS / 255 |")


def test_without_a_place_nothing_is_written(runs, capsys):
    before = sorted(runs.rglob("*"))
    main([str(runs / "demo,seed=0"), str(runs / "demo,seed=1")])
    assert sorted(runs.rglob("*")) == before
    assert "25.50" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "named"),
    [(False, "FOLDER must be an existing folder"), (True, "FOLDER must hold a run")],
)
def test_a_folder_without_runs_is_one_line_and_code_2(make, named, tmp_path, capsys):
    folder = tmp_path / "empty"
    if make:
        folder.mkdir()
    with pytest.raises(SystemExit) as ended:
        main([str(folder)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f", got {folder}")
    assert named in line
