"""Figures of two axes: perception against distortion (Blau and Michaeli, arXiv 1711.06077), and robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...train.evaluation.results import EvaluationResult
from .style import INK, Look, legend, looks, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WAYS = {"n": "averaged", "sigma_z": "sigma_z"}
MOST_NAMED = 6  # more labels would cover each other
FAR_OFF = 1.25
QUANTITIES = {"psnr": "PSNR under attack, dB", "distance": "distance of the distribution under attack"}
STROKES = ("-", "--", "-.", ":")


def draw_perception_distortion(result: EvaluationResult, curves: dict[str, Any]) -> Figure:
    """Means of n samples and samples at sigma_z of each method, and the lower bound."""
    figure, (axes,) = panels(1, height=3.8)
    far_off = _far_off(result, curves)
    ways = [(name, step) for name in curves for step in WAYS if name not in far_off]
    for name, step in ways:
        _way(axes, looks(result)[name], curves[name].get(WAYS[step], []), step, name, named=len(ways) <= MOST_NAMED)
    for name in far_off:
        (point,) = curves[name]["averaged"]
        axes.plot([], [], "x", color=looks(result)[name].colour, label=f"{name}, at {point['rmse']:.3g}")
    for bound in {str(curve["bound"]): curve["bound"] for curve in curves.values() if "bound" in curve}.values():
        axes.plot(*_line(bound), color=INK, linewidth=1.2, linestyle=(0, (1, 1.5)), label="lower bound")
    axes.set(xlabel="root mean squared error", ylabel="W2 of patches to clean ones", ylim=(0, None))
    legend(figure, [axes])
    return figure


def _far_off(result: EvaluationResult, curves: dict[str, Any]) -> list[str]:
    """y, if it would squeeze all methods into a corner."""
    degraded = [name for name in curves if result.methods[name].is_degraded]
    others = [point["rmse"] for name in curves if name not in degraded for point in curves[name]["averaged"]]
    return [name for name in degraded if others and curves[name]["averaged"][0]["rmse"] > FAR_OFF * max(others)]


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


def draw_robustness(result: EvaluationResult, curves: dict[str, Any]) -> Figure:
    """A panel a quantity, a colour a method, a stroke an attack."""
    attacks = list(dict.fromkeys(attack for by_attack in curves.values() for attack in by_attack))
    strokes = {attack: STROKES[index % len(STROKES)] for index, attack in enumerate(attacks)}
    figure, axes = panels(len(QUANTITIES))
    for panel, quantity in zip(axes, QUANTITIES, strict=True):
        for name, by_attack in curves.items():
            look = looks(result)[name]
            style: dict[str, Any] = {"color": look.colour, "marker": look.marker}
            for attack, points in by_attack.items():
                values = [point[quantity] for point in points]
                panel.plot([point["ai_psnr"] for point in points], values, linestyle=strokes[attack], **style)
            panel.plot([], [], label=name, **style)
        panel.set(ylabel=QUANTITIES[quantity])
    for attack, stroke in strokes.items():
        axes[0].plot([], [], color=INK, linestyle=stroke, linewidth=1.2, label=f"attack: {attack}")
    axes[-1].set_xlabel("AI-PSNR of the attacked y, dB")
    legend(figure, axes)
    return figure
