"""Files that are there whole or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Content = bytes | memoryview | str


def atomic_write(path: Path, content: Content) -> None:
    """Write beside the file, have it reach the disk, then rename: after a full disk or a kill ``path`` is old or new.

    Text is written in UTF-8, with what a name on disk may hold and UTF-8 may not escaped.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    with written_together() as write:
        write(path, content)


@contextmanager
def written_together() -> Iterator[Callable[[Path, Content], None]]:
    """``atomic_write`` of several files: yields what writes one, and puts none in place before the end."""
    parts: dict[Path, Path] = {}

    def write(path: Path, content: Content) -> None:
        part = parts[path] = path.with_name(path.name + ".part")
        with naming_in_errors(path):
            part.unlink(missing_ok=True)  # left by an earlier try, or a link to somewhere else
            with part.open("wb") as file:
                file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())

    try:
        yield write
        for path, part in parts.items():
            with naming_in_errors(path):
                part.replace(path)
        for folder in {path.parent for path in parts}:
            with naming_in_errors(folder):
                _sync_folder(folder)
    except BaseException:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise


@contextmanager
def naming_in_errors(path: Path) -> Iterator[None]:
    """Raise an OSError as one that names the path."""
    try:
        yield
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror or error}") from error


def _sync_folder(folder: Path) -> None:
    """Have new names reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
