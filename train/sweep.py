"""What stands around the runs of ``pscgan-train -m``: a folder, signals, and one table at the end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from .callbacks.checkpoints import SIGNALS
from .run_folder import run_name
from .run_record import read_run, runs_below
from .run_table import RunTable

NOT_OF_THE_NAME = "logger="


def sweep_name(experiment: str, overrides: Sequence[str]) -> str:
    """A folder's name from the command of a sweep: another command, another folder."""
    said = f"experiment={experiment}"
    return run_name(experiment, ",".join(o for o in overrides if o != said and not o.startswith(NOT_OF_THE_NAME)))


class Sweep(Callback):
    """Hydra's hooks of a sweep.

    The sweep's folder holds its runs, or links to them where they stand elsewhere, and ``runs.csv`` and ``runs.md``.
    A run that fails leaves the others alone; the program then ends with exit code 1. Ctrl-C and SIGTERM end the whole
    sweep, which the same command continues.

    Args:
        folder: of the sweep.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Make the folder; end on a signal that comes between two runs, or while runs of other processes go on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in SIGNALS:
            signal.signal(number, _interrupt)

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Link the run, wherever it is started."""
        if config.hydra.mode != RunMode.MULTIRUN:
            return
        run = Path(config.folder)
        link = self.folder / run.name
        if not link.exists() and run.parent.resolve() != self.folder.resolve():
            link.symlink_to(os.path.relpath(run.resolve(), self.folder.resolve()), target_is_directory=True)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Print and write the table; runs that failed are named."""
        table = RunTable.of([read_run(run) for run in runs_below([self.folder])])
        table.write(self.folder)
        table.print()
        print(f"runs.csv and runs.md in {self.folder}", flush=True)
        failed = [record.folder.name for record in table.records if record.state.startswith(("failed", "damaged"))]
        if failed:
            line = f"{len(failed)} of {len(table.records)} runs failed: {'; '.join(failed)}"
            print(f"pscgan-train: {line}", file=sys.stderr)
            sys.exit(1)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    print(f"interrupted by {signal.Signals(number).name}; the same command continues", file=sys.stderr)
    sys.exit(128 + number)
