"""One run among several: what ends it does not end the others."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from .run_mode import in_a_sweep
from .user_errors import user_error
from .whole_file import write_whole

FAILED = "failed.json"
FIRST_SIGNAL_CODE = 129  # exit codes from here on are 128 and the number of a signal


def run_alone_or_in_a_sweep(config: DictConfig, run: Callable[[DictConfig], float]) -> float | None:
    """The CRPS that ``run`` returns; a run of a sweep that fails marks its folder and has none.

    Optuna takes None for a trial that failed; NaN, which it refuses too, would end the sweep. ``failed.json`` holds the
    line and the config; the next start removes it. The run of wandb ends with the run.

    Raises:
        SystemExit: by a signal; alone also by an error of the user.
        Exception: alone, what is no error of the user.
    """
    folder, code = Path(config.folder), 1
    (folder / FAILED).unlink(missing_ok=True)
    try:
        crps = run(config)
        code = 0
        return crps
    except (Exception, SystemExit) as error:
        if not in_a_sweep() or (isinstance(error, SystemExit) and int(error.code or 0) >= FIRST_SIGNAL_CODE):
            raise
        _mark(folder, config, error)
        return None
    finally:
        _close_wandb(code)


def _mark(folder: Path, config: DictConfig, error: BaseException) -> None:
    """A program that ends has printed its line; anything else is a defect, whose traceback is printed here."""
    cause = error.__context__ if isinstance(error, SystemExit) else error
    if cause is error:
        traceback.print_exc()
    line = (user_error(cause) if isinstance(cause, Exception) else None) or repr(cause)
    content = {"error": line, "config": _plain(config)}
    write_whole(folder / FAILED, f"{json.dumps(content, indent=2)}\n".encode())


def _plain(config: DictConfig) -> Any:
    """Resolved where it can be."""
    try:
        return OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException:
        return OmegaConf.to_container(config)


def _close_wandb(code: int) -> None:
    """Otherwise the next run in this process would write into the same run of wandb."""
    wandb = sys.modules.get("wandb")
    if wandb is not None and wandb.run is not None:
        wandb.finish(exit_code=code)
