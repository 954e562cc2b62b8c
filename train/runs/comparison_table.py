"""Runs side by side: one row a run, the lowest CRPS first."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .atomic_write import atomic_write
from .naming import RESUMABLE_KEYS
from .record import RunRecord

FIGURES = {  # of result.json: the heading, a factor, digits
    "crps": ("CRPS / 255", 255, 2),
    "psnr_sample": ("PSNR sample", 1, 2),
    "psnr_mean": ("PSNR mean", 1, 2),
    "gain_db": ("gain dB", 1, 2),
    "gain_db_exact": ("exact dB", 1, 2),
    "spread_skill": ("spread / skill", 1, 2),
    "images_seen": ("images", 1, 0),
    "seconds": ("seconds", 1, 0),
}

WIDTH = 240  # characters of a line where there is no terminal
BAR = r"\|"
LONG_NUMBER = 7


@dataclass(frozen=True)
class RunTable:
    """What differs between runs, and what came of it.

    The continuous ranked probability score is the criterion, because it is proper: the posterior has the lowest.

    Args:
        records: of the runs, sorted.
        columns: by dotted key of the config the values, where they are not the same in all runs.
    """

    records: Sequence[RunRecord]
    columns: dict[str, list[str]]

    @classmethod
    def of(cls, records: Sequence[RunRecord]) -> RunTable:
        """Runs without a CRPS come last."""
        ordered = sorted(records, key=lambda record: (_crps(record), record.folder.name))
        return cls(ordered, differences([record.config for record in ordered]))

    def print(self) -> None:
        """For people; a file is given lines long enough."""
        table = Table(title="runs, the lowest CRPS first")
        headings = self.headings()
        for index, heading in enumerate(headings):
            is_figure = len(self.columns) <= index < len(headings) - 1
            table.add_column(heading, justify="right" if is_figure else "left", overflow="fold")
        for row in self.rows():
            table.add_row(*row)
        Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH).print(table)

    def markdown(self) -> str:
        """As printed."""
        rows = [self.headings(), ["---"] * len(self.headings()), *self.rows()]
        return "".join(f"| {' | '.join(cell.replace('|', BAR) for cell in row)} |\n" for row in rows)

    def csv(self) -> str:
        """Every figure in full, by its name in ``result.json``, and the run's folder."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*self.columns, *FIGURES, "state", "folder"])
        for index, record in enumerate(self.records):
            figures = [record.figures.get(name, "") for name in FIGURES]
            writer.writerow([*self._values(index), *figures, record.state, record.folder])
        return file.getvalue()

    def write(self, folder: Path) -> None:
        """``runs.csv`` and ``runs.md``, in place of older ones.

        Raises:
            OSError: naming the file that cannot be written.
        """
        atomic_write(folder / "runs.csv", self.csv().encode())
        atomic_write(folder / "runs.md", self.markdown().encode())

    def headings(self) -> list[str]:
        """Keys of the config that differ, figures, state."""
        return [*map(self._short, self.columns), *(heading for heading, _, _ in FIGURES.values()), "state"]

    def rows(self) -> list[list[str]]:
        """Rounded."""
        return [
            [*map(_shortened, self._values(index)), *(_rounded(record, name) for name in FIGURES), record.state]
            for index, record in enumerate(self.records)
        ]

    def _values(self, index: int) -> list[str]:
        return [values[index] for values in self.columns.values()]

    def _short(self, key: str) -> str:
        """The end of a key that no other ends with."""
        words = key.split(".")
        ends = (".".join(words[start:]) for start in range(len(words) - 1, -1, -1))
        return next(
            end for end in ends if sum(f".{other}".endswith(f".{end}") for other in self.columns) == 1 or end == key
        )


def _crps(record: RunRecord) -> float:
    crps = record.figures.get("crps", math.inf)
    return math.inf if math.isnan(crps) else crps


def _rounded(record: RunRecord, name: str) -> str:
    _, factor, digits = FIGURES[name]
    return f"{factor * record.figures[name]:,.{digits}f}" if name in record.figures else ""


def _shortened(value: str) -> str:
    """Four digits of a number drawn from an interval."""
    try:
        return f"{float(value):.4g}" if "." in value and len(value) > LONG_NUMBER else value
    except ValueError:
        return value


ABSENT = ""


def differences(configs: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """By dotted key the value in each config, for keys that are not the same in all.

    Keys that cannot change what is learned are left out. Where parts of another kind stand under one key, the key's
    value is their kind: a class, or the names of penalties. Inside them only parts of one kind are compared.
    """
    learned = (key for config in configs for key in config if not f"{key}.".startswith(RESUMABLE_KEYS))
    keys = [key for key in dict.fromkeys(learned) if key != "name"]
    columns: dict[str, list[str]] = {}
    for key in keys:
        columns |= _columns(key, [config.get(key, ABSENT) for config in configs])
    kept = {key: values for key, values in columns.items() if not key.startswith(RESUMABLE_KEYS)}
    return {key: values for key, values in kept.items() if not _follows(key, kept)}


def _follows(key: str, columns: dict[str, list[str]]) -> bool:
    """Whether a shorter key of the same last word has the same values, as ``dataset.seed`` has those of ``seed``."""
    word = key.rpartition(".")[2]
    return key != word and columns.get(word) == columns[key]


def _columns(key: str, nodes: list[Any]) -> dict[str, list[str]]:
    if all(node == nodes[0] for node in nodes):
        return {}
    kinds = [_kind(node) for node in nodes]
    columns = {} if len(set(kinds)) == 1 and isinstance(nodes[0], dict) else {key: kinds}
    for kind in dict.fromkeys(kinds):
        members = [index for index, node in enumerate(nodes) if kinds[index] == kind and isinstance(node, dict)]
        for name in dict.fromkeys(name for index in members for name in nodes[index]):
            inside = _columns(f"{key}.{name}", [nodes[index].get(name, ABSENT) for index in members])
            for inner, values in inside.items():
                column = columns.setdefault(inner, [ABSENT] * len(nodes))
                for index, value in zip(members, values, strict=True):
                    column[index] = value
    return columns


def _kind(node: Any) -> str:
    """A mapping's class or keys; of anything else the value."""
    if not isinstance(node, dict):
        return str(node)
    return str(node["_target_"]).rpartition(".")[2] if "_target_" in node else "+".join(node)
