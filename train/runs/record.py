"""Reading a run folder: config, scores, and whether the run has finished."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CLOCK = "images_seen"
FAILED = "failed.json"
STARTED = "run.json"
SCORES = "validation/"


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Args:
        folder: where it is.
        config: as it was composed.
        figures: of ``result.json``; without one, those of the last validation in ``metrics.csv``, and the images seen.
        state: ``finished``, ``failed: LINE`` or ``unfinished``.
    """

    folder: Path
    config: dict[str, Any]
    figures: dict[str, float]
    state: str


def runs_below(folders: Iterable[Path]) -> list[Path]:
    """Run folders at any depth below the folders, themselves included, each once; links are followed."""
    seen: set[Path] = set()
    return [run for folder in folders for run in _runs(Path(os.path.realpath(folder)), seen)]


def _runs(folder: Path, seen: set[Path]) -> Iterator[Path]:
    if folder in seen:
        return
    seen.add(folder)
    if any((folder / name).is_file() for name in (STARTED, FAILED)):
        yield folder
        return
    for child in sorted(folder.iterdir()) if folder.is_dir() else []:
        yield from _runs(Path(os.path.realpath(child)), seen)


def read_run(folder: Path) -> RunRecord:
    """Read a run folder as it stands; a file that is cut short makes the run ``damaged``."""
    try:
        failure = _mapping(folder / FAILED, json.loads)
        config = _mapping(folder / "config.yaml", yaml.safe_load) or failure.get("config") or {}
        result = _mapping(folder / "result.json", json.loads)
        if "error" in result:
            failure, result = failure or result, {}
        figures = result or _logged(folder / "metrics.csv")
    except ValueError as error:
        return RunRecord(folder, {}, {}, f"damaged: {error}")
    ended = "finished" if result else "unfinished"
    return RunRecord(folder, config, figures, f"failed: {failure['error']}" if failure else ended)


def _mapping(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        content = parse(path.read_text("utf-8")) if path.exists() else {}
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path.name} cannot be parsed") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds no mapping")
    return content


def _logged(path: Path) -> dict[str, float]:
    """Scores of the last validation from whole lines: a run may be writing, or may have been killed while it was."""
    whole, _, _ = (path.read_text("utf-8") if path.exists() else "").rpartition("\n")
    figures: dict[str, float] = {}
    for row in csv.DictReader(io.StringIO(whole)):
        if None in row.values() or None in row:
            continue
        figures["images_seen"] = int(row[CLOCK])
        scores = {name.removeprefix(SCORES): text for name, text in row.items() if name.startswith(SCORES) and text}
        figures |= {name: float(text) for name, text in scores.items()}
    return figures
