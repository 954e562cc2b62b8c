"""Arguments out of range, unknown names and missing packages are reported the same way everywhere."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import import_module
from operator import index
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)
MOST_LISTED = 40  # names in a message


def require_at_least(least: float, **arguments: float) -> None:
    """Refuse every argument below ``least``, by name.

    Raises:
        ValueError: naming parameter, bound and value.
    """
    for name, value in arguments.items():
        if not value >= least:
            raise ValueError(f"{name} must be >= {least:g}, got {value}")


def require_in(interval: str, **arguments: float) -> None:
    """Refuse every argument outside an interval such as ``(0, 255]``, by name.

    Raises:
        ValueError: naming parameter, interval and value.
    """
    for name, value in arguments.items():
        if not _contains(interval, value):
            raise ValueError(f"{name} must be a number in {interval}, got {value}")


def number_or_range(name: str, value: Number | Sequence[Number], interval: str, kind: str = "number") -> list[Number]:
    """Both ends of an increasing pair ``[low, high]`` in the interval, or one number in it twice.

    Args:
        name: of the parameter.
        value: of the parameter.
        interval: such as ``(0, 255]``.
        kind: ``integer`` refuses all but whole numbers.

    Raises:
        ValueError: naming parameter, interval and value.
    """
    pair: list[Number] = list(value) if isinstance(value, Sequence) else [value, value]
    if not _is_range(pair, interval, kind):
        raise ValueError(f"{name} must be one {kind} in {interval} or an increasing pair [low, high], got {value}")
    return pair


def require_range(interval: str, kind: str = "number", **arguments: Sequence[float]) -> None:
    """Refuse every argument that is no increasing pair ``[low, high]`` in the interval, as ``number_or_range``.

    Raises:
        ValueError: naming parameter, interval and value.
    """
    for name, pair in arguments.items():
        if not isinstance(pair, Sequence) or not _is_range(pair, interval, kind):
            raise ValueError(f"{name} must be an increasing pair [low, high] of {kind}s in {interval}, got {pair}")


def _is_range(pair: Sequence[Any], interval: str, kind: str) -> bool:
    types = int if kind == "integer" else (int, float)
    numbers = len(pair) == 2 and all(isinstance(bound, types) for bound in pair)
    return numbers and pair[0] <= pair[1] and all(_contains(interval, bound) for bound in pair)


def _contains(interval: str, value: float) -> bool:
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    try:
        return bool(
            low < value < high or (value == low and interval[0] == "[") or (value == high and interval[-1] == "]")
        )
    except (TypeError, ValueError, RuntimeError):  # no number at all, or an array of several
        return False


def whole_number(name: str, value: Any, least: float = float("-inf")) -> int:
    """An integer of Python, numpy or torch as one of Python.

    Raises:
        ValueError: naming the parameter, if it is none, a truth value, or below ``least``.
    """
    try:
        number = None if "bool" in str(getattr(value, "dtype", type(value))) else index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        bound = f" >= {least:g}" if least > float("-inf") else ""
        raise ValueError(f"{name} must be a whole number{bound}, got {value}")
    return number


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
    """``, did you mean NAME?``, or those there are, if any, where none is close."""
    allowed = list(dict.fromkeys(allowed))
    near = get_close_matches(name, allowed, n=1)
    if near:
        return f", did you mean {near[0]}?"
    listed = allowed if len(allowed) <= MOST_LISTED else [*allowed[:MOST_LISTED], "..."]
    return f"; there are {', '.join(listed)}" if allowed else ""
