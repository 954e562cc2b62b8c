"""Image files of a zip archive."""

import os
import zipfile
from pathlib import Path
from typing import Any

from .folder import is_image
from .names import Names, digest


class ZipArchive:
    """The image files of a ``.zip`` archive, of any nesting; opened by each process for itself.

    Args:
        root: the archive.

    Attributes:
        names: paths in the archive.

    Raises:
        ValueError: if the archive is damaged.
    """

    shards: tuple[str, ...] = ()

    def __init__(self, root: Path) -> None:
        self.root = root
        self._archive: zipfile.ZipFile | None = None
        self._opened_by = 0
        try:
            with zipfile.ZipFile(root) as archive:
                self.names = Names(sorted(name for name in set(archive.namelist()) if is_image(name)))
                self.version = digest(str(archive.getinfo(name).CRC) for name in self.names)
        except zipfile.BadZipFile as error:
            raise ValueError(f"root must be a whole .zip archive, got {root}, which is damaged: {error}") from error

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        if self._archive is None or self._opened_by != os.getpid():  # processes must not share a file position
            self._archive, self._opened_by = zipfile.ZipFile(self.root), os.getpid()
        with self._archive.open(name) as file:
            return file.read(num_bytes)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_archive": None}
