"""Checkpoints: everything a run needs to go on bit for bit, and nothing that runs code when it is loaded."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ... import __version__

if TYPE_CHECKING:
    from ..gan_step import GANStep

FORMAT = 2


def save(path: Path, gan_step: GANStep, config: dict[str, Any], scores: dict[str, float], best_crps: float) -> None:
    """Write weights, average, both optimisers, clocks and adapted weights; the old file stays whole until the last.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    state = {
        "format": FORMAT,
        "version": __version__,
        "config": config,
        "gan_step": gan_step.state_dict(),
        "optimizers": {name: network.state_dict() for name, network in gan_step.networks.items()},
        "scores": scores,
        "best_crps": best_crps,
    }
    write_checksummed(path, state)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        ValueError: naming the file, if it is damaged, no checkpoint of pscgan, or of a newer format.
        OSError: naming the file, if it cannot be opened.
    """
    state = read_checksummed(path)
    if not isinstance(state, dict) or not isinstance(state.get("format"), int):
        raise ValueError(f"{path} is not a checkpoint of pscgan: it names no format")
    if state["format"] > FORMAT:
        raise ValueError(
            f"{path} has format {state['format']} (pscgan {state.get('version')}); this is pscgan {__version__}, which "
            f"reads up to format {FORMAT}"
        )
    return state


def keep(path: Path, previous: Path) -> None:
    """Have the checkpoint that is about to be replaced stay as ``previous``; at no moment is there none."""
    if not path.exists():
        return
    part = previous.with_suffix(".part")
    part.unlink(missing_ok=True)
    os.link(path, part)
    part.replace(previous)


def load_last(last: Path, previous: Path) -> dict[str, Any] | None:
    """The state to go on from: of ``last`` or, where somebody has moved that away, of ``previous``; None for a new run.

    Raises:
        DamagedFile: if it is damaged; the message says what can be gone on from instead.
        ValueError: see ``load``.
    """
    path = last if last.exists() else previous
    if not path.exists():
        return None
    try:
        return load(path)
    except DamagedFile as error:
        raise DamagedFile(f"{error}; {_instead(path, previous)}") from error


def _instead(damaged: Path, previous: Path) -> str:
    try:
        seen = load(previous)["gan_step"]["progress._extra_state"]["images_seen"]
    except (OSError, ValueError):
        return "there is no whole one before it; another name=... starts a new run"
    return f"{previous}, of image {seen:,}, is whole: move {damaged.name} away, and the same command goes on from it"


def restore(gan_step: GANStep, state: dict[str, Any], path: Path) -> None:
    """Put a loaded state into a gan_step of the same architecture.

    Raises:
        ValueError: naming the file and the first difference, if the architecture is another.
    """
    check_same_tensors(gan_step.state_dict(), state["gan_step"], path)
    gan_step.load_state_dict(state["gan_step"])
    for name, network in gan_step.networks.items():
        network.load_state_dict(state["optimizers"][name])


def check_same_tensors(expected: dict[str, Any], found: dict[str, Any], path: Path) -> None:
    """Raise a ValueError that names the file and the first tensor that is absent in one of both or of another shape."""
    for name in sorted(expected.keys() | found.keys()):
        shapes = [
            tuple(tensors[name].shape) if isinstance(tensors.get(name), torch.Tensor) else name in tensors
            for tensors in (expected, found)
        ]
        if shapes[0] != shapes[1]:
            described = ["absent" if shape is False else str(shape) for shape in shapes]
            raise ValueError(
                f"{path} holds another architecture: {name} is {described[1]} there and {described[0]} in this config"
            )


SEAL = b"sha256:"
SEAL_BYTES = len(SEAL) + 64


class DamagedFile(ValueError):
    """A file that is not what was written."""


def write_checksummed(path: Path, state: Any) -> None:
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


def read_checksummed(path: Path) -> Any:
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
