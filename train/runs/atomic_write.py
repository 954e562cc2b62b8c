"""Files that are there whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path


def atomic_write(path: Path, content: bytes | memoryview | str) -> None:
    """Write beside the file, have it reach the disk, then rename: after a full disk or a kill ``path`` is old or new.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    write_together({path: content})


def write_together(contents: Mapping[Path, bytes | memoryview | str]) -> None:
    """``atomic_write`` of several files, none of which is put in place before all are written.

    Text is written in UTF-8, with what a name on disk may hold and UTF-8 may not escaped.

    Raises:
        OSError: naming the first file that cannot be written.
    """
    parts = {path: path.with_name(path.name + ".part") for path in contents}
    try:
        for path, content in contents.items():
            parts[path].unlink(missing_ok=True)  # left by an earlier try, or a link to somewhere else
            with parts[path].open("wb") as file:
                file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            part.replace(path)
            _sync_folder(path.parent)
    except BaseException as error:
        for part in parts.values():
            part.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise OSError(f"cannot write {path}: {error.strerror or error}") from error


def _sync_folder(folder: Path) -> None:
    """Have the new name reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
