"""Who is better, by a figure: only where the paired bootstrap excludes a tie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from .figures import Computed, Figure
from .findings import Findings
from .intervals import holds_zero, interval


def compare(figure: Figure, findings: Sequence[Findings]) -> dict[str, Any] | None:
    """Of restorers that have it: ``differences`` of all pairs with intervals, and those that may be ``best``.

    A difference is that of the figures as they are, or of their distances from the target. Best is the restorer that
    leads, and with it each whose difference from it has an interval that holds 0, as it is shown. None for fewer than
    two, or where no way is better.
    """
    scores = {found.contestant.name: _scores(figure, found) for found in findings}
    if figure.better == "none" or len(scores) < 2:
        return None
    differences = [_difference(a, b, scores) for a, b in combinations(scores, 2)]
    first = max if figure.better == "higher" else min
    leader = first(scores, key=lambda name: scores[name][0])
    of_leader = [pair for pair in differences if leader in (pair["a"], pair["b"]) and not _ties(pair, figure)]
    beaten = {name for pair in of_leader for name in (pair["a"], pair["b"])} - {leader}
    return {"best": [name for name in scores if name not in beaten], "differences": differences}


def _scores(figure: Figure, found: Findings) -> list[float]:
    """Of all images and of each replicate."""
    return [_score(figure, computed) for computed in (found.computed, *found.replicates)]


def _score(figure: Figure, computed: Computed) -> float:
    value = figure.read(computed)
    if value is None:
        return math.nan
    return abs(value - (figure.target_of(computed) or 0.0)) if figure.better == "target" else value


def _difference(a: str, b: str, scores: dict[str, list[float]]) -> dict[str, Any]:
    values = [one - other for one, other in zip(scores[a], scores[b], strict=False)]
    low, high = interval(values[1:]) or (None, None)
    return {"a": a, "b": b, "difference": values[0], "low": low, "high": high}


def _ties(pair: dict[str, Any], figure: Figure) -> bool:
    return pair["low"] is None or holds_zero(pair["low"], pair["high"], figure.digits)
