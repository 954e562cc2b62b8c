"""The tables as files: Markdown for people, CSV in full precision for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from .numbers import floor, interval, rounded, verdict
from .result import Figure, Restorer, Result

MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")


def summary_markdown(result: Result) -> str:
    """A table for each group: a row a restorer, a column a figure."""
    parts = [f"# {escaped(result.title)}", ""]
    for group, figures, restorers in result.groups():
        headings = ["restorer", *(f"{escaped(figure.heading)} {figure.arrow}".rstrip() for figure in figures)]
        rows = [
            [escaped(restorer.name), *(_cell(result, restorer, figure) for figure in figures)] for restorer in restorers
        ]
        parts += [f"## {escaped(group)}", "", *_lines(headings, rows), ""]
    return "\n".join(parts)


def summary_csv(result: Result) -> str:
    """A line for each value: restorer, figure, value, low, high, floor; empty where there is none."""
    parts = ("value", "low", "high", "floor")
    return _csv(
        ("restorer", "figure", *parts),
        (
            [restorer.name, key, *(_plain(value.get(part)) for part in parts)]
            for restorer in result.restorers
            for key, value in restorer.values.items()
        ),
    )


def comparison_markdown(result: Result) -> str:
    """Paired differences on the same images, and what they say."""
    rows = [
        [
            escaped(figure.heading),
            escaped(pair["a"]),
            escaped(pair["b"]),
            f"{rounded(pair['difference'], figure.digits)} {interval(pair, figure.digits)}",
            escaped(verdict(figure, pair)),
        ]
        for figure, pair in _pairs(result)
    ]
    headings = ["figure", "a", "b", "a − b", "verdict"]
    return "\n".join([f"# {escaped(result.title)}: paired differences", "", *_lines(headings, rows), ""])


def comparison_csv(result: Result) -> str:
    """A line for each pair: figure, a, b, difference, low, high."""
    parts = ("difference", "low", "high")
    return _csv(
        ("figure", "a", "b", *parts),
        (
            [figure.key, pair["a"], pair["b"], *(_plain(pair[part]) for part in parts)]
            for figure, pair in _pairs(result)
        ),
    )


def escaped(text: str) -> str:
    """A cell of Markdown that shows the text as it is."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def _pairs(result: Result) -> Iterable[tuple[Figure, dict[str, Any]]]:
    return (
        (figure, pair)
        for figure in result.figures
        for pair in result.comparison.get(figure.key, {}).get("differences", [])
    )


def _cell(result: Result, restorer: Restorer, figure: Figure) -> str:
    """``**25.38** [25.10, 25.70], floor 25.00``, bold where it is the best."""
    value = restorer.values.get(figure.key)
    if value is None:
        return ""
    number = rounded(value["value"], figure.digits)
    shown = f"**{number}**" if result.is_best(restorer.name, figure.key) else number
    with_interval = f"{shown} {interval(value, figure.digits)}".rstrip()
    return ", ".join(filter(None, (with_interval, floor(value, figure.digits))))


def _lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (headings, ["---"] * len(headings), *rows)]


def _csv(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([headings, *rows])
    return file.getvalue()


def _plain(number: float | None) -> str:
    return "" if number is None else repr(float(number))
