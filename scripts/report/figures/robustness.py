"""What becomes of restorations when the measurement is moved against them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..colours import looks
from ..result import Result
from .canvas import INK, legend, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..colours import Look

TITLE = "Robustness"
CAPTION = (
    "Attacks on y grow to the left: AI-PSNR is the PSNR between the attacked and the true measurement. "
    "A steep fall means that a change nobody sees moves the restoration."
)
QUANTITIES = {"psnr": "PSNR under attack, dB", "distance": "distance of the law under attack"}
STROKES = ("-", "--", "-.", ":")


def draw(result: Result) -> Figure | None:
    """A panel a quantity, a colour a restorer, a stroke an attack; nothing if no restorer was attacked."""
    curves = [
        (looks(result)[restorer.name], restorer.name, attack, points)
        for restorer in result.restorers
        for attack, points in restorer.curves.get("robustness", {}).items()
    ]
    quantities = [key for key in QUANTITIES if any(key in points[0] for *_, points in curves if points)]
    if not quantities:
        return None
    attacks = list(dict.fromkeys(attack for _, _, attack, _ in curves))
    strokes = {attack: STROKES[index % len(STROKES)] for index, attack in enumerate(attacks)}
    figure, axes = panels(len(quantities))
    for panel, quantity in zip(axes, quantities, strict=True):
        for look, name, attack, points in curves:
            if points and quantity in points[0]:
                _curve(panel, look, strokes[attack], points, quantity)
                panel.plot([], [], color=look.colour, marker=look.marker, label=name)
        panel.set(ylabel=QUANTITIES[quantity])
    for attack, stroke in strokes.items():
        axes[0].plot([], [], color=INK, linestyle=stroke, linewidth=1.2, label=f"attack: {attack}")
    axes[-1].set_xlabel("AI-PSNR of the attacked y, dB")
    legend(figure, axes)
    return figure


def _curve(panel: Axes, look: Look, stroke: str, points: list[dict[str, Any]], quantity: str) -> None:
    """With its interval, where there is one."""
    strengths = [point["ai_psnr"] for point in points]
    panel.plot(
        strengths, [point[quantity] for point in points], color=look.colour, marker=look.marker, linestyle=stroke
    )
    if all("low" in point and "high" in point for point in points):
        low, high = ([point[side] for point in points] for side in ("low", "high"))
        panel.fill_between(strengths, low, high, color=look.colour, alpha=0.15, linewidth=0)
