"""From what a user names to picture files, and to the files that are made of them."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ...data.sources.folder import files_below, is_image
from .records import RECORDS, STARTS, restored_names

OUTPUT = re.compile(r"(.+)_(?:sample\d+|mean|std|degraded|way)\.png")


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

    @property
    def name(self) -> str:
        """With which the names of its outputs begin, below the output folder."""
        return str(self.folder / self.stem)

    def outputs(self, out: Path, num_samples: int, degraded: bool, way: bool = False) -> Outputs:
        """Where it is restored to."""
        names = [*(f"sample{k}" for k in range(1, num_samples + 1)), "mean", "std", "degraded", "way"]
        *samples, mean, std, y, strip = (out / self.folder / f"{self.stem}_{name}.png" for name in names)
        return Outputs(samples, mean, std, y if degraded else None, strip if way else None)


def inputs_of(named: Sequence[str], out: Path) -> list[Input]:
    """All files that are meant, in the order in which they are named, those of a folder by name.

    Args:
        named: files; folders, of which all pictures at any depth are meant, as in training (see ``files_below``);
            patterns, such as ``photos/**/*.jpg``, whose ``**`` goes the same way. What is not there, holds or matches
            no picture or cannot be listed is kept, to be answered later.
        out: the output folder. What earlier calls are on record to have written to it is left out wherever it is named,
            and what they have written elsewhere, but where a folder or pattern holds nothing else.

    Raises:
        ValueError: naming two files that would be restored to the same; if nothing is left.
    """
    out, restored = out.resolve(), cache(restored_names)
    expanded = (pair for name in named for pair in _expanded(name, out, len(named) > 1, restored))
    found = dict.fromkeys(expanded)
    if not found:
        raise ValueError(f"INPUT must name other files than those that earlier calls have written to --out, {out}")
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


def _expanded(name: str, out: Path, several: bool, restored: Callable[[Path], set[str]]) -> list[tuple[Path, Path]]:
    path = Path(name)
    if path.is_dir():
        above = Path((path if path.name not in ("", "..") else path.resolve()).name if several else "")
        pictures = [file for file in _below(path, is_image) if file != path]
        found = [(picture, above / picture.parent.relative_to(path)) for picture in pictures]
    elif not os.path.lexists(path) and glob.has_magic(name):
        found = [(match, Path()) for match in _matching(path)]
    else:
        found = []
    of_others = [pair for pair in found or [(path, Path())] if out not in _written_to(pair[0], restored)]
    return [pair for pair in of_others if not _written_to(pair[0], restored)] or of_others


def _written_to(file: Path, restored: Callable[[Path], set[str]]) -> list[Path]:
    """The output folders that have a file on record."""
    parts = OUTPUT.fullmatch(file.name)
    if parts is None and file.name not in (STARTS, RECORDS):
        return []
    folder = Path(os.path.realpath(file.parent))
    if parts is None:
        return [folder]
    folders = (folder, *folder.parents)
    return [above for above in folders if str(folder.relative_to(above) / parts[1]) in restored(above)]


def _below(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Files, and the folders that cannot be listed."""
    unlisted: list[Path] = []
    names = files_below(folder, wanted, lambda error: unlisted.append(Path(error.filename)))
    return sorted([*unlisted, *(folder / name for name in names)])


def _matching(pattern: Path) -> list[Path]:
    if "**" not in pattern.parts:
        return [match for match in sorted(map(Path, glob.glob(str(pattern)))) if not match.is_dir()]
    place = pattern.parts.index("**")
    above, parts = Path(*pattern.parts[:place]), pattern.parts[place:]
    folders = [above] if above.is_dir() else sorted(map(Path, glob.glob(str(above))))
    return [file for folder in folders for file in _below(folder, lambda name: _is_match(name.split("/"), parts))]


def _is_match(name: Sequence[str], pattern: Sequence[str]) -> bool:
    """By parts; the part ``**`` matches any number of them."""
    if not pattern or not name:
        return not name and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _is_match(name, pattern[1:]) or _is_match(name[1:], pattern)
    return fnmatch(name[0], pattern[0]) and _is_match(name[1:], pattern[1:])


class Outputs(NamedTuple):
    """Where it is written; ``degraded`` is y, where it was made here, ``way`` what led to the first sample."""

    samples: list[Path]
    mean: Path
    std: Path
    degraded: Path | None
    way: Path | None = None

    @property
    def all(self) -> list[Path]:
        """Every file."""
        return [*self.samples, self.mean, self.std, *(path for path in (self.degraded, self.way) if path)]


def check_outputs(
    inputs: Sequence[Input], out: Path, num_samples: int, degraded: bool, may_exist: bool, way: bool = False
) -> None:
    """Refuse to write what is there already, is an input, or cannot be written.

    Raises:
        ValueError: naming the file or folder.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, new or not, got the file {out}")
    above = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(f"--out is {out}; {above} is not a folder that can be written")
    real = cache(os.path.realpath)
    sources = {file for one in inputs for file in (real(one.path), os.path.join(real(one.path.parent), one.path.name))}
    for one in inputs:
        for path in one.outputs(out, num_samples, degraded, way).all:
            if os.path.join(real(path.parent), path.name) in sources:
                raise ValueError(f"{path} is an input and would be overwritten; choose another --out")
            if os.path.lexists(path) and not may_exist:
                raise ValueError(f"{path} is there already; choose another --out, or allow --overwrite")
