"""Where an export goes: one file and its card, or a folder in the layout of a hub's repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .export_file import ONNX, PT2, SUFFIX
from .whole_file import write_together

MODEL, CARD = "model", "README.md"  # names in a folder
SUFFIXES = (SUFFIX, PT2, ONNX)


@dataclass(frozen=True)
class Target:
    """What will be written.

    Attributes:
        files: by suffix.
        card: the model card.
        folder: that holds them all and nothing else is asked of, or None where one file is written.
    """

    files: dict[str, Path]
    card: Path
    folder: Path | None

    def write(self, contents: Mapping[Path, bytes]) -> None:
        """Write all or nothing; a folder that was made for them goes with them.

        Raises:
            OSError: naming what cannot be written.
        """
        new = self.folder is not None and not self.folder.exists()
        if self.folder and new:
            self.folder.mkdir()
        try:
            write_together(contents)
        except OSError:
            if self.folder and new:
                self.folder.rmdir()
            raise


def target_of(out: Path, overwrite: bool) -> Target:
    """What ``--out`` stands for: a file by its suffix, or a folder, which has none or is there already.

    Raises:
        ValueError: if it is neither, its folder is absent, or something is there already and ``overwrite`` is False.
    """
    folder = out if out.suffix not in SUFFIXES and (out.is_dir() or not out.suffix) else None
    if not folder and out.suffix not in SUFFIXES:
        raise ValueError(f"--out is {out}; allowed is a file of suffix {', '.join(SUFFIXES)}, or a folder")
    if not out.parent.is_dir():
        raise ValueError(f"--out is {out}; {out.parent} is not a folder")
    if folder:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"--out is {out}, which is a file; choose another --out")
        target = Target({suffix: folder / f"{MODEL}{suffix}" for suffix in SUFFIXES}, folder / CARD, folder)
    else:
        card = out.with_suffix(".md") if out.suffix == SUFFIX else out.with_name(out.name + ".md")
        target = Target({out.suffix: out}, card, None)
    for path in (*target.files.values(), target.card):
        if path.is_dir():
            raise ValueError(f"{path} is a folder; choose another --out")
        if path.exists() and not overwrite:
            raise ValueError(f"{path} is there already; choose another --out, or allow --overwrite")
    return target
