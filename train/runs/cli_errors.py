"""What a program prints: one line and exit code 2 on bad input, what to do after a signal, no idle warnings."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import OmegaConfBaseException

from .override_errors import override_error

USER_ERRORS = (HydraException, OmegaConfBaseException, ValueError, OSError)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""They ask a run to end: the user's, the system's, and SLURM's warning."""


class Interrupted(Exception):
    """The user or the system asked for an end; the run can be continued."""

    def __init__(self, number: int, images_seen: int | None = None) -> None:
        super().__init__(number, images_seen)
        self.exit_code = 128 + number

    def __str__(self) -> str:
        number, images_seen = self.args
        name = signal.Signals(number).name
        return name if images_seen is None else f"{name} after {images_seen} images"


class RankError(ValueError):
    """An error of the user on one of several ranks.

    Attributes:
        is_reporter: whether this process prints it; all ranks may end with the same error.
    """

    def __init__(self, line: str, is_reporter: bool = True) -> None:
        super().__init__(line)
        self.is_reporter = is_reporter


@contextmanager
def report_user_errors(program: str) -> Iterator[None]:
    """End the program with one line on stderr and exit code 2 where the user is at fault.

    A user who sets ``PSCGAN_TRACEBACK=1`` gets the traceback instead.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands exceptions on to us instead of printing them
    try:
        yield
    except USER_ERRORS as error:
        line = user_error(error)
        if line is None or os.environ.get("PSCGAN_TRACEBACK") == "1":
            raise
        if not isinstance(error, RankError) or error.is_reporter:
            print(f"{program}: {line}", file=sys.stderr)
        sys.exit(2)


def user_error(error: Exception) -> str | None:
    """The line for an error of the user; None for a defect of ours, which deserves its traceback."""
    if isinstance(error, InstantiationException):
        cause = error.__cause__
        if cause is not None and not isinstance(cause, ValueError | TypeError | OSError | ImportError):
            return None
        part = str(error).rpartition("full_key: ")[2].splitlines()[0] if "full_key: " in str(error) else ""
        return f"{part}: {_join(cause or error)}" if part else _join(cause or error)
    if isinstance(error, OmegaConfBaseException):
        line, _, missing = str(error).splitlines()[0].partition("Missing mandatory value: ")
        return f"{missing} must be given" if missing else f"{error.full_key or 'config'}: {line}"
    return override_error(error) or _join(error)


def _join(error: BaseException) -> str:
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())


IDLE_WARNINGS = ("does not have many workers", "smaller than the logging interval", "in eval mode", "LeafSpec")


def filter_warnings() -> None:
    """Silence, in this process, Lightning and torch on idle devices, log intervals and their own internals."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in IDLE_WARNINGS:
        warnings.filterwarnings("ignore", message=f".*{message}")
