"""How often the truth lies in the interval that the samples promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..colours import looks
from ..result import Result
from .canvas import INK, legend, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Coverage"
CAPTION = (
    "How often the truth lies in the interval the samples promise. On the dashed line is calibrated; "
    "below it the samples are surer than they may be."
)


def draw(result: Result) -> Figure | None:
    """A panel a scale, measured against nominal coverage; nothing if no restorer has any."""
    curves = {r.name: r.curves["coverage"] for r in result.restorers if "coverage" in r.curves}
    scales = list(dict.fromkeys(scale for curve in curves.values() for scale in curve if scale != "nominal"))
    if not scales:
        return None
    figure, axes = panels(len(scales))
    for panel, scale in zip(axes, scales, strict=True):
        panel.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--", label="an exact sampler")
        for name, curve in curves.items():
            if scale not in curve:
                continue
            look, measured = looks(result)[name], curve[scale]
            panel.fill_between(
                curve["nominal"], measured["low"], measured["high"], color=look.colour, alpha=0.2, linewidth=0
            )
            panel.plot(curve["nominal"], measured["share"], marker=look.marker, color=look.colour, label=name)
        panel.set(title=scale, ylabel="measured", xlim=(0, 1), ylim=(0, 1))
    axes[-1].set_xlabel("nominal coverage")
    legend(figure, axes)
    return figure
