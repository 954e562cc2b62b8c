"""What is left of y when the restoration is taken away: noise, if the restoration explains y."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..colours import looks
from ..result import Result
from .canvas import INK, legend, panels, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "What is left of y"
CAPTION = (
    "Size of y − x̂ in small windows (solid) beside that of the noise (filled): where the two agree, "
    "the restoration explains y. Dashed: its error x̂ − x."
)


def draw(result: Result) -> Figure | None:
    """A panel a restorer; nothing if no restorer has histograms."""
    remainders = {r.name: r.curves["remainder"] for r in result.restorers if r.curves.get("remainder")}
    if not remainders:
        return None
    figure, axes = panels(len(remainders), height=2.0)
    styles: dict[str, dict[str, Any]] = {
        "noise": {"color": INK, "fill": True, "alpha": 0.18},
        "remainder": {"linewidth": 1.8},
        "error": {"linewidth": 1.4, "linestyle": "--"},
    }
    for panel, (name, curve) in zip(axes, remainders.items(), strict=True):
        for part, style in styles.items():
            if part in curve["histograms"]:
                panel.stairs(
                    curve["histograms"][part], curve["edges"], **{"color": looks(result)[name].colour, **style}
                )
        panel.set(title=shortened(name), ylabel="density", ylim=(0, None))
    axes[-1].set_xlabel("root mean square in a window")
    for part, style in styles.items():
        axes[0].stairs(
            [], [0], label={"remainder": "y − x̂", "error": "x̂ − x"}.get(part, part), **{"color": INK, **style}
        )
    legend(figure, axes)
    return figure
