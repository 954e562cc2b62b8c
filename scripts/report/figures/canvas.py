"""What all figures share: size, style, and files that are the same whenever they are drawn."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....train.runs.atomic_write import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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


def panels(number: int, height: float = 3.0) -> tuple[Figure, Sequence[Axes]]:
    """Axes one above the other; height in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height * number), layout="constrained")
    return figure, list(figure.subplots(number, 1, squeeze=False)[:, 0])


def legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One below all panels, each label once; in two columns where they fit."""
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
