"""The report as one page: a single file that asks nothing of any network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...train.metrics.decibels import gain_db_exact
from ...train.runs.provenance import flatten_config
from .colours import looks, variables
from .figures.drawing import Drawn
from .inline_svg import inline_svg
from .numbers import floor, interval, rounded, verdict
from .pictures import Gallery
from .result import PROTOCOL, Result

HERE = Path(__file__).parent
LOOK = HERE.parent / "look.css"
MARKS = {"good": "✓", "note": "i", "warning": "!"}


def page(result: Result, drawn: Sequence[Drawn], galleries: Sequence[Gallery]) -> str:
    """The whole page.

    Args:
        result: what was measured.
        drawn: the figures.
        galleries: the pictures.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {
        "rounded": rounded,
        "interval": interval,
        "floor": floor,
        "verdict": verdict,
        "plain": plain,
    }
    return environment.get_template("page.html").render(
        result=result,
        groups=list(result.groups()),
        compared=list(result.compared()),
        looks=looks(result),
        marks=MARKS,
        palette=variables(),
        numbers={figure.key: number for number, figure in enumerate(result.figures)},
        exact_gain=gain_db_exact(result.protocol["samples"]),
        charts=[(chart, inline_svg(chart.svg.read_text("utf-8"), chart.name, chart.title)) for chart in drawn],
        galleries=galleries,
        gallery_names=in_script(_names(galleries)),
        protocol=_rest_of_protocol(result.protocol),
        provenance=flatten_config(result.provenance),
        style=Markup("".join(path.read_text("utf-8") for path in (LOOK, HERE / "page.css"))),
        script=Markup((HERE / "page.js").read_text("utf-8")),
    )


def in_script(value: Any) -> Markup:
    """JSON that cannot end the ``<script>`` it stands in."""
    return Markup(json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"))


def plain(value: Any) -> str:
    """A value of a record, for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(plain, value)) if isinstance(value, list) else "none" if value is None else str(value)


def _names(galleries: Sequence[Gallery]) -> list[list[dict[str, Any]]]:
    """Of each gallery its strips, for the choosers."""
    return [
        [{"name": strip.restorer, "panes": [pane.name for pane in strip.panes]} for strip in gallery.strips]
        for gallery in galleries
    ]


def _rest_of_protocol(protocol: dict[str, Any]) -> dict[str, Any]:
    """What the sentence at the top of the page does not say."""
    return flatten_config({key: value for key, value in protocol.items() if key not in PROTOCOL})
