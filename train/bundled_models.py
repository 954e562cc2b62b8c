"""Models that come with the package."""

from __future__ import annotations

from pathlib import Path

from .export_file import SUFFIX

BUNDLED = "bundled:"
FOLDER = Path(__file__).parents[1] / "models" / "trained"


def bundled_model(name: str) -> Path:
    """The file of ``bundled:NAME``.

    Raises:
        ValueError: if there is none of that name, with the names there are.
    """
    path = FOLDER / f"{name.removeprefix(BUNDLED)}{SUFFIX}"
    names = sorted(found.stem for found in FOLDER.glob(f"*{SUFFIX}"))
    if path.stem not in names:
        raise ValueError(f"{name} is no bundled model; allowed are {', '.join(BUNDLED + one for one in names)}")
    return path
