"""Arguments out of range are reported the same way everywhere."""

from __future__ import annotations


def require_at_least(least: float, **arguments: float) -> None:
    """Refuse every argument below ``least``, by name.

    Raises:
        ValueError: naming parameter, value and what is allowed.
    """
    for name, value in arguments.items():
        if not value >= least:
            raise ValueError(f"{name} is {value}; allowed is {least:g} or more")
