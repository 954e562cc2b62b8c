"""A figure as part of the page: ids of its own, and colours that follow the page from light to dark."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from .colours import variables
from .figures.canvas import INK, PAPER

TAG = re.compile(r"<[^>]*>")
STYLE_OF_ALL = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
"""Of everything in the file; on the page it would be of everything there."""
ROOT_SIZE = re.compile(r' (?:width|height)="[^"]*"')


def inline_svg(svg: str, name: str, label: str) -> Markup:
    """The ``<svg>`` element of a file.

    Args:
        svg: the file.
        name: what its ids begin with.
        label: what it is called where it cannot be seen.
    """
    root, _, rest = svg[svg.index("<svg") :].partition(">")
    root = ROOT_SIZE.sub("", root) + f' role="img" aria-label="{escape(label)}"'
    return Markup(root + ">" + TAG.sub(lambda tag: _as_part(tag.group(), name), STYLE_OF_ALL.sub("", rest, count=1)))


def _as_part(tag: str, name: str) -> str:
    for reference in (' id="', '"#', "url(#"):
        tag = tag.replace(reference, f"{reference}{name}-")
    for variable, colour, _ in variables():
        tag = tag.replace(colour, f"var({variable})")
    return tag.replace(INK, "currentColor").replace(PAPER, "none")
