"""Room for pictures that are made piece by piece: on disk, so that memory grows with neither their size nor number."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

PIECE = 2**24  # bytes written at once


def canvas(folder: Path, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of zeros in a nameless file of a folder, gone with the array.

    The room is written at once: a full disk is an error here, and not a signal that ends the process later.

    Raises:
        OSError: naming the folder, if there is no room.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for start in range(0, size, PIECE):
                file.write(bytes(min(PIECE, size - start)))
            file.flush()
            return np.memmap(file, dtype, "r+", shape=shape)
    except OSError as error:
        raise OSError(f"cannot write to {folder}: {error.strerror or error}") from error
