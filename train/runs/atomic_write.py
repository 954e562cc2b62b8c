"""Files that are there whole or not at all."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

Content = bytes | memoryview | str
THREADS = 8  # files that wait for the disk together reach it 2 to 10 times as fast


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

    try:
        yield write
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(_sync, parts.values(), parts))
        for path, part in parts.items():
            with naming_in_errors(path):
                part.replace(path)
        for folder in {path.parent for path in parts}:
            _sync(folder, folder)
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


def _sync(part: Path, path: Path) -> None:
    """Have a file, or the names in a folder, reach the disk."""
    with naming_in_errors(path):
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
