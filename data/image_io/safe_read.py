"""Bytes of a picture file that somebody named, and its name in a message."""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BYTES_A_PIXEL, BYTES_OF_METADATA = 16, 2**24
"""No file with more is read: RGBA of 16 bits has 8 bytes a pixel, and may hold smaller copies."""


def read_bytes(source: Path | bytes, max_pixels: int | None) -> bytes:
    """The whole of a regular file that can hold a picture of so many pixels at most; None for any size.

    Raises:
        ValueError: with the reason, if it is no regular file, is too long, or cannot be read.
    """
    max_bytes = sys.maxsize if max_pixels is None else BYTES_A_PIXEL * max_pixels + BYTES_OF_METADATA
    try:
        if isinstance(source, Path):
            require_regular(source)
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > max_bytes:
            raise ValueError(f"it has more than {max_bytes} bytes, the limit for {max_pixels} pixels")
        data = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise ValueError(f"it cannot be opened: {error.strerror or error}") from error
    if not data:
        raise ValueError("the file is empty")
    return data


def require_regular(path: Path) -> None:
    """Refuse what cannot simply be read: a pipe would wait, a device never end.

    Raises:
        OSError: if there is nothing, or no permission.
        ValueError: if it is no regular file.
    """
    if path.is_file():
        return
    path.stat()  # says why, where there is nothing
    if path.is_dir():
        os.scandir(path).close()  # likewise
    raise ValueError("it cannot be opened: it is no regular file")


def name_of(source: Path | bytes) -> str | None:
    """Of a file in a message, on one line; bytes have none."""
    return on_one_line(source) if isinstance(source, Path) else None


def on_one_line(text: object) -> str:
    """With everything escaped that would break the line, or change the terminal it is printed on."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


_STDERR = threading.Lock()  # the error stream belongs to the whole process


@contextmanager
def capture_stderr() -> Iterator[Callable[[], str]]:
    """Hold back what C code writes to standard error; yields a function that returns it. One thread at a time."""
    with _STDERR, tempfile.TemporaryFile() as file:
        terminal = os.dup(2)
        try:
            os.dup2(file.fileno(), 2)
            yield lambda: _content(file.fileno())
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _content(file: int) -> str:
    return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")
