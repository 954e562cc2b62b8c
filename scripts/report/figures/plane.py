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


def draw(result: Result) -> Figure | None:
    """Each restorer's means of n samples and its sigma_z, and the lower bound; nothing if no restorer has a plane."""
    planes = {r.name: r.curves["plane"] for r in result.restorers if r.curves.get("plane")}
    if not planes:
        return None
    figure, (axes,) = panels(1, height=3.8)
    edge = 1.5 * max(
        (p["rmse"] for name, plane in planes.items() if name not in _y(result) for p in _points(plane)), default=1
    )
    for name, plane in planes.items():
        look = looks(result)[name]
        if name in _y(result) and any(point["rmse"] > edge for point in _points(plane)):
            axes.plot([], [], "x", color=look.colour, label=f"{name}, at {_points(plane)[0]['rmse']:.3g}")
            continue
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


def _y(result: Result) -> set[str]:
    """Names of what restores nothing."""
    return {restorer.name for restorer in result.restorers if restorer.about.get("kind") == "degraded"}


def _points(plane: dict[str, Any]) -> list[dict[str, float]]:
    return [*plane.get("averaged", []), *plane.get("sigma_z", [])]


def _distinct(bounds: list[Any]) -> list[Any]:
    """Each once: on the same images the bound is the same for all."""
    return [bound for index, bound in enumerate(bounds) if bound not in bounds[:index]]
