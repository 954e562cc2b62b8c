"""Tables of a report, and results that cannot be reported."""

import csv
import json
import re

import pytest

from pscgan.scripts.report.images import read_galleries
from pscgan.scripts.report.report import write_report
from pscgan.scripts.report.tables import (
    comparison_csv,
    comparison_markdown,
    floor,
    interval,
    rounded,
    summary_csv,
    summary_markdown,
    verdict,
)
from pscgan.train.evaluation.results import FORMAT, Difference, MetricColumn, Value, read_result

from .reporting import KEYS, write_evaluation

LOWER = MetricColumn("label", "group", "", "lower", 2, "a sentence")


@pytest.fixture
def written(tmp_path):
    return write_evaluation(tmp_path, pixels=16, images=1)


def cells(line):
    """Of a line of Markdown, as a renderer cuts it."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def rows(markdown):
    return [cells(line) for line in markdown.splitlines() if line.startswith("|")]


def test_numbers_are_rounded_without_a_negative_zero():
    assert rounded(-0.0001, 2) == "0.00"
    assert rounded(-2.54, 1) == "−2.5"
    assert rounded(1234567.0, 0) == "1,234,567"


def test_intervals_and_floors_are_absent_where_there_are_none():
    assert interval(Value(1.0), 2) == floor(Value(1.0), 2) == ""
    assert interval(Value(1.0, -0.5, 2), 1) == "[−0.5, 2.0]"
    assert floor(Value(1.0, floor=0.25), 2).endswith("0.25")


@pytest.mark.parametrize(("low", "high", "better"), [(-1, 1, None), (1e-4, 4e-4, None), (1, 2, "B"), (-2, -1, "A")])
def test_a_verdict_is_the_same_the_other_way_round(low, high, better):
    said = {
        verdict(LOWER, Difference("A", "B", (low + high) / 2, low, high)),
        verdict(LOWER, Difference("B", "A", -(low + high) / 2, -high, -low)),
    }
    assert len(said) == 1
    assert (said.pop().partition(" is better")[0] if better else None) == better


def test_csv_holds_every_value_in_full(tmp_path, written):
    table = list(csv.DictReader(summary_csv(read_result(tmp_path)).splitlines()))
    read = {
        (row["method"], row["metric"]): {
            part: float(row[part]) if row[part] else None for part in ("value", "low", "high", "floor")
        }
        for row in table
    }
    assert read == {
        (name, key): {"floor": None} | value
        for name, method in written["methods"].items()
        for key, value in method["values"].items()
    }


def test_csv_holds_every_difference_in_full(tmp_path, written):
    table = csv.DictReader(comparison_csv(read_result(tmp_path)).splitlines())
    numbers = ("difference", "low", "high")
    read = [{key: float(row[key]) if key in numbers else row[key] for key in row} for row in table]
    assert read == [
        {"metric": key} | pair for key, compared in written["comparison"].items() for pair in compared["differences"]
    ]


def test_markdown_has_a_table_a_group_and_a_row_a_method(tmp_path, written):
    markdown = summary_markdown(read_result(tmp_path))
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == list(dict.fromkeys(facts[1] for facts in KEYS.values()))
    first = rows(markdown)[:5]
    assert [row[0] for row in first] == ["method", "---", *written["methods"]]
    assert first[0][1] == "PSNR of one sample, dB ↑"
    assert first[3][2] == ""
    value = written["methods"]["sampler"]["values"]["psnr_sample"]
    assert first[2][1] == f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"


def test_bold_is_what_no_interval_excludes_unless_all_tie(tmp_path):
    def bold(best):
        comparison = {"psnr_sample": {"best": best, "differences": []}}
        write_evaluation(tmp_path, pixels=16, images=1, comparison=comparison)
        table = rows(summary_markdown(read_result(tmp_path)))[2:5]
        return [row[0] for row in table if row[1].startswith("**")]

    assert bold(["baseline"]) == ["baseline"]
    assert bold(["sampler", "baseline"]) == ["sampler", "baseline"]
    assert bold(["sampler", "baseline", "degraded"]) == []


def test_names_do_not_break_the_tables(tmp_path):
    name = "a|b**c**\n`d` <b> [e](f)"
    write_evaluation(tmp_path, pixels=16, images=1, names=(name, "baseline", "degraded"))
    result = read_result(tmp_path)
    for markdown in (summary_markdown(result), comparison_markdown(result)):
        widths = [[len(row) for row in rows(part)] for part in markdown.split("\n## ")]
        assert all(len(set(width)) <= 1 for width in widths)
    shown = rows(summary_markdown(result))[2][0]
    assert re.sub(r"\\(.)", r"\1", shown) == " ".join(name.split())
    assert not re.search(r"(?<!\\)[*`<\[]", shown)


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (lambda result: "{", "JSON"),
        (lambda result: json.dumps(result | {"format": 1}), f"format must be {FORMAT}, got 1"),
        (lambda result: json.dumps({"format": FORMAT}), "metrics"),
        (lambda result: json.dumps(result | {"visuals": [{"image": "a"}]}), "folder"),
    ],
)
def test_results_that_cannot_be_read_are_refused_by_name(tmp_path, written, broken, word):
    (tmp_path / "result.json").write_text(broken(written))
    with pytest.raises(ValueError, match=word) as refusal:
        read_result(tmp_path)
    assert str(tmp_path / "result.json") in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_without_a_result_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"result\.json"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def gallery(folder):
    return read_galleries(read_result(folder), folder)


@pytest.mark.parametrize("name", ["clean.png", "sampler/mean.png", "baseline/sample1.png"])
def test_a_missing_image_is_named(tmp_path, written, name):
    path = tmp_path / "visuals" / "0" / name
    path.unlink()
    with pytest.raises(ValueError, match=re.escape(str(path))):
        gallery(tmp_path)


def test_broken_images_and_ones_from_elsewhere_are_refused(tmp_path, written):
    path = tmp_path / "visuals" / "0" / "baseline" / "sample1.png"
    path.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"sample1\.png"):
        gallery(tmp_path)
