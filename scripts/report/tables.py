"""Numbers and tables of a report: Markdown for people, CSV in full precision for programs."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ...train.evaluation.results import Difference, EvaluationResult, MetricColumn, Value
from ...train.evaluation.statistics import holds_zero
from ...train.metrics.calibration import GIVEN_BY_Y

MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")


def rounded(value: float, digits: int) -> str:
    """Without a minus before zero."""
    return f"{value:z,.{digits}f}".replace("-", "−")


def interval(value: Value | Difference, digits: int) -> str:
    """``[25.10, 25.70]``, or nothing where there is none."""
    if value.low is None or value.high is None:
        return ""
    return f"[{rounded(value.low, digits)}, {rounded(value.high, digits)}]"


def floor(value: Value, digits: int) -> str:
    """What an exact method reaches, or nothing."""
    return "" if value.floor is None else f"floor {rounded(value.floor, digits)}"


def verdict(column: MetricColumn, pair: Difference) -> str:
    """What a paired difference a − b says."""
    if pair.low is None or pair.high is None:
        return "no interval"
    if holds_zero(pair.low, pair.high, column.digits):
        return "no significant difference"
    return f"{pair.a if (pair.low > 0) == (column.better == 'higher') else pair.b} is better"


def of_images(result: EvaluationResult) -> str:
    """How many images, and of which split."""
    images, split = result.protocol["images"], result.protocol.get("split")
    return ("1 image" if images == 1 else f"{images} images") + (f", {split}" if split else "")


def summary_markdown(result: EvaluationResult) -> str:
    """A table for each group: a row a method, a column a metric."""
    parts = [f"# {escaped(result.title)}", "", escaped(of_images(result)), ""]
    for group, keys, names in result.groups():
        columns = [result.metrics[key] for key in keys]
        headings = ["method", *(f"{escaped(column.heading)} {column.arrow}".rstrip() for column in columns)]
        rows = [[escaped(name), *(_cell(result, name, key) for key in keys)] for name in names]
        parts += [f"## {escaped(group)}", "", *_lines(headings, rows), ""]
    return "\n".join(parts)


def summary_csv(result: EvaluationResult) -> str:
    """A line for each value: method, metric, value, low, high, floor; empty where there is none."""
    return _csv(
        ("method", "metric", "value", "low", "high", "floor"),
        (
            [name, key, *map(_plain, (value.value, value.low, value.high, value.floor))]
            for name, method in result.methods.items()
            for key, value in method.values.items()
        ),
    )


def comparison_markdown(result: EvaluationResult) -> str:
    """Paired differences on the same images, and what they say."""
    rows = []
    for key, pair in result.differences():
        column = result.metrics[key]
        difference = f"{rounded(pair.difference, column.digits)} {interval(pair, column.digits)}"
        rows.append([*map(escaped, (column.heading, pair.a, pair.b)), difference, escaped(verdict(column, pair))])
    title = [f"# {escaped(result.title)}: paired differences", "", escaped(of_images(result)), ""]
    return "\n".join([*title, *_lines(["metric", "a", "b", "a − b", "verdict"], rows), ""])


def comparison_csv(result: EvaluationResult) -> str:
    """A line for each pair: metric, a, b, difference, low, high."""
    return _csv(
        ("metric", "a", "b", "difference", "low", "high"),
        (
            [key, pair.a, pair.b, *map(_plain, (pair.difference, pair.low, pair.high))]
            for key, pair in result.differences()
        ),
    )


def escaped(text: str) -> str:
    """A cell of Markdown that shows the text as it is."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def _cell(result: EvaluationResult, name: str, key: str) -> str:
    """``**25.38** [25.10, 25.70], floor 25.00``, bold where it is the best."""
    value, digits = result.methods[name].values.get(key), result.metrics[key].digits
    if value is None or value.value is None:
        return "" if value is None else GIVEN_BY_Y
    number = rounded(value.value, digits)
    shown = f"**{number}**" if result.is_best(name, key) else number
    return ", ".join(filter(None, (f"{shown} {interval(value, digits)}".rstrip(), floor(value, digits))))


def _lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (headings, ["---"] * len(headings), *rows)]


def _csv(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([headings, *rows])
    return file.getvalue()


def _plain(number: float | None) -> str:
    return "" if number is None else repr(float(number))
