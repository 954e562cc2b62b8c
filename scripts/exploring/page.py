"""The page and the files it is made of, by the paths under which they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...data.degradation import Degradation
from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.degradations.jpeg import Jpeg
from ...train.runs.provenance import describe_config
from .session import Session
from .wanted import LARGEST_SIGMA_Z, MOST_AVERAGED

HERE = Path(__file__).parent
LOOK = HERE.parent / "look.css"
SCRIPTS = ("page.js", "panes.js", "stream.js", "zoom.js")


def files(session: Session, max_bytes: int) -> dict[str, tuple[str, str]]:
    """Of each path, content and media type; there is nothing else to be read.

    Args:
        session: of which the page tells.
        max_bytes: of a picture file.
    """
    style = "".join(path.read_text("utf-8") for path in (LOOK, HERE / "page.css"))
    scripts = {f"/{name}": ((HERE / name).read_text("utf-8"), "text/javascript") for name in SCRIPTS}
    return {"/": (_page(session, max_bytes), "text/html"), "/page.css": (style, "text/css"), **scripts}


def _page(session: Session, max_bytes: int) -> str:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    metadata = session.sampler.metadata
    return environment.get_template("page.html").render(
        metadata=metadata,
        degradation=describe_config(metadata["degradation"]),
        generator=describe_config(metadata["generator"]),
        model=_model(session, max_bytes),
        megapixels=session.max_pixels / 1e6,
    )


def _model(session: Session, max_bytes: int) -> dict[str, Any]:
    """What the page's script is told."""
    degradation = session.sampler.degradation
    return {
        "stochastic": session.sampler.stochastic,
        "sigma": _sigmas(degradation),
        "jpeg": isinstance(degradation, Jpeg),
        "max_bytes": max_bytes,
        "largest_sigma_z": LARGEST_SIGMA_Z,
        "most_averaged": MOST_AVERAGED,
    }


def _sigmas(degradation: Degradation) -> list[float] | None:
    """From where to where, on the 0..255 scale; None where there is no choice."""
    if not isinstance(degradation, GaussianNoise) or degradation.low == degradation.high:
        return None
    return [255 * degradation.low, 255 * degradation.high]
