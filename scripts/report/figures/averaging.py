"""What averaging gains: PSNR of the mean of n samples, beside a sampler that is exact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..colours import looks
from ..result import Result
from .canvas import INK, legend, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "What averaging gains"
CAPTION = (
    "PSNR of the mean of n samples with its line a + b/n. Dashed: an exact sampler with the same limit, a(1 + 1/n). "
    "A line flatter than the dashed one has collapsed."
)


def draw(result: Result) -> Figure | None:
    """The curve, the restorer's own line and that of an exact sampler; nothing if no restorer averages."""
    curves = {r.name: r.curves["averaging"] for r in result.restorers if "averaging" in r.curves}
    if not curves:
        return None
    figure, (axes,) = panels(1, height=3.4)
    for name, curve in curves.items():
        look, n = looks(result)[name], curve["n"]
        line = [n[0] * (n[-1] / n[0]) ** (step / 40) for step in range(41)]
        axes.plot(line, [_psnr(curve["a"] + curve["b"] / k) for k in line], color=look.colour, linewidth=1)
        axes.plot(line, [_psnr(curve["a"] * (1 + 1 / k)) for k in line], "--", color=look.colour, linewidth=1)
        axes.plot(n, curve["psnr"], look.marker, color=look.colour, label=name)
        axes.vlines(n, curve["low"], curve["high"], color=look.colour, linewidth=1.2)
    axes.plot([], [], "--", color=INK, linewidth=1, label="an exact sampler")
    ticks = sorted({k for curve in curves.values() for k in curve["n"]})
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, map(str, ticks))
    axes.set(xlabel="samples averaged, n", ylabel="PSNR of their mean, dB")
    legend(figure, [axes])
    return figure


def _psnr(mean_squared_error: float) -> float:
    """In dB, for images in [0, 1]."""
    return -10 * math.log10(mean_squared_error)
