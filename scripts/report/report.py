"""The report of an evaluation, from its ``result.json`` and visuals: tables, figures, and a page in a single file."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ...checks import optional_package
from ...train.evaluation.results import EvaluationResult, read_result
from ...train.metrics.decibels import gain_db_exact
from ...train.runs.atomic_write import atomic_write
from ...train.runs.provenance import flatten_config
from . import tables
from .figures import Drawn, draw_figures
from .images import Gallery, read_galleries
from .style import INK, PAPER, looks, variables

HERE = Path(__file__).parent
LOOK = HERE.parent / "look.css"
MARKS = {"good": "✓", "note": "i", "warning": "!"}
TAG = re.compile(r"<[^>]*>")
GLOBAL_STYLE = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)  # it would be that of the whole page
ROOT_SIZE = re.compile(r' (?:width|height)="[^"]*"')


def write_report(folder: Path) -> None:
    """Write ``tables/``, ``figures/`` and ``index.html`` beside ``result.json``, in place of older ones.

    Raises:
        ValueError: naming the file, if ``result.json`` or an image is missing or not what it should be; if matplotlib
            is missing.
        OSError: naming the file that cannot be written.
    """
    optional_package("matplotlib", "evaluate", "a report")
    result = read_result(folder)
    galleries = read_galleries(result, folder)
    for name in ("tables", "figures"):
        (folder / name).mkdir(exist_ok=True)
    for name in ("summary", "comparison"):
        for suffix, kind in (("md", "markdown"), ("csv", "csv")):
            table = getattr(tables, f"{name}_{kind}")(result)
            atomic_write(folder / "tables" / f"{name}.{suffix}", table)
    drawn = draw_figures(result, folder / "figures")
    atomic_write(folder / "index.html", page(result, drawn, galleries))


def page(result: EvaluationResult, drawn: Sequence[Drawn], galleries: Sequence[Gallery]) -> str:
    """The page, which loads nothing from any network."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {name: getattr(tables, name) for name in ("rounded", "interval", "floor", "verdict")}
    return environment.get_template("page.html").render(
        result=result,
        of_images=tables.of_images(result),
        looks=looks(result),
        marks=MARKS,
        palette=variables(),
        plain=plain,
        exact_gain=gain_db_exact(result.protocol["samples"]),
        charts=[(chart, inline_svg(chart.svg.read_text("utf-8"), chart.name, chart.title)) for chart in drawn],
        galleries=galleries,
        protocol=flatten_config(result.protocol),
        provenance=flatten_config(result.provenance),
        style=Markup("".join(path.read_text("utf-8") for path in (LOOK, HERE / "page.css"))),
        script=Markup((HERE / "page.js").read_text("utf-8")),
    )


def plain(value: Any) -> str:
    """A value of a record, for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(plain, value)) if isinstance(value, list) else "none" if value is None else str(value)


def inline_svg(svg: str, name: str, label: str) -> Markup:
    """The ``<svg>`` element of a file, with colours that follow the page from light to dark.

    Args:
        svg: the file.
        name: what its ids begin with.
        label: what it is called where it cannot be seen.
    """
    root, _, rest = svg[svg.index("<svg") :].partition(">")
    root = ROOT_SIZE.sub("", root) + f' role="img" aria-label="{escape(label)}"'
    return Markup(root + ">" + TAG.sub(lambda tag: _as_part(tag.group(), name), GLOBAL_STYLE.sub("", rest, count=1)))


def _as_part(tag: str, name: str) -> str:
    for reference in (' id="', '"#', "url(#"):
        tag = tag.replace(reference, f"{reference}{name}-")
    for variable, colour, _ in variables():
        tag = tag.replace(colour, f"var({variable})")
    return tag.replace(INK, "currentColor").replace(PAPER, "none")
