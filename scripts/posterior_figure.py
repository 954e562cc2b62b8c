"""The figure of the posterior benchmark: rank histograms and spectra, a line of panels for each world."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from .posterior_table import Results


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
