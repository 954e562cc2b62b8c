"""Numbers as people read them: rounded, with a true minus, an interval in brackets, the floor in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...train.evaluation.statistics import holds_zero
from .result import Figure


def rounded(value: float, digits: int) -> str:
    """Without a minus before zero."""
    return f"{value:z,.{digits}f}".replace("-", "−")


def interval(value: Mapping[str, Any], digits: int) -> str:
    """``[25.10, 25.70]``, or nothing where there is none."""
    low, high = value.get("low"), value.get("high")
    return "" if low is None or high is None else f"[{rounded(low, digits)}, {rounded(high, digits)}]"


def floor(value: Mapping[str, Any], digits: int) -> str:
    """What chance leaves of a perfect restorer, in words, or nothing."""
    least = value.get("floor")
    return "" if least is None else f"floor {rounded(least, digits)}"


def verdict(figure: Figure, pair: Mapping[str, Any]) -> str:
    """What a paired difference a − b says."""
    low, high = pair["low"], pair["high"]
    if low is None:
        return "no interval"
    if holds_zero(low, high, figure.digits):
        return "not told apart"
    return f"{pair['a'] if (low > 0) == (figure.better == 'higher') else pair['b']} is better"
