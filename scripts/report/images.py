"""The images of an evaluation, as parts of the page."""

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ...train.evaluation.results import EvaluationResult, Visual

NUMBERED = re.compile(r"(sample|component)(\d+)")


@dataclass(frozen=True)
class Pane:
    """One image: its name, what its colours mean where they are no image's, and a ``data:`` URI."""

    name: str
    scale: str
    uri: str


@dataclass(frozen=True)
class Gallery:
    """All panes of an image by method, those of x and y by ``""``; each has ``width`` x ``height`` pixels."""

    image: str
    width: int
    height: int
    panes: dict[str, list[Pane]]


def read_galleries(result: EvaluationResult, folder: Path) -> list[Gallery]:
    """One for each image that was kept, in the order of the file.

    Raises:
        ValueError: naming the file that is missing or cannot be read.
    """
    return [_gallery(result, folder, visual) for visual in result.visuals]


def _gallery(result: EvaluationResult, folder: Path, visual: Visual) -> Gallery:
    here = folder / visual.folder
    width, height = _open(here / "clean.png").size
    panes = {"": [Pane("x, clean", "", _uri(here / "clean.png")), Pane("y, measured", "", _uri(here / "degraded.png"))]}
    for name, method in result.methods.items():
        if not method.is_degraded:  # y is shown already
            panes[name] = list(_panes(here / name, method.stochastic))
    return Gallery(visual.image, width, height, panes)


def _panes(here: Path, stochastic: bool) -> Iterator[Pane]:
    """Samples, mean, std, principal components."""
    samples, scales = _numbered(here, "sample") or ["sample1"], _scales(here)
    for name in [*samples, *(["mean", "std"] if len(samples) > 1 else []), *_numbered(here, "component")]:
        shown = NUMBERED.sub(r"\1 \2", name) if stochastic else "restoration"
        yield Pane(shown, _scale_words(name, scales.get(name)), _uri(here / f"{name}.png"))


def _numbered(here: Path, kind: str) -> list[str]:
    """Names of a kind, by number."""
    found = (NUMBERED.fullmatch(path.stem) for path in here.glob(f"{kind}*.png"))
    return [name.group() for name in sorted(filter(None, found), key=lambda name: int(name.group(2)))]


def _scales(here: Path) -> dict[str, float]:
    path = here / "scales.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def _scale_words(name: str, scale: float | None) -> str:
    """What the brightest pixel stands for; black to white is 1."""
    if scale is None:
        return ""
    in_levels = f"{scale:.3g} ({255 * scale:.0f} of 255)"
    return f"white is {in_levels}" if name == "std" else f"full colour is ±{in_levels}"


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error


def _uri(path: Path) -> str:
    """As lossless WebP."""
    content = io.BytesIO()
    _open(path).save(content, format="WEBP", lossless=True, method=2)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode()
