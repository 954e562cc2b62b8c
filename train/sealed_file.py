"""Files of tensors that know their own checksum."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import torch

SEAL = b"sha256:"
SEAL_BYTES = len(SEAL) + 64


class DamagedFile(ValueError):
    """A file that is not what was written."""


def write_sealed(path: Path, state: Any) -> None:
    """``torch.save``, with the SHA-256 of everything before it as the comment of the archive.

    The file is written beside ``path``, reaches the disk, and takes its place in one step: after a full disk, a kill or
    a loss of power ``path`` is what it was before, or whole.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    archive = io.BytesIO()
    torch.save(state, archive)
    content = archive.getbuffer()
    content[-2:] = struct.pack("<H", SEAL_BYTES)  # where the archive says how long its comment is
    digest = hashlib.sha256(content).hexdigest().encode()
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.write(SEAL + digest)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OSError(f"cannot write {path}: {error.strerror or error}") from error


def read_sealed(path: Path) -> Any:
    """What was written, on the CPU; the checksum is compared before anything is decoded, and no code is run.

    Raises:
        DamagedFile: naming the file, if it is not what was written.
        ValueError: naming the file, if loading it would have to run code.
        OSError: naming the file, if it cannot be opened.
    """
    content = path.read_bytes()
    sealed, seal = content[:-SEAL_BYTES], content[-SEAL_BYTES:]
    if seal[: len(SEAL)] != SEAL or seal[len(SEAL) :] != hashlib.sha256(sealed).hexdigest().encode():
        raise DamagedFile(f"{path} is damaged, or no file of pscgan: its checksum is not that of its content")
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} holds more than tensors and plain values: {str(error).splitlines()[0]}") from error


def _sync_folder(folder: Path) -> None:
    """Have the new name reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
