"""The colour of each restorer, the same in every figure and on the page."""

from __future__ import annotations

from typing import NamedTuple

from .result import Result

SERIES = ("#0080c8", "#e06a00", "#1d6b45", "#a8488a", "#5c3a00", "#33308f")
"""The hues of Okabe and Ito, of different lightness: told apart with any colour vision, 3:1 or more on the page."""
SERIES_ON_DARK = ("#74c4f7", "#ea742c", "#2fae7c", "#c474bc", "#f5e68a", "#6a68dd")
MEASUREMENT = "#8a9097"
"""y, which is no restoration."""
MEASUREMENT_ON_DARK = "#868d94"
MARKERS = "osD^vPX"


class Look(NamedTuple):
    """Of a restorer: its colour on light, the variable of the page that holds it, and a marker."""

    colour: str
    variable: str
    marker: str


def looks(result: Result) -> dict[str, Look]:
    """By name: in the order of the file; colours begin again after six, markers after seven."""
    restorers = [restorer.name for restorer in result.restorers if restorer.about.get("kind") != "degraded"]
    return {restorer.name: Look(MEASUREMENT, "--measurement", "x") for restorer in result.restorers} | {
        name: Look(SERIES[index % len(SERIES)], f"--series-{index % len(SERIES)}", MARKERS[index % len(MARKERS)])
        for index, name in enumerate(restorers)
    }


def variables() -> list[tuple[str, str, str]]:
    """Variable of the page, its colour on light, its colour on dark."""
    of_series = [(f"--series-{index}", *pair) for index, pair in enumerate(zip(SERIES, SERIES_ON_DARK, strict=True))]
    return [*of_series, ("--measurement", MEASUREMENT, MEASUREMENT_ON_DARK)]
