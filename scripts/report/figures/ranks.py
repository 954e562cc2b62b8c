"""Where the truth lies among the samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..colours import looks
from ..result import Result
from .canvas import INK, legend, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Rank of the truth among the samples"
CAPTION = (
    "Flat is calibrated. High ends: the truth falls outside too often, the spread is too small. "
    "A hump: it is too large. A slope: the samples are too bright or too dark."
)


def draw(result: Result) -> Figure | None:
    """A panel a scale: density of ranks, 1 where flat; nothing if no restorer has ranks."""
    histograms = {r.name: r.curves["ranks"] for r in result.restorers if r.curves.get("ranks")}
    if not histograms:
        return None
    scales = list(dict.fromkeys(scale for histogram in histograms.values() for scale in histogram))
    figure, axes = panels(len(scales), height=2.5)
    for panel, scale in zip(axes, scales, strict=True):
        panel.axhline(1, color=INK, linewidth=1, linestyle="--", label="an exact sampler")
        for name, histogram in histograms.items():
            if scale not in histogram:
                continue
            share, colour = histogram[scale]["share"], looks(result)[name].colour
            edges = [rank / len(share) for rank in range(len(share) + 1)]
            low, high = ([len(share) * bound for bound in histogram[scale][side]] for side in ("low", "high"))
            panel.fill_between(edges, [*low, low[-1]], [*high, high[-1]], step="post", color=colour, alpha=0.2, lw=0)
            panel.stairs(
                [len(share) * part for part in share], edges, baseline=None, color=colour, linewidth=1.8, label=name
            )
        panel.set(title=scale, ylabel="density", ylim=(0, None), xlim=(0, 1))
    axes[-1].set_xlabel("share of the samples below the truth")
    legend(figure, axes)
    return figure
