"""A program's answer to bad input: one line that says what is wrong and what is allowed, and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import OmegaConfBaseException

FULL_ERROR = "HYDRA_FULL_ERROR"


def run_program(name: str, program: Callable[[], None]) -> None:
    """Run a Hydra program; errors of the user end it with one line on stderr and exit code 2.

    A user who sets ``HYDRA_FULL_ERROR=1`` gets the traceback instead.
    """
    if os.environ.get(FULL_ERROR) == "1":
        program()
        return
    os.environ[FULL_ERROR] = "1"  # Hydra hands exceptions on to us instead of printing them
    try:
        program()
    except (HydraException, OmegaConfBaseException, ValueError, OSError) as error:
        line = user_error(error)
        if line is None:
            raise
        print(f"{name}: {line}", file=sys.stderr)
        sys.exit(2)


def user_error(error: Exception) -> str | None:
    """The line for an error of the user; None for a defect of ours, which deserves its traceback."""
    if isinstance(error, InstantiationException):
        cause = error.__cause__
        if cause is not None and not isinstance(cause, ValueError | TypeError | OSError):
            return None
        part = str(error).rpartition("full_key: ")[2].splitlines()[0] if "full_key: " in str(error) else ""
        return f"{part}: {_join(cause or error)}" if part else _join(cause or error)
    return _join(error)


def _join(error: BaseException) -> str:
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())
