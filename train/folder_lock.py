"""One run folder, one run: two commands must not write into it at once."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from . import ranks

LOCK = ".lock"


class FolderLock:
    """Within, rank 0 of this run holds the folder; the system lets go of it when the process ends, however it ends.

    Args:
        folder: of the run.

    Raises:
        ValueError: on entering, if another run holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self._descriptor: int | None = None

    def __enter__(self) -> FolderLock:
        ranks.from_first(self._acquire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _acquire(self) -> None:
        self._descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"{self.path.parent} is in use by another run; wait for its end, or stop it") from error
