"""The tables of the posterior benchmark as Markdown, and its figure."""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .entry import BenchmarkEntry

Results = dict[BenchmarkEntry, dict[str, Any]]
"""Figures of finished entries."""
COLUMNS = {  # key: heading, digits
    "mean_db": ("mean, dB over MMSE", 3),
    "mean64_db": ("mean of 64, dB", 3),
    "variance_ratio": ("variance ratio", 2),
    "w2": ("W2", 3),
    "w1": ("sliced W1", 3),
    "spectrum_db": ("spectrum, dB", 2),
    "coverage": ("coverage of 0.9", 3),
    "precision": ("precision", 2),
    "recall": ("recall", 2),
    "nearest": ("nearest distribution", 0),
    "calls": ("calls", 0),
    "train_seconds": ("training, s", 0),
}


def tables(results: Results) -> str:
    """A table for each problem: a row an objective, mean over seeds and, in brackets, half the range."""
    problems = sorted({entry.problem for entry in results})
    return "\n".join(_table(problem, _rows_of(problem, results)) for problem in problems)


def _rows_of(problem: str, results: Results) -> dict[str, list[dict[str, Any]]]:
    """By row, the figures of each seed."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for entry, figures in results.items():
        if entry.problem == problem:
            rows.setdefault(entry.row, []).append(figures)
    return rows


def _table(problem: str, rows: Mapping[str, list[dict[str, Any]]]) -> str:
    shown = [key for key in COLUMNS if any(key in figures for seeds in rows.values() for figures in seeds)]
    lines = [["row", *(COLUMNS[key][0] for key in shown), "seeds"], ["---"] * (len(shown) + 2)]
    for row, seeds in sorted(rows.items(), key=lambda item: _distance(item[1])):
        values = [_value([figures.get(key) for figures in seeds], COLUMNS[key][1]) for key in shown]
        lines.append([row, *values, str(len(seeds))])
    return "\n".join([f"### {problem}", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def _distance(seeds: list[dict[str, Any]]) -> float:
    """Distance of a row to the posterior: W2 where it is known, else the sliced W1."""
    return statistics.fmean(figures.get("w2", figures["w1"]) for figures in seeds)


def _value(values: list[Any], digits: int) -> str:
    """Mean over seeds and half their range; words as they are."""
    if any(value is None for value in values):
        return ""
    if isinstance(values[0], str):
        return ", ".join(dict.fromkeys(values))
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({(max(values) - min(values)) / 2:.{digits}f})"


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
        for row, seeds in _rows_of(problem, results).items():
            bins, power = seeds[-1]["ranks"], seeds[-1].get("spectrum")
            ranks.plot([len(bins) * share for share in bins], label=row, linewidth=1)
            if power is not None:
                spectrum.semilogy([max(value, 1e-3) for value in power], label=row, linewidth=1)
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
