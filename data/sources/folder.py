"""Image files of a folder."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol


class Folder:
    """The image files below a folder, of any nesting; links are followed.

    Args:
        root: the folder.

    Attributes:
        names: paths below the root with ``/`` between folders.
    """

    shards: tuple[str, ...] = ()

    def __init__(self, root: Path) -> None:
        self.root = root
        found = (Path(folder, file) for folder, _, files in os.walk(root, followlinks=True) for file in files)
        paths = (path.relative_to(root).as_posix() for path in found)
        self.names = sorted(path for path in paths if is_image(path))

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        with (self.root / name).open("rb") as file:
            return file.read(num_bytes)


EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")


class ImageFiles(Protocol):
    """Image files by name. Safe in forked and spawned workers: no two processes share a file position.

    Attributes:
        root: where they are, for messages: a file is ``root/name``.
        names: of the files, each once, in the order of Python strings.
        shards: the archives that hold the files; names in one begin with its own and ``/``. Empty if there are none.
    """

    @property
    def root(self) -> Path | str: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def shards(self) -> Sequence[str]: ...
    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        """The whole file, or as much of its beginning.

        Raises:
            OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error: if it cannot be read.
        """


def is_image(name: str) -> bool:
    """Whether a path below a root is that of an image that is neither hidden nor a copy of macOS's metadata."""
    path = PurePosixPath(name)
    left_out = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in EXTENSIONS and not left_out
