"""Bytes of a picture file that somebody named, and its name in a message."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BYTES_A_PIXEL, BYTES_OF_METADATA = 16, 2**24
"""No file with more is read: RGBA of 16 bits has 8 bytes a pixel, and may hold smaller copies."""


def read_bytes(path: Path, max_pixels: int | None) -> bytes:
    """The whole of a regular file that can hold a picture of so many pixels at most; None for any size.

    Nothing else is opened: a named pipe would wait for its writer, a device may never end.

    Raises:
        ValueError: with the reason, if it is no regular file, is too long, or cannot be read.
    """
    most = sys.maxsize if max_pixels is None else BYTES_A_PIXEL * max_pixels + BYTES_OF_METADATA
    try:
        kind = path.stat()
        if not stat.S_ISREG(kind.st_mode):
            what = _NAMES.get(stat.S_IFMT(kind.st_mode), "something else")
            raise ValueError(f"it cannot be opened: it is {what}; allowed is a regular file")
        with path.open("rb") as file:
            data = file.read(kind.st_size + 1) if kind.st_size <= most else None
    except OSError as error:
        raise ValueError(f"it cannot be opened: {error.strerror or error}") from error
    if data is None:
        raise ValueError(f"it has more than {most} bytes, the limit for {max_pixels} pixels")
    if not data:
        raise ValueError("the file is empty")
    return data


def on_one_line(text: object) -> str:
    """With everything escaped that would break the line, or change the terminal it is printed on."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


_NAMES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


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
