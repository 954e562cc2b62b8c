"""The colour of each restorer, the same in every figure and on the page."""

from __future__ import annotations

from typing import NamedTuple

from .result import Result

SERIES = ("#0072b2", "#d55e00", "#008f68", "#b2528f", "#a87900", "#5b5fc7")
"""After Okabe and Ito, told apart with any colour vision; darkened to 3:1 on white."""
SERIES_ON_DARK = ("#4aa8e0", "#f58742", "#2fc096", "#e08fc2", "#ddb13f", "#9a9df2")
MEASUREMENT = "#757d87"
"""y, which is no restoration."""
MEASUREMENT_ON_DARK = "#9aa3ad"
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
