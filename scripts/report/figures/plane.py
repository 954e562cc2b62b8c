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
    "Filled: means of n samples. Hollow: one sample with its latents scaled by sigma_z. "
    "Where y is too far off, its error is told instead."
)

WAYS = {"n": "averaged", "sigma_z": "sigma_z"}
MOST_NAMED = 6  # more would cover each other
FAR_OFF = 1.25


def draw(result: Result) -> Figure | None:
    """Each restorer's means of n samples and its sigma_z, and the lower bound; nothing if no restorer has a plane."""
    planes = {r.name: r.curves["plane"] for r in result.restorers if r.curves.get("plane")}
    if not planes:
        return None
    figure, (axes,) = panels(1, height=3.8)
    far_off = _far_off(result, planes)
    ways = [(name, step) for name in planes for step in ("n", "sigma_z") if name not in far_off]
    for name, step in ways:
        _way(axes, looks(result)[name], planes[name].get(WAYS[step], []), step, name, named=len(ways) <= MOST_NAMED)
    for name in far_off:
        (point,) = planes[name][WAYS["n"]]
        axes.plot([], [], "x", color=looks(result)[name].colour, label=f"{name}, at {point['rmse']:.3g}")
    for bound in {str(plane["bound"]): plane["bound"] for plane in planes.values() if "bound" in plane}.values():
        axes.plot(*_line(bound), color=INK, linewidth=1.2, linestyle=(0, (1, 1.5)), label="theory's lower bound")
    axes.set(xlabel="root mean squared error", ylabel="W2 of patches to clean ones", ylim=(0, None))
    legend(figure, [axes])
    return figure


def _far_off(result: Result, planes: dict[str, Any]) -> list[str]:
    """What restores nothing, if it would squeeze all others into a corner."""
    degraded = {restorer.name for restorer in result.restorers if restorer.about.get("kind") == "degraded"}
    others = [point["rmse"] for name in planes if name not in degraded for point in planes[name][WAYS["n"]]]
    return [
        name
        for name in planes
        if name in degraded and others and planes[name][WAYS["n"]][0]["rmse"] > FAR_OFF * max(others)
    ]


def _way(axes: Axes, look: Look, points: list[dict[str, float]], step: str, label: str, named: bool) -> None:
    """A line through points; where it is named, at the first and the last."""
    own: dict[str, Any] = {"label": label} if step == "n" else {"markerfacecolor": "none", "linestyle": ":"}
    axes.plot(*_line(points), marker=look.marker, color=look.colour, linewidth=1.2, **own)
    for point in [points[0], points[-1]] if named and len(points) > 1 else []:
        axes.annotate(
            f"{step} = {point[step]:g}",
            (point["rmse"], point["distance"]),
            xytext=(6, 4 if step == "n" else -11),  # both are at one place where all of z is taken
            textcoords="offset points",
            color=look.colour,
            fontsize=9,
        )


def _line(points: list[dict[str, float]]) -> tuple[list[float], list[float]]:
    return [point["rmse"] for point in points], [point["distance"] for point in points]
