"""From what a user names to picture files, and to the names of what is made of them."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class Input:
    """A file to restore.

    Attributes:
        path: of it.
        folder: below the output folder, as the file lies below the one that was named; with the name of that one where
            several inputs were named.
        stem: with which the names of its outputs begin.
    """

    path: Path
    folder: Path
    stem: str


def inputs_of(named: Sequence[str], out: Path) -> list[Input]:
    """All files that are meant, in the order in which they are named, those of a folder by name.

    Args:
        named: files; folders, of which all pictures at any depth are meant by their names' endings; patterns, such as
            ``photos/**/*.jpg``. What is not there, or holds or matches no picture, is kept, to be answered later.
        out: the output folder, whose files are left out of others.

    Raises:
        ValueError: naming two files that would be restored to the same.
    """
    expanded = (pair for name in named for pair in _expanded(name, out.resolve(), several=len(named) > 1))
    found = dict.fromkeys(expanded)
    stems = Counter(_key(folder, path.stem) for path, folder in found)
    inputs = [
        Input(path, folder, path.stem if stems[_key(folder, path.stem)] == 1 else path.name) for path, folder in found
    ]
    first: dict[tuple[str, str], Path] = {}
    for one in inputs:
        other = first.setdefault(_key(one.folder, one.stem), one.path)
        if other is not one.path:
            raise ValueError(f"{other} and {one.path} would be restored to the same files; name one of them a call")
    return inputs


def _key(folder: Path, stem: str) -> tuple[str, str]:
    """File systems may take upper and lower case for the same."""
    return str(folder).casefold(), stem.casefold()


def _expanded(name: str, out: Path, several: bool) -> list[tuple[Path, Path]]:
    path = Path(name)
    if path.is_dir():
        pictures = [p for p in sorted(path.rglob("*")) if _is_picture(p) and out not in p.resolve().parents]
        above = Path((path if path.name not in ("", "..") else path.resolve()).name if several else "")
        found = [(picture, above / picture.parent.relative_to(path)) for picture in pictures]
    elif not os.path.lexists(path) and glob.has_magic(name):
        matches = [Path(match) for match in sorted(glob.glob(name, recursive=True))]
        found = [(match, Path()) for match in matches if not match.is_dir()]
    else:
        found = []
    return found or [(path, Path())]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.is_dir()
