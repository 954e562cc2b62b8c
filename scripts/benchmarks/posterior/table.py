"""The tables of the posterior benchmark as Markdown, and its figure."""

from __future__ import annotations

import statistics
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from .entry import BenchmarkEntry

Results = dict[BenchmarkEntry, dict[str, Any]]
"""Figures of finished entries."""


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
    Column("nearest", "nearest distribution", 0),
    Column("calls", "calls", 0),
    Column("train_seconds", "training, s", 0),
)


def tables(results: Results) -> str:
    """A table for each problem: a row an objective, mean over seeds and, in brackets, half the range."""
    problems = sorted({entry.problem for entry in results})
    return "\n".join(
        _table(problem, {e: f for e, f in results.items() if e.problem == problem}) for problem in problems
    )


def _table(problem: str, results: Results) -> str:
    columns = [column for column in COLUMNS if any(column.key in figures for figures in results.values())]
    by_row: dict[str, list[dict[str, Any]]] = {}
    for entry, figures in results.items():
        by_row.setdefault(entry.row, []).append(figures)
    lines = [
        f"### {problem}",
        "",
        "| row | " + " | ".join(column.heading for column in columns) + " | seeds |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for row, seeds in sorted(by_row.items(), key=lambda item: _distance(item[1])):
        values = [_value([figures.get(column.key) for figures in seeds], column.digits) for column in columns]
        lines.append(f"| {row} | " + " | ".join(values) + f" | {len(seeds)} |")
    return "\n".join([*lines, ""])


def _distance(seeds: list[dict[str, Any]]) -> float:
    """Of a row to the posterior: W2 where it is known, else the sliced W1."""
    return statistics.fmean(figures.get("w2", figures["w1"]) for figures in seeds)


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
        raise ValueError("the figure needs matplotlib; pip install pscgan[evaluate] brings it")


def draw_figure(results: Results, path: Path) -> None:
    """Draw for every problem the rank histograms, and for fields the spectra of samples around their mean."""
    import matplotlib
    from matplotlib import pyplot

    matplotlib.use("agg")
    problems = sorted({entry.problem for entry in results})
    figure, axes = pyplot.subplots(
        len(problems), 2, figsize=(11, 3 * len(problems)), squeeze=False, layout="constrained"
    )
    for problem, (ranks, spectrum) in zip(problems, axes, strict=True):
        of_problem = {entry.row: figures for entry, figures in results.items() if entry.problem == problem}
        for row, figures in of_problem.items():
            bins = figures["ranks"]
            ranks.plot([len(bins) * share for share in bins], label=row, linewidth=1)
            if "spectrum" in figures:
                spectrum.semilogy([max(power, 1e-3) for power in figures["spectrum"]], label=row, linewidth=1)
        ranks.set(title=f"{problem}: rank of the truth among 19 samples", ylabel="density (calibrated: 1)", ylim=(0, 4))
        if spectrum.lines:
            spectrum.set(title=f"{problem}: power of x̂ − x̄ over the exact", xlabel="cycles an image")
            spectrum.legend(fontsize=7, ncols=2)
        else:
            spectrum.set_axis_off()
            spectrum.legend(*ranks.get_legend_handles_labels(), fontsize=7, ncols=2, loc="center left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
