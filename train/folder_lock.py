"""One process at a time in a folder: two commands must not write into it at once."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from . import ranks


class FolderLock:
    """Within, this process holds a folder, or rank 0 for all; the system lets go of it however the process ends.

    Args:
        folder: made on entering, where it is missing.

    Raises:
        ValueError: on entering, if another process holds it.
        OSError: on entering, naming the folder, if it cannot be made or opened.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._descriptor: int | None = None

    def __enter__(self) -> FolderLock:
        ranks.from_first(self._hold)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _hold(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise OSError(f"cannot write {self.folder}: {error.strerror or error}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            self._descriptor = None
            raise ValueError(f"{self.folder} is in use by another process; allowed is one at a time") from error
