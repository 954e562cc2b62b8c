"""All figures of a result, as files."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from ..result import Result
from . import averaging, coverage, plane, ranks, remainder, robustness
from .canvas import STYLE, save

KINDS = {
    "averaging": averaging,
    "plane": plane,
    "ranks": ranks,
    "coverage": coverage,
    "robustness": robustness,
    "remainder": remainder,
}


class Drawn(NamedTuple):
    """A figure that was drawn: its name, title, caption and SVG file."""

    name: str
    title: str
    caption: str
    svg: Path


def require_matplotlib() -> None:
    """Say so before anything is written, not after.

    Raises:
        ValueError: if matplotlib is missing.
    """
    if find_spec("matplotlib") is None:
        raise ValueError("the figures need matplotlib; pip install pscgan[evaluate] brings it")


def draw_figures(result: Result, folder: Path) -> list[Drawn]:
    """Write ``folder/<kind>.png`` and ``.svg`` of every kind that a restorer has a curve for.

    Raises:
        ValueError: naming file and kind, if a curve lacks a part.
        OSError: naming the file that cannot be written.
    """
    from matplotlib import rc_context

    drawn = []
    for name, kind in KINDS.items():
        with rc_context(STYLE):
            try:
                figure = kind.draw(result)
            except (AttributeError, KeyError, TypeError, IndexError, ValueError) as error:
                message = f"{result.path}: the curve {name!r} cannot be drawn: {type(error).__name__}: {error}"
                raise ValueError(message) from error
            if figure is not None:
                save(figure, folder / name)
                drawn.append(Drawn(name, kind.TITLE, kind.CAPTION, folder / f"{name}.svg"))
    return drawn
