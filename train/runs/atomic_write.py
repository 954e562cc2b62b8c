"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def atomic_write(path: Path, content: bytes) -> None:
    """Write beside it, then put it in place; what stood there stays until the last.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    write_together({path: content})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Likewise several files, none of which is put in place before all are written.

    Raises:
        OSError: naming the first file that cannot be written.
    """
    parts = {path: path.with_name(path.name + ".part") for path in contents}
    try:
        for path, content in contents.items():
            parts[path].unlink(missing_ok=True)  # what an earlier try left, or a link to somewhere else
            parts[path].write_bytes(content)
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise OSError(f"cannot write {path}: {error.strerror or error}") from error
