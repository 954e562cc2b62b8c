"""Arguments of masks that are a range to draw from."""

from __future__ import annotations

from collections.abc import Sequence


def require_range(least: float, most: float, **arguments: Sequence[float]) -> None:
    """Refuse by name every pair ``[low, high]`` that is not increasing within [least, most].

    Raises:
        ValueError: naming parameter, value and what is allowed.
    """
    for name, pair in arguments.items():
        if not isinstance(pair, Sequence) or len(pair) != 2 or not least <= pair[0] <= pair[1] <= most:
            raise ValueError(f"{name} is {pair}; allowed is an increasing pair [low, high] in [{least:g}, {most:g}]")
