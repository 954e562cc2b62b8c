"""The pictures of an evaluation, as parts of the page."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from .result import Restorer, Result

NUMBERED = re.compile(r"(sample|direction)(\d+)")


@dataclass(frozen=True)
class Pane:
    """One picture: its name for people, what its colours mean where they are no image's, and a ``data:`` URI."""

    name: str
    scale: str
    uri: str


@dataclass(frozen=True)
class Strip:
    """The panes of one restorer, or of x and y."""

    restorer: str
    panes: list[Pane]


@dataclass(frozen=True)
class Gallery:
    """All strips of an image; panes are ``width`` x ``height`` pixels."""

    image: str
    width: int
    height: int
    strips: list[Strip]


def read_galleries(result: Result, folder: Path) -> list[Gallery]:
    """One for each image that was kept, in the order of the file.

    Raises:
        ValueError: naming the file, if a picture is missing, cannot be read, is of another size than its
            neighbours, or lies outside the folder.
    """
    return [_gallery(result, folder, entry["image"], entry["folder"]) for entry in result.pictures]


def _gallery(result: Result, folder: Path, image: str, of_image: str) -> Gallery:
    here = _inside(folder, of_image)
    width, height = _open(here / "clean.png").size
    size = (width, height)
    references = [
        Pane("x, clean", "", _uri(here / "clean.png", size)),
        Pane("y, measured", "", _uri(here / "degraded.png", size)),
    ]
    strips = [
        Strip(restorer.name, list(_panes(restorer, _inside(here, restorer.name), size)))
        for restorer in result.restorers
        if restorer.about.get("kind") != "degraded"  # y is shown already
    ]
    return Gallery(image, width, height, [Strip("", references), *strips])


def _panes(restorer: Restorer, here: Path, size: tuple[int, int]) -> Iterator[Pane]:
    """Samples, mean, std, directions."""
    samples = _numbered(here, "sample") or ["sample1"]
    scales = _scales(here)
    for name in [*samples, *(["mean", "std"] if len(samples) > 1 else []), *_numbered(here, "direction")]:
        shown = NUMBERED.sub(r"\1 \2", name) if restorer.stochastic else "the restoration"
        yield Pane(shown, _scale_words(name, scales.get(name)), _uri(here / f"{name}.png", size))


def _numbered(here: Path, kind: str) -> list[str]:
    """Names of a kind, by number."""
    found = (NUMBERED.fullmatch(path.stem) for path in here.glob(f"{kind}*.png"))
    return [name.group() for name in sorted(filter(None, found), key=lambda name: int(name.group(2)))]


def _scales(here: Path) -> dict[str, float]:
    path = here / "scales.json"
    if not path.is_file():
        return {}
    try:
        return {name: float(value) for name, value in json.loads(path.read_text()).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not numbers by name: {error}") from error


def _scale_words(name: str, scale: float | None) -> str:
    """What the brightest pixel stands for; black to white is 1."""
    if scale is None:
        return ""
    in_levels = f"{scale:.3g} ({255 * scale:.0f} of 255)"
    return f"white is {in_levels}" if name == "std" else f"full colour is ±{in_levels}"


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{path} lies outside {folder}; allowed is a folder in it")
    return path


def _open(path: Path) -> Image.Image:
    if not path.is_file():
        raise ValueError(f"there is no picture {path}, which result.json asks for")
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except OSError as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}") from error


def _uri(path: Path, size: tuple[int, int]) -> str:
    """As lossless WebP."""
    picture = _open(path)
    if picture.size != size:
        found, allowed = (f"{width} x {height}" for width, height in (picture.size, size))
        raise ValueError(f"{path} has {found} pixels; allowed is {allowed}, the size of clean.png beside it")
    content = io.BytesIO()
    picture.save(content, format="WEBP", lossless=True, method=2)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode()
