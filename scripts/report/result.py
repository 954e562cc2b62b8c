"""What the report is made from: ``result.json`` of an evaluation, checked once so that the parts need not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
KEYS = ("title", "provenance", "protocol", "figures", "restorers", "comparison", "left_out", "pictures")
PROTOCOL = ("images", "sizes", "samples", "degradation_words")
ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


@dataclass(frozen=True)
class Figure:
    """How a figure is headed and read.

    Args:
        key: its name in the file.
        label: its name for people.
        group: the figures it stands with.
        unit: such as "dB", or "".
        better: "higher", "lower", "target" or "none".
        digits: after the point.
        explained: a sentence.
        target: the value to come near to, where ``better`` is "target".
    """

    key: str
    label: str
    group: str
    unit: str
    better: str
    digits: int
    explained: str
    target: float | None = None

    @property
    def arrow(self) -> str:
        """Where better is: up, down, to a value, or nowhere."""
        return f"→ {round(self.target, self.digits):g}" if self.target is not None else ARROWS[self.better]

    @property
    def heading(self) -> str:
        """Label and unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


@dataclass(frozen=True)
class Restorer:
    """What was measured of a restorer, as in the file; names in ``curves`` may be absent."""

    name: str
    about: dict[str, Any]
    stochastic: bool
    values: dict[str, dict[str, Any]]
    curves: dict[str, Any]
    words: list[dict[str, str]]


@dataclass(frozen=True)
class Result:
    """A ``result.json`` whose parts fit each other. Orders are those of the file."""

    path: Path
    title: str
    provenance: dict[str, Any]
    protocol: dict[str, Any]
    figures: list[Figure]
    restorers: list[Restorer]
    comparison: dict[str, dict[str, Any]]
    left_out: list[dict[str, str]]
    pictures: list[dict[str, str]]

    def groups(self) -> Iterator[tuple[str, list[Figure], list[Restorer]]]:
        """Of each group, the figures and the restorers that have a value in it."""
        for group in dict.fromkeys(figure.group for figure in self.figures):
            figures = [
                figure
                for figure in self.figures
                if figure.group == group and any(figure.key in restorer.values for restorer in self.restorers)
            ]
            keys = {figure.key for figure in figures}
            if figures:
                yield group, figures, [restorer for restorer in self.restorers if keys & set(restorer.values)]

    def compared(self) -> Iterator[tuple[str, list[Figure]]]:
        """Of each group, the figures that have paired differences."""
        for group, figures, _ in self.groups():
            compared = [figure for figure in figures if self.comparison.get(figure.key, {}).get("differences")]
            if compared:
                yield group, compared

    def is_best(self, name: str, key: str) -> bool:
        """Whether no interval excludes it, while one excludes another."""
        best = self.comparison.get(key, {}).get("best", [])
        return name in best and len(best) < sum(key in restorer.values for restorer in self.restorers)


def read_result(folder: Path) -> Result:
    """``result.json`` of a folder.

    Raises:
        ValueError: naming the file, if it is missing, no JSON, of another format, or its parts do not fit each other.
    """
    path = folder / "result.json"
    if not path.is_file():
        raise ValueError(f"there is no {path}; pscgan evaluate writes it")
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise ValueError(f"{path} has format {found!r}; allowed is {FORMAT}")
    try:
        result = _result(path, content)
        for check in (_check_protocol, _check_figures, _check_restorers, _check_comparison, _check_lists):
            check(result)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is incomplete: {type(error).__name__}: {error}") from error
    return result


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _result(path: Path, content: dict[str, Any]) -> Result:
    return Result(
        path,
        **{key: content[key] for key in KEYS if key not in ("figures", "restorers")},
        figures=[Figure(key, **facts) for key, facts in content["figures"].items()],
        restorers=[
            Restorer(name, **{"curves": {}, "words": [], **measured}) for name, measured in content["restorers"].items()
        ],
    )


def _check_protocol(result: Result) -> None:
    _require(result, "protocol", result.protocol, PROTOCOL)
    samples = result.protocol["samples"]
    if not isinstance(samples, int) or samples < 1:
        raise ValueError(f"{result.path}: samples of protocol is {samples!r}; allowed is 1 or more")


def _check_figures(result: Result) -> None:
    for figure in result.figures:
        if figure.better not in (*ARROWS, "target") or (figure.better == "target") != (figure.target is not None):
            allowed = "higher, lower, none, or target with a target"
            raise ValueError(f"{result.path}: better of {figure.key!r} is {figure.better!r}; allowed is {allowed}")
        if not isinstance(figure.digits, int) or figure.digits < 0:
            raise ValueError(f"{result.path}: digits of {figure.key!r} is {figure.digits!r}; allowed is 0 or more")


def _check_restorers(result: Result) -> None:
    if not result.restorers:
        raise ValueError(f"{result.path} has no restorers; allowed is one or more")
    known = {figure.key for figure in result.figures}
    for restorer in result.restorers:
        for key, value in restorer.values.items():
            if key not in known:
                raise ValueError(f"{result.path}: {restorer.name!r} has a value {key!r}, which figures lacks")
            if not isinstance(value["value"], int | float):
                raise ValueError(f"{result.path}: {key!r} of {restorer.name!r} is {value['value']!r}, no number")
        for word in restorer.words:
            _require(result, f"a word of {restorer.name!r}", word, ("severity", "text"))


def _check_comparison(result: Result) -> None:
    figures, names = {figure.key for figure in result.figures}, {restorer.name for restorer in result.restorers}
    for key, compared in result.comparison.items():
        strangers = {*compared["best"], *(pair[side] for pair in compared["differences"] for side in "ab")} - names
        if key not in figures or strangers:
            raise ValueError(f"{result.path}: comparison of {key!r} names {sorted(strangers) or 'no figure'}")
        for pair in compared["differences"]:
            _require(result, f"a difference of {key!r}", pair, ("difference", "low", "high"))


def _check_lists(result: Result) -> None:
    for entry in result.left_out:
        _require(result, "left_out", entry, ("figure", "why"))
    for entry in result.pictures:
        _require(result, "pictures", entry, ("image", "folder"))


def _require(result: Result, what: str, record: dict[str, Any], names: tuple[str, ...]) -> None:
    absent = [name for name in names if name not in record]
    if absent:
        raise ValueError(f"{result.path}: {what} lacks {', '.join(absent)}")
