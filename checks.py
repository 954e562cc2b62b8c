"""Arguments out of range, unknown names and missing packages are reported the same way everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any


def require_at_least(least: float, **arguments: float) -> None:
    """Refuse every argument below ``least``, by name.

    Raises:
        ValueError: naming parameter, value and what is allowed.
    """
    for name, value in arguments.items():
        if not value >= least:
            raise ValueError(f"{name} is {value}; allowed is {least:g} or more")


def optional_package(name: str, extra: str, purpose: str) -> Any:
    """The module of a package that an installation may lack.

    Args:
        name: of the module.
        extra: of this package that brings it.
        purpose: what needs it, for the message.

    Raises:
        ValueError: in one line that says how it is installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ValueError(f"{purpose} needs the package {name}; pip install pscgan[{extra}] brings it") from error


def closest(name: str, allowed: Iterable[str]) -> str:
    """``, did you mean NAME?``, or all there are where none is close."""
    allowed = list(allowed)
    near = get_close_matches(name, allowed, n=1)
    return f", did you mean {near[0]}?" if near else f"; there are {', '.join(allowed)}"
