"""The report of an evaluation, from its ``result.json`` and pictures."""

from __future__ import annotations

from pathlib import Path

from ...train.runs.atomic_write import atomic_write
from .figures.drawing import draw_figures, require_matplotlib
from .page import page
from .pictures import read_galleries
from .result import read_result
from .tables import comparison_csv, comparison_markdown, summary_csv, summary_markdown


def write_report(folder: Path) -> None:
    """Write ``tables/``, ``figures/`` and ``index.html`` beside ``result.json``, in place of older ones.

    Raises:
        ValueError: naming the file, if ``result.json`` or a picture is missing or not what it should be; if matplotlib
            is missing.
        OSError: naming the file that cannot be written.
    """
    require_matplotlib()
    result = read_result(folder)
    galleries = read_galleries(result, folder)
    for name in ("tables", "figures"):
        (folder / name).mkdir(exist_ok=True)
    for name, table in {
        "summary.md": summary_markdown(result),
        "summary.csv": summary_csv(result),
        "comparison.md": comparison_markdown(result),
        "comparison.csv": comparison_csv(result),
    }.items():
        atomic_write(folder / "tables" / name, table.encode())
    drawn = draw_figures(result, folder / "figures")
    atomic_write(folder / "index.html", page(result, drawn, galleries).encode())
