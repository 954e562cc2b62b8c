"""Runs side by side: one row a run, the lowest CRPS first."""

from __future__ import annotations

import csv
import io
import math
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.cells import cell_len
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
    "spread_skill/1": ("spread / skill", 1, 2),
    "spread_skill/8": ("blocks of 8", 1, 2),
    "images_seen": ("images", 1, 0),
    "seconds": ("seconds", 1, 0),
}

WIDTH = 9_999  # characters of a line where there is no terminal: all columns
SHORT = 24  # characters of a state or a folder that is shortened
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
        """Print for people, a line a run, as wide as the terminal: what is least asked for is shortened or left out."""
        width = shutil.get_terminal_size((WIDTH, 0)).columns if sys.stdout.isatty() else WIDTH
        columns, first = self._fitting(width), len(self.columns)
        table = Table(title="runs, the lowest CRPS first", title_justify="left")
        for place, (heading, *_) in columns.items():
            table.add_column(
                heading, justify="right" if first <= place < first + len(FIGURES) else "left", no_wrap=True
            )
        for row in list(zip(*columns.values(), strict=True))[1:]:
            table.add_row(*row)
        console = Console(highlight=False, width=width)
        console.print(table)
        if left_out := first + len(FIGURES) + 2 - len(columns):
            console.print(f"{left_out} columns do not fit; pscgan runs --out FOLDER writes all")

    def _fitting(self, width: int) -> dict[int, tuple[str, ...]]:
        """By place the columns that fit in so many characters, headings first; CRPS, state and folder always."""
        folders = ["folder", *(os.path.relpath(record.folder) for record in self.records)]
        rows = zip([self.headings(), *self.rows()], folders, strict=True)
        columns = dict(enumerate(zip(*([*row, folder] for row, folder in rows), strict=True)))
        crps, state, folder = len(self.columns), len(columns) - 2, len(columns) - 1
        for place in [state, *range(state - 1, crps + 2, -1), folder, crps + 2, crps + 1, *range(crps - 1, -1, -1)]:
            if 1 + sum(3 + max(map(cell_len, cells)) for cells in columns.values()) <= width:
                break
            cells = columns.pop(place)
            if place in (state, folder):
                columns[place] = tuple(map(_ends, cells))
        return dict(sorted(columns.items()))

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


def _ends(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[: SHORT // 2]}…{text[-SHORT // 2 + 1 :]}"


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
        if key not in ("name", "log_every_images", "checkpoint_every_images")
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
