"""How figures and page look: colours and markers of methods, size and style of figures, files that do not vary."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...train.evaluation.results import EvaluationResult
from ...train.runs.atomic_write import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SERIES = ("#0080c8", "#e06a00", "#1d6b45", "#a8488a", "#5c3a00", "#33308f")
"""The hues of Okabe and Ito, of different lightness: told apart with any colour vision, 3:1 or more on the page."""
SERIES_ON_DARK = ("#74c4f7", "#ea742c", "#2fae7c", "#c474bc", "#f5e68a", "#6a68dd")
MEASUREMENT, MEASUREMENT_ON_DARK = "#8a9097", "#868d94"  # y, which is no restoration
MARKERS = "osD^vPX"
INK = "#1c2126"
PAPER = "#ffffff"
WIDTH = 5.2  # inches: the text of a figure this wide can be read at 400 px
LEGEND_LINE = 0.22  # inches
LONG_LABEL = 44  # characters
STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "grid.alpha": 0.12,
    "grid.color": INK,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "svg.fonttype": "none",
    "svg.hashsalt": "pscgan",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
UNDATED = {"Date": None, "Creator": None, "Format": None, "Type": None}


class Look(NamedTuple):
    """Of a method: its colour on light, the variable of the page that holds it, and a marker."""

    colour: str
    variable: str
    marker: str


def looks(result: EvaluationResult) -> dict[str, Look]:
    """By name; colours begin again after six methods, markers after seven."""
    found = {name: Look(MEASUREMENT, "--measurement", "x") for name in result.methods}
    for index, name in enumerate(name for name, method in result.methods.items() if not method.is_degraded):
        series = index % len(SERIES)
        found[name] = Look(SERIES[series], f"--series-{series}", MARKERS[index % len(MARKERS)])
    return found


def variables() -> list[tuple[str, str, str]]:
    """Variable of the page, its colour on light, its colour on dark."""
    of_series = [(f"--series-{index}", *pair) for index, pair in enumerate(zip(SERIES, SERIES_ON_DARK, strict=True))]
    return [*of_series, ("--measurement", MEASUREMENT, MEASUREMENT_ON_DARK)]


def panels(number: int, height: float = 3.0) -> tuple[Figure, Sequence[Axes]]:
    """Axes one above the other; height in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height * number), layout="constrained")
    return figure, list(figure.subplots(number, 1, squeeze=False)[:, 0])


def legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One below all panels, each label once, in two columns where they fit."""
    found = [zip(*panel.get_legend_handles_labels(), strict=True) for panel in axes]
    handles = {shortened(label): handle for panel in found for handle, label in panel}
    columns = 2 if max(map(len, handles)) <= LONG_LABEL // 2 else 1
    figure.set_figheight(figure.get_figheight() + LEGEND_LINE * math.ceil(len(handles) / columns))
    figure.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=columns)


def shortened(label: str) -> str:
    """Its beginning and its end, if it is wider than a figure."""
    half = LONG_LABEL // 2 - 1
    return label if len(label) <= LONG_LABEL else f"{label[:half]} … {label[-half:]}"


def save(figure: Figure, path: Path) -> None:
    """``path.png`` at twice the size of the screen, and ``path.svg``."""
    for suffix, metadata in (("png", {"Software": None}), ("svg", UNDATED)):
        content = io.BytesIO()
        figure.savefig(content, format=suffix, dpi=200, metadata=metadata)
        atomic_write(path.with_name(f"{path.name}.{suffix}"), content.getvalue())
