"""What a run folder says of its run: config, numbers, and whether it came to its end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
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
        folder: of the run.
        config: as it was composed.
        figures: of ``result.json``; of a run without one what its log holds of the last validation, and the images.
        state: ``finished``, ``failed: LINE`` or ``unfinished``.
    """

    folder: Path
    config: dict[str, Any]
    figures: dict[str, float]
    state: str


def runs_below(folders: Iterable[Path]) -> list[Path]:
    """Run folders in folders of any nesting, themselves included, each once; links are followed."""
    return list(dict.fromkeys(run.resolve() for folder in folders for run in _runs(folder)))


def _runs(folder: Path) -> Iterator[Path]:
    if any((folder / name).is_file() for name in (STARTED, FAILED)):
        yield folder
        return
    for child in sorted(folder.iterdir()) if folder.is_dir() else []:
        yield from _runs(child)


def read_run(folder: Path) -> RunRecord:
    """Files are read as they stand; a file that another program has cut makes the run ``damaged``."""
    try:
        failure = _json(folder / FAILED)
        config = _yaml(folder / "config.yaml") or failure.get("config") or {}
        result = _json(folder / "result.json")
        figures = result or _logged(folder / "metrics.csv")
    except ValueError as error:
        return RunRecord(folder, {}, {}, f"damaged: {error}")
    return RunRecord(folder, config, figures, _state(result, failure))


def _state(result: dict[str, Any], failure: dict[str, Any]) -> str:
    if failure:
        return f"failed: {failure['error']}"
    if not result:
        return "unfinished"
    return "finished"


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise ValueError(f"{path.name} is not readable JSON") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds no mapping")
    return content


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text()) if path.exists() else {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name} is not readable YAML") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds no mapping")
    return content


def _logged(path: Path) -> dict[str, float]:
    """Of whole lines only: a run may be writing, or may have been killed while it was."""
    whole, _, _ = (path.read_text() if path.exists() else "").rpartition("\n")
    figures: dict[str, float] = {}
    for row in csv.DictReader(io.StringIO(whole)):
        if None in row.values() or None in row:
            continue
        figures["images_seen"] = int(row[CLOCK])
        scores = {name.removeprefix(SCORES): text for name, text in row.items() if name.startswith(SCORES) and text}
        figures |= {name: float(text) for name, text in scores.items()}
    return figures
