"""The figures of a report: PNG and SVG files, all methods in each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...train.evaluation.results import EvaluationResult
from ...train.metrics.calibration import SIDES
from ...train.metrics.decibels import psnr
from .style import INK, STYLE, Look, legend, looks, panels, save, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WAYS = {"n": "averaged", "sigma_z": "sigma_z", "alpha": "alpha"}
MOST_NAMED = 6  # more labels would cover each other
FAR_OFF = 1.25
QUANTITIES = {"psnr": "PSNR under attack, dB", "distance": "distance of the distribution under attack"}
STROKES = ("-", "--", "-.", ":")


class Drawn(NamedTuple):
    """A figure that was drawn: its name, title, caption and SVG file."""

    name: str
    title: str
    caption: str
    svg: Path


def draw_figures(result: EvaluationResult, folder: Path) -> list[Drawn]:
    """Write ``folder/NAME.png`` and ``.svg`` of every figure that a method has a curve for."""
    from matplotlib import rc_context

    drawn = []
    for name, (draw, title, caption) in FIGURES.items():
        curves = {method: entry.curves[name] for method, entry in result.methods.items() if entry.curves.get(name)}
        if curves:
            with rc_context(STYLE):
                save(draw(result, curves), folder / name)
            drawn.append(Drawn(name, title, caption, folder / f"{name}.svg"))
    return drawn


def draw_averaging(result: EvaluationResult, curves: dict[str, Any]) -> Figure:
    """PSNR of the mean of n samples, the line a + b/n, and that of an exact sampler."""
    figure, (axes,) = panels(1, height=3.4)
    for name, curve in curves.items():
        look, n = looks(result)[name], curve["n"]
        line = [n[0] * (n[-1] / n[0]) ** (step / 40) for step in range(41)]
        axes.plot(line, [psnr(curve["a"] + curve["b"] / k) for k in line], color=look.colour, linewidth=1)
        axes.plot(line, [psnr(curve["a"] * (1 + 1 / k)) for k in line], "--", color=look.colour, linewidth=1)
        axes.plot(n, curve["psnr"], look.marker, color=look.colour, label=name)
        if "low" in curve:
            axes.vlines(n, curve["low"], curve["high"], color=look.colour, linewidth=1.2)
    axes.plot([], [], "--", color=INK, linewidth=1, label="an exact sampler")
    ticks = sorted({k for curve in curves.values() for k in curve["n"]})
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, map(str, ticks))
    axes.set(xlabel="samples averaged, n", ylabel="PSNR of their mean, dB")
    legend(figure, [axes])
    return figure


def draw_ranks(result: EvaluationResult, curves: dict[str, Any]) -> Figure:
    """A panel a scale: density of the rank of the truth among the samples, 1 where calibrated."""
    scales = list(dict.fromkeys(scale for curve in curves.values() for scale in curve))
    figure, axes = panels(len(scales), height=2.5)
    for panel, scale in zip(axes, scales, strict=True):
        panel.axhline(1, color=INK, linewidth=1, linestyle="--", label="an exact sampler")
        for name, curve in ((name, curve[scale]) for name, curve in curves.items() if scale in curve):
            ranks, colour = len(curve["share"]), looks(result)[name].colour
            edges = [rank / ranks for rank in range(ranks + 1)]
            if "low" in curve:
                low, high = ([ranks * end for end in curve[side]] for side in ("low", "high"))
                panel.fill_between(
                    edges, [*low, low[-1]], [*high, high[-1]], step="post", color=colour, alpha=0.2, lw=0
                )
            density = [ranks * share for share in curve["share"]]
            panel.stairs(density, edges, baseline=None, color=colour, linewidth=1.8, label=name)
        panel.set(title=scale, ylabel="density", ylim=(0, None), xlim=(0, 1))
    axes[-1].set_xlabel("share of the samples below the truth")
    legend(figure, axes)
    return figure


def draw_coverage(result: EvaluationResult, curves: dict[str, Any]) -> Figure:
    """A panel a scale: measured against nominal coverage of central intervals."""
    scales = list(dict.fromkeys(scale for curve in curves.values() for scale in curve if scale != "nominal"))
    figure, axes = panels(len(scales))
    for panel, scale in zip(axes, scales, strict=True):
        panel.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--", label="an exact sampler")
        for name, curve in ((name, curve) for name, curve in curves.items() if scale in curve):
            look, nominal, measured = looks(result)[name], curve["nominal"], curve[scale]
            if "low" in measured:
                panel.fill_between(nominal, measured["low"], measured["high"], color=look.colour, alpha=0.2, lw=0)
            panel.plot(nominal, measured["share"], marker=look.marker, color=look.colour, label=name)
        panel.set(title=scale, ylabel="measured", xlim=(0, 1), ylim=(0, 1))
    axes[-1].set_xlabel("nominal coverage")
    legend(figure, axes)
    return figure


def draw_spread_skill(result: EvaluationResult, curves: dict[str, Any]) -> Figure:
    """Spread/skill of block means against the side of the blocks."""
    figure, (axes,) = panels(1, height=2.5)
    axes.axhline(1, color=INK, linewidth=1, linestyle="--", label="an exact sampler")
    for name, curve in curves.items():
        look, sides = looks(result)[name], [point["side"] for point in curve]
        axes.semilogx(sides, [p["value"] for p in curve], base=2, marker=look.marker, color=look.colour, label=name)
        if all(point["low"] is not None for point in curve):
            axes.vlines(sides, [p["low"] for p in curve], [p["high"] for p in curve], color=look.colour)
    axes.set_xticks(SIDES, map(str, SIDES))
    axes.set(xlabel="side of the blocks, pixels", ylabel="spread/skill", ylim=(0, None))
    legend(figure, [axes])
    return figure


def draw_residual_noise(result: EvaluationResult, curves: dict[str, Any]) -> Figure:
    """A panel a method: histograms of the RMS in windows of the noise, of y − x̂ and of x̂ − x."""
    figure, axes = panels(len(curves), height=2.0)
    styles: dict[str, dict[str, Any]] = {
        "noise": {"color": INK, "fill": True, "alpha": 0.18},
        "residual": {"linewidth": 1.8},
        "error": {"linewidth": 1.4, "linestyle": "--"},
    }
    for panel, (name, curve) in zip(axes, curves.items(), strict=True):
        for part in (part for part in styles if part in curve["histograms"]):
            style = {"color": looks(result)[name].colour, **styles[part]}
            panel.stairs(curve["histograms"][part], curve["edges"], **style)
        panel.set(title=shortened(name), ylabel="density", ylim=(0, None))
    axes[-1].set_xlabel("root mean square in a window")
    for part, label in {"noise": "noise", "residual": "y − x̂", "error": "x̂ − x"}.items():
        axes[0].stairs([], [0], label=label, **{"color": INK, **styles[part]})
    legend(figure, axes)
    return figure


def draw_perception_distortion(result: EvaluationResult, curves: dict[str, Any]) -> Figure:
    """Means of n samples and samples at sigma_z or alpha of each method, and the lower bound (arXiv 1711.06077)."""
    figure, (axes,) = panels(1, height=3.8)
    far_off = _far_off(result, curves)
    ways = [(name, step) for name in curves for step in WAYS if name not in far_off and curves[name].get(WAYS[step])]
    for name, step in ways:
        _way(axes, looks(result)[name], curves[name][WAYS[step]], step, name, named=len(ways) <= MOST_NAMED)
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
            xytext=(6, 4) if step == "n" else (0, -13),  # both are at one place where all of z is taken
            ha="left" if step == "n" else "center",
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


FIGURES: dict[str, tuple[Callable[[EvaluationResult, dict[str, Any]], Figure], str, str]] = {
    "averaging": (
        draw_averaging,
        "Averaging",
        "PSNR of the mean of n samples, with the line a + b/n. Dashed: an exact sampler with the same limit, "
        "a(1 + 1/n). A line flatter than the dashed one has collapsed.",
    ),
    "perception_distortion": (
        draw_perception_distortion,
        "Perception and distortion",
        "Left is closer to the truth, low is closer to the distribution of clean images; no method lies below the "
        "dotted bound. Filled: means of n samples. Hollow: one sample, its latents scaled by sigma_z, or moved as "
        "far as 1 - alpha says.",
    ),
    "spread_skill": (
        draw_spread_skill,
        "Spread/skill by block side",
        "Of means over blocks. A line that falls to the right: samples that vary like noise.",
    ),
    "ranks": (
        draw_ranks,
        "Rank of the truth among the samples",
        "Flat is calibrated. High ends: too little spread. A hump: too much. A slope: the samples are biased.",
    ),
    "coverage": (
        draw_coverage,
        "Coverage",
        "How often the truth lies in central intervals of the samples. The dashed line is calibrated; below it the "
        "intervals are too narrow.",
    ),
    "robustness": (
        draw_robustness,
        "Robustness",
        "Attacks on y grow to the left: AI-PSNR is the PSNR between the attacked and the true measurement. A steep "
        "fall means that an invisible change of y changes the restoration.",
    ),
    "residual_noise": (
        draw_residual_noise,
        "Residual noise",
        "RMS of y − x̂ in small windows (solid) and of the noise (filled): where they agree, the restoration explains "
        "y. Dashed: the error x̂ − x.",
    ),
}
