"""What C libraries write to standard error, caught."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ONE_AT_A_TIME = threading.Lock()
"""To be held meanwhile: the error stream belongs to the whole process."""


@contextmanager
def error_stream(path: Path) -> Iterator[Callable[[], str]]:
    """Lead what C code writes to standard error into a file; yields a function that returns it."""
    terminal = os.dup(2)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield lambda: path.read_text(errors="replace")
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
