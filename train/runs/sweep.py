"""``pscgan train -m``: the folder of the sweep, signals, runs that fail, and one table at the end."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from .atomic_write import atomic_write
from .cli_errors import SIGNALS, report_user_errors, user_error
from .comparison_table import RunTable
from .config_check import check_sweep
from .folder import NewFolders
from .record import FAILED, read_run, runs_below

SWEEP = "PSCGAN_SWEEP"
"""The environment variable that names the sweep to its runs and their ranks."""


class Sweep(NewFolders):
    """Hydra's hooks of a run and of a sweep.

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
        with report_user_errors("pscgan train"):
            check_sweep(config, "train")
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in SIGNALS:
            signal.signal(number, _interrupt)

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        if config.hydra.mode != RunMode.MULTIRUN:
            return
        os.environ[SWEEP] = self.folder.name
        run = Path(config.folder)
        link = self.folder / run.name
        if not link.exists() and run.parent.resolve() != self.folder.resolve():
            link.symlink_to(os.path.relpath(run.resolve(), self.folder.resolve()), target_is_directory=True)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        os.environ.pop(SWEEP, None)
        table = RunTable.of([read_run(run) for run in runs_below([self.folder])])
        table.write(self.folder)
        table.print()
        print(f"runs.csv and runs.md in {self.folder}", flush=True)
        failed = [record.folder.name for record in table.records if record.state.startswith(("failed", "damaged"))]
        if failed:
            line = f"{len(failed)} of {len(table.records)} runs failed: {'; '.join(failed)}"
            print(f"pscgan train: {line}", file=sys.stderr)
            sys.exit(1)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    print(f"interrupted by {signal.Signals(number).name}; the same command continues", file=sys.stderr)
    sys.exit(128 + number)


FIRST_SIGNAL_CODE = 129  # exit codes from here on are 128 and the number of a signal


def run_alone_or_in_a_sweep(config: DictConfig, run: Callable[[DictConfig], float]) -> float | None:
    """The CRPS that ``run`` returns; a run of a sweep that fails marks its folder and has none.

    ``failed.json`` holds the line and the config; the next start removes it.

    Raises:
        SystemExit: by a signal; alone also by an error of the user.
        Exception: alone, what is no error of the user.
    """
    folder = Path(config.folder)
    (folder / FAILED).unlink(missing_ok=True)
    try:
        return run(config)
    except (Exception, SystemExit) as error:
        if not is_multirun() or (isinstance(error, SystemExit) and int(error.code or 0) >= FIRST_SIGNAL_CODE):
            raise
        _mark(folder, config, error)
        return None


def _mark(folder: Path, config: DictConfig, error: BaseException) -> None:
    """A program that ends has printed its line; anything else is a defect, whose traceback is printed here."""
    cause = error.__context__ if isinstance(error, SystemExit) else error
    if cause is error:
        traceback.print_exc()
    line = (user_error(cause) if isinstance(cause, Exception) else None) or repr(cause)
    content = {"error": line, "config": _plain(config)}
    atomic_write(folder / FAILED, f"{json.dumps(content, indent=2)}\n")


def _plain(config: DictConfig) -> Any:
    """Resolved where it can be."""
    try:
        return OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException:
        return OmegaConf.to_container(config)


def is_multirun() -> bool:
    """Whether this run is one of ``pscgan train -m``."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN
