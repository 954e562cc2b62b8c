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
from .provenance import flatten_config
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
    """What differs between runs, and their scores.

    The continuous ranked probability score is the criterion, because it is proper: the posterior has the lowest.

    Args:
        records: sorted by CRPS.
        columns: see ``differences``.
    """

    records: Sequence[RunRecord]
    columns: dict[str, list[str]]

    @classmethod
    def of(cls, records: Sequence[RunRecord]) -> RunTable:
        """Sort the runs; those without a CRPS come last."""
        ordered = sorted(records, key=lambda record: (_crps(record), record.folder.name))
        return cls(ordered, differences([record.config for record in ordered]))

    def print(self) -> None:
        """Print for people; where stdout is no terminal, lines are ``WIDTH`` characters long."""
        table = Table(title="runs, the lowest CRPS first")
        headings = self.headings()
        for index, heading in enumerate(headings):
            is_figure = len(self.columns) <= index < len(headings) - 1
            table.add_column(heading, justify="right" if is_figure else "left", overflow="fold")
        for row in self.rows():
            table.add_row(*row)
        Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH).print(table)

    def markdown(self) -> str:
        rows = [self.headings(), ["---"] * len(self.headings()), *self.rows()]
        return "".join(f"| {' | '.join(cell.replace('|', BAR) for cell in row)} |\n" for row in rows)

    def csv(self) -> str:
        """Every figure unrounded, by its name in ``result.json``, and the run's folder."""
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
        atomic_write(folder / "runs.csv", self.csv())
        atomic_write(folder / "runs.md", self.markdown())

    def headings(self) -> list[str]:
        return [*map(self._short, self.columns), *(heading for heading, _, _ in FIGURES.values()), "state"]

    def rows(self) -> list[list[str]]:
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

    Keys that cannot change what is learned are left out. The value of a part is its class; its arguments are compared
    only where all runs that have the part have it of one class.
    """
    flat = [_flatten(config) for config in configs]
    keys = dict.fromkeys(key for values in flat for key in values)
    columns = {key: [values.get(key, ABSENT) for values in flat] for key in keys}
    kept = {key: values for key, values in columns.items() if _differs(key, columns)}
    return {key: values for key, values in kept.items() if not _repeats(key, kept)}


def _flatten(config: dict[str, Any]) -> dict[str, str]:
    leaves = {key: str(leaf) for key, leaf in flatten_config(config).items() if not key.startswith(RESUMABLE_KEYS)}
    return {
        key.removesuffix("._target_"): leaf.rpartition(".")[2] if key.endswith("._target_") else leaf
        for key, leaf in leaves.items()
        if key != "name"
    }


def _differs(key: str, columns: dict[str, list[str]]) -> bool:
    words = key.split(".")
    parts = [set(columns.get(".".join(words[:end]), [])) for end in range(1, len(words))]
    missing = any(ABSENT in classes for classes in parts)
    one_class = all(len(classes - {ABSENT}) <= 1 for classes in parts)
    return one_class and len(set(columns[key]) - ({ABSENT} if missing else set())) > 1


def _repeats(key: str, columns: dict[str, list[str]]) -> bool:
    """Whether a shorter key of the same last word has the same values, as ``dataset.seed`` has those of ``seed``."""
    word = key.rpartition(".")[2]
    return key != word and columns.get(word) == columns[key]
