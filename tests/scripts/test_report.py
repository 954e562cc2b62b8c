"""Tables of a report, and results that cannot be reported."""

import csv
import json
import re

import pytest

from pscgan.scripts.report.numbers import floor, interval, rounded, verdict
from pscgan.scripts.report.pictures import read_galleries
from pscgan.scripts.report.result import Figure, read_result
from pscgan.scripts.report.tables import comparison_csv, comparison_markdown, summary_csv, summary_markdown
from pscgan.scripts.report.writing import write_report

from .reporting import KEYS, write_evaluation

LOWER = Figure("key", "label", "group", "", "lower", 2, "a sentence")


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
    assert interval({"value": 1.0, "low": None, "high": None}, 2) == floor({"value": 1.0}, 2) == ""
    assert interval({"value": 1.0, "low": -0.5, "high": 2}, 1) == "[−0.5, 2.0]"
    assert floor({"value": 1.0, "floor": 0.25}, 2) == "floor 0.25"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-1, 1, "not told apart"), (1e-4, 4e-4, "not told apart"), (1, 2, "B is better"), (-2, -1, "A is better")],
)
def test_a_verdict_is_the_same_the_other_way_round(low, high, expected):
    assert verdict(LOWER, {"a": "A", "b": "B", "low": low, "high": high}) == expected
    assert verdict(LOWER, {"a": "B", "b": "A", "low": -high, "high": -low}) == expected


def test_csv_holds_every_value_in_full(tmp_path, written):
    table = list(csv.DictReader(summary_csv(read_result(tmp_path)).splitlines()))
    read = {
        (row["restorer"], row["figure"]): {
            part: float(row[part]) if row[part] else None for part in ("value", "low", "high", "floor")
        }
        for row in table
    }
    assert read == {
        (name, key): {"floor": None} | value
        for name, restorer in written["restorers"].items()
        for key, value in restorer["values"].items()
    }


def test_csv_holds_every_difference_in_full(tmp_path, written):
    table = csv.DictReader(comparison_csv(read_result(tmp_path)).splitlines())
    numbers = ("difference", "low", "high")
    read = [{key: float(row[key]) if key in numbers else row[key] for key in row} for row in table]
    assert read == [
        {"figure": key} | pair
        for key in KEYS
        for pair in written["comparison"].get(key, {"differences": []})["differences"]
    ]


def test_markdown_has_a_table_a_group_and_a_row_a_restorer(tmp_path, written):
    markdown = summary_markdown(read_result(tmp_path))
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == list(dict.fromkeys(facts[1] for facts in KEYS.values()))
    first = rows(markdown)[:5]
    assert [row[0] for row in first] == ["restorer", "---", *written["restorers"]]
    assert first[0][1] == "PSNR of one sample, dB ↑"
    assert first[3][2] == ""
    value = written["restorers"]["sampler"]["values"]["psnr_sample"]
    assert first[2][1] == f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"


def test_bold_is_what_no_interval_excludes_unless_all_tie(tmp_path):
    def bold(best):
        comparison = {"psnr_sample": {"best": best, "differences": []}}
        write_evaluation(tmp_path, pixels=16, images=1, comparison=comparison)
        table = rows(summary_markdown(read_result(tmp_path)))[2:5]
        return [row[0] for row in table if row[1].startswith("**")]

    assert bold(["twin"]) == ["twin"]
    assert bold(["sampler", "twin"]) == ["sampler", "twin"]
    assert bold(["sampler", "twin", "degraded"]) == []


def test_names_do_not_break_the_tables(tmp_path):
    name = "a|b**c**\n`d` <b> [e](f)"
    write_evaluation(tmp_path, pixels=16, images=1, names=(name, "twin", "degraded"))
    result = read_result(tmp_path)
    for markdown in (summary_markdown(result), comparison_markdown(result)):
        widths = [[len(row) for row in rows(part)] for part in markdown.split("\n## ")]
        assert all(len(set(width)) <= 1 for width in widths)
    shown = rows(summary_markdown(result))[2][0]
    assert re.sub(r"\\(.)", r"\1", shown) == " ".join(name.split())
    assert not re.search(r"(?<!\\)[*`<\[]", shown)


def change(result, change_it):
    change_it(result)
    return json.dumps(result)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda result: "{", "is no JSON"),
        (lambda result: "[]", "has format 'list'; allowed is 1"),
        (lambda result: json.dumps(result | {"format": 2}), "has format 2; allowed is 1"),
        (lambda result: json.dumps({"format": 1}), "is incomplete: KeyError: 'title'"),
        (lambda result: json.dumps(result | {"restorers": {}}), "has no restorers"),
        (lambda result: json.dumps(result | {"protocol": {}}), "protocol lacks images"),
        (lambda result: json.dumps(result | {"left_out": [{"figure": "FID"}]}), "left_out lacks why"),
        (lambda result: json.dumps(result | {"pictures": [{"image": "a"}]}), "pictures lacks folder"),
        (lambda result: json.dumps(result).replace('"better": "higher"', '"better": "up"'), "'psnr_sample' is 'up'"),
        (
            lambda result: change(result, lambda r: r["figures"]["mae"].update(digits=-1)),
            "digits of 'mae' is -1; allowed",
        ),
        (lambda result: change(result, lambda r: r["protocol"].update(samples=0)), "samples of protocol is 0"),
        (
            lambda result: change(result, lambda r: r["figures"].pop("mae")),
            "'sampler' has a value 'mae', which figures",
        ),
        (lambda result: change(result, lambda r: r["comparison"]["mae"].update(best=["x"])), r"'mae' names \['x'\]"),
        (
            lambda result: change(result, lambda r: r["restorers"]["twin"]["values"]["mae"].update(value=float("nan"))),
            "NaN is no number",
        ),
    ],
)
def test_results_that_cannot_be_reported_are_refused_by_name(tmp_path, written, broken, message):
    (tmp_path / "result.json").write_text(broken(written))
    with pytest.raises(ValueError, match=message) as refusal:
        read_result(tmp_path)
    assert str(tmp_path / "result.json") in str(refusal.value)


def test_a_folder_without_a_result_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"there is no .*result\.json; pscgan evaluate writes it"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def gallery(folder):
    return read_galleries(read_result(folder), folder)


@pytest.mark.parametrize("name", ["clean.png", "sampler/sample1.png", "sampler/mean.png", "twin/sample1.png"])
def test_a_missing_picture_is_named(tmp_path, written, name):
    path = tmp_path / "pictures" / "0" / name
    path.unlink()
    if name == "sampler/sample1.png":
        for other in path.parent.glob("sample*.png"):
            other.unlink()
    with pytest.raises(ValueError, match=re.escape(f"there is no picture {path}")):
        gallery(tmp_path)


def test_pictures_of_another_size_broken_ones_and_ones_from_elsewhere_are_refused(tmp_path, written):
    path = tmp_path / "pictures" / "0" / "twin" / "sample1.png"
    path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"sample1\.png cannot be read as a picture"):
        gallery(tmp_path)
    write_evaluation(tmp_path / "pictures" / "0" / "twin", pixels=8, images=1)
    path.write_bytes((path.parent / "pictures" / "0" / "clean.png").read_bytes())
    with pytest.raises(ValueError, match=r"sample1\.png has 8 x 8 pixels; allowed is 16 x 16"):
        gallery(tmp_path)
    write_evaluation(tmp_path, pixels=16, images=1, pictures=[{"image": "a", "folder": "../pictures"}])
    with pytest.raises(ValueError, match="lies outside"):
        gallery(tmp_path)
