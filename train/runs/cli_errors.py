"""A program's answer to bad input: one line that says what is wrong and what is allowed, and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from ...checks import closest

USER_ERRORS = (HydraException, OmegaConfBaseException, ValueError, OSError)


class RankError(ValueError):
    """What went wrong on one of several ranks, raised on all of them: they end together, and one of them says it.

    Attributes:
        speaks: whether this process is that one.
    """

    def __init__(self, line: str, speaks: bool = True) -> None:
        super().__init__(line)
        self.speaks = speaks


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
        if not isinstance(error, RankError) or error.speaks:
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
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        near = closest(str(cause.key), map(str, cause.parent_node))
        return f"there is no {cause.full_key}{near} (+{cause.full_key}=... adds it)"
    return _join(error)


def _join(error: BaseException) -> str:
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())
