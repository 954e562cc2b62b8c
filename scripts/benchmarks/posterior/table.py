"""The tables of the posterior benchmark, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from .entry import BenchmarkEntry

Results = dict[BenchmarkEntry, dict[str, Any]]
"""Figures of finished cells."""


class Column(NamedTuple):
    """A figure, how it is headed, and with how many digits."""

    key: str
    heading: str
    digits: int


COLUMNS = (
    Column("mean_db", "mean, dB over MMSE", 3),
    Column("mean64_db", "mean of 64, dB", 3),
    Column("variance_ratio", "variance ratio", 2),
    Column("w2", "W2", 3),
    Column("w1", "sliced W1", 3),
    Column("spectrum_db", "spectrum, dB", 2),
    Column("coverage", "coverage of 0.9", 3),
    Column("nearest", "nearest law", 0),
    Column("calls", "calls", 0),
    Column("train_seconds", "training, s", 0),
)


def tables(results: Results) -> str:
    """A table for each world: a row an objective, mean over seeds and, in brackets, half the range."""
    worlds = list(dict.fromkeys(cell.world for cell in results))
    return "\n".join(_table(world, {c: f for c, f in results.items() if c.world == world}) for world in sorted(worlds))


def _table(world: str, results: Results) -> str:
    columns = [column for column in COLUMNS if any(column.key in figures for figures in results.values())]
    lines = [
        f"### {world}",
        "",
        "| row | " + " | ".join(column.heading for column in columns) + " | seeds |",
        "|---" * (len(columns) + 2) + "|",
    ]
    rows = sorted({cell.row for cell in results}, key=_by_distance(results))
    for row in rows:
        of_row = [figures for cell, figures in results.items() if cell.row == row]
        values = [_value([figures.get(column.key) for figures in of_row], column.digits) for column in columns]
        lines.append(f"| {row} | " + " | ".join(values) + f" | {len(of_row)} |")
    return "\n".join([*lines, ""])


def _by_distance(results: Results) -> Callable[[str], float]:
    """Rows by their distance to the posterior: W2 where it is known, else the sliced W1."""

    def distance(row: str) -> float:
        of_row = [figures for cell, figures in results.items() if cell.row == row]
        return statistics.fmean(figures["w2" if "w2" in figures else "w1"] for figures in of_row)

    return distance


def _value(values: list[Any], digits: int) -> str:
    """Mean over seeds and half their range; words as they are."""
    if any(value is None for value in values):
        return ""
    if isinstance(values[0], str):
        return ", ".join(dict.fromkeys(values))
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({(max(values) - min(values)) / 2:.{digits}f})"


def require_matplotlib() -> None:
    """Say so before hours of work, not after.

    Raises:
        ValueError: if matplotlib is missing.
    """
    if find_spec("matplotlib") is None:
        raise ValueError("the figure needs matplotlib; pip install pscgan[figures] brings it")


def draw_figure(results: Results, path: Path) -> None:
    """Write a picture: of every world the rank histograms, and of fields the spectra of samples around their mean."""
    import matplotlib
    from matplotlib import pyplot

    matplotlib.use("agg")
    worlds = sorted({cell.world for cell in results})
    figure, axes = pyplot.subplots(len(worlds), 2, figsize=(11, 3 * len(worlds)), squeeze=False, layout="constrained")
    for world, (ranks, spectrum) in zip(worlds, axes, strict=True):
        of_world = {cell.row: figures for cell, figures in results.items() if cell.world == world}
        for row, figures in of_world.items():
            bins = figures["ranks"]
            ranks.plot([len(bins) * share for share in bins], label=row, linewidth=1)
            if "spectrum" in figures:
                spectrum.semilogy([max(power, 1e-3) for power in figures["spectrum"]], label=row, linewidth=1)
        ranks.set(title=f"{world}: rank of the truth among 19 samples", ylabel="density (calibrated: 1)", ylim=(0, 4))
        if spectrum.lines:
            spectrum.set(title=f"{world}: power of x̂ − x̄ over the exact", xlabel="cycles an image")
            spectrum.legend(fontsize=7, ncols=2)
        else:
            spectrum.set_axis_off()
            spectrum.legend(*ranks.get_legend_handles_labels(), fontsize=7, ncols=2, loc="center left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
