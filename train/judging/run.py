"""An evaluation from its config to ``result.json``: alone, or as one of several ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import Progress

from .. import ranks
from ..folder_lock import FolderLock
from ..launch import on_gpu, processes, start
from ..process_group import joined
from ..run_folder import run_name
from .contestants import named
from .prepared import Prepared


def evaluation_name(name: str | None, restorers: Any, overrides: str) -> str:
    """A folder's name from what is judged and the overrides of the command: another command, another folder."""
    listed = OmegaConf.to_container(restorers) if OmegaConf.is_config(restorers) else restorers
    return run_name(name or "+".join(named(listed)), overrides)


def evaluate(config: DictConfig) -> Path | None:
    """Judge, or go on with it, and write ``result.json``; its folder, or None in a process of another rank than 0.

    Raises:
        ValueError: if the config does not make sense, or the folder belongs to another one.
    """
    count = processes(config)
    if count > 1:
        start(judge_on_rank, config, count)
        return Path(config.folder)
    return Path(config.folder) if judge_on_rank(config) else None


def judge_on_rank(config: DictConfig) -> bool:
    """The part of one process: of R ranks each judges every R-th image, and rank 0 sums up; whether this is rank 0."""
    with joined(on_gpu(config)):
        prepared = ranks.together(lambda: Prepared(config))
        with FolderLock(prepared.folder.path):
            prepared.begin()
            with _progress(prepared.steps) as step:
                ranks.together(lambda: prepared.work(step))
            if ranks.rank() == 0:
                prepared.finish()
        return ranks.rank() == 0


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; yields what moves it on."""
    console = Console(stderr=True)
    bar = Progress(console=console, disable=not console.is_terminal or ranks.rank() > 0, transient=True)
    with bar:
        task = bar.add_task("images", total=total)
        yield lambda: bar.advance(task)
