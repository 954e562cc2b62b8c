"""The perception-distortion plane (Blau and Michaeli, arXiv 1711.06077), with the ways through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..colours import Look, looks
from ..result import Result
from .canvas import INK, legend, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Perception and distortion"
CAPTION = (
    "Left is nearer to the truth, low is nearer to the law of clean images; below the dotted line of theory is nobody. "
    "Filled: means of n samples. Hollow: one sample with its latents scaled by sigma_z."
)


def draw(result: Result) -> Figure | None:
    """Each restorer's means of n samples and its sigma_z, and the lower bound; nothing if no restorer has a plane."""
    planes = {r.name: r.curves["plane"] for r in result.restorers if r.curves.get("plane")}
    if not planes:
        return None
    figure, (axes,) = panels(1, height=3.8)
    for name, plane in planes.items():
        look = looks(result)[name]
        _way(axes, look, plane.get("averaged", []), "n", {"label": name})
        _way(axes, look, plane.get("sigma_z", []), "sigma_z", {"markerfacecolor": "none", "linestyle": ":"})
    for bound in _distinct([plane["bound"] for plane in planes.values() if plane.get("bound")]):
        line = [[point[side] for point in bound] for side in ("rmse", "distance")]
        axes.plot(*line, color=INK, linewidth=1.2, linestyle=(0, (1, 1.5)), label="theory's lower bound")
    axes.set(xlabel="root mean squared error", ylabel="W2 of patches to clean ones", ylim=(0, None))
    legend(figure, [axes])
    return figure


def _way(axes: Axes, look: Look, points: list[dict[str, float]], step: str, style: dict[str, Any]) -> None:
    """A line through points, the first and the last named."""
    if not points:
        return
    line = [[point[side] for point in points] for side in ("rmse", "distance")]
    axes.plot(*line, marker=look.marker, color=look.colour, linewidth=1.2, **style)
    for point in [points[0], points[-1]][: len(points) if len(points) > 1 else 0]:
        name = "n" if step == "n" else "σ"
        axes.annotate(
            f"{name} = {point[step]:g}",
            (point["rmse"], point["distance"]),
            xytext=(5, 5),
            textcoords="offset points",
            color=look.colour,
            fontsize=9,
        )


def _distinct(bounds: list[Any]) -> list[Any]:
    """Each once: on the same images the bound is the same for all."""
    return [bound for index, bound in enumerate(bounds) if bound not in bounds[:index]]
