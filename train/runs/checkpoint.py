"""Checkpoints: everything a run needs to continue bit for bit, and nothing that runs code when it is loaded."""

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ... import __version__
from ...data.image_io.safe_read import require_regular
from .atomic_write import atomic_write
from .foreign_file import foreign, is_archive

FORMAT = 3
LOGGED = "means._extra_state"  # in the state of GANStep


class DamagedFile(ValueError):
    """A file that is no whole archive of ``torch.save``, or holds weights that are not finite."""


class Resumable(Protocol):
    """What a run trains, in practice ``GANStep``: its state, and networks whose optimisers have states of their own."""

    @property
    def networks(self) -> Mapping[str, Any]: ...

    @property
    def start_weights(self) -> dict[str, float]: ...

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state: Any) -> Any: ...


def save(
    path: Path,
    gan_step: Resumable,
    config: dict[str, Any],
    scores: dict[str, float],
    best_crps: float,
    measured_on: str = "",
) -> None:
    """Write weights, average, both optimisers, progress, adapted weights, and the best CRPS with what it belongs to.

    Raises:
        OSError: naming the file, if it cannot be written; an older one is then as it was.
    """
    state = {
        "format": FORMAT,
        "version": __version__,
        "config": config,
        **state_of(gan_step),
        "start_weights": gan_step.start_weights,
        "scores": scores,
        "best_crps": best_crps,
        "measured_on": measured_on,
    }
    archive = io.BytesIO()
    torch.save(state, archive)
    atomic_write(path, archive.getbuffer())


def state_of(gan_step: Resumable) -> dict[str, Any]:
    """What training changes: ``gan_step``, and ``optimizers`` by network."""
    optimizers = {name: network.state_dict() for name, network in gan_step.networks.items()}
    return {"gan_step": gan_step.state_dict(), "optimizers": optimizers}


def first_not_finite(tensors: Mapping[Any, Any]) -> str | None:
    """Dotted name of the first tensor, at any depth, that holds a NaN or an infinity; running means of a log may."""
    for name, value in tensors.items():
        if isinstance(value, Mapping):
            inside = None if name == LOGGED else first_not_finite(value)
            if inside is not None:
                return f"{name}.{inside}"
        elif isinstance(value, Tensor) and not value.isfinite().all():
            return str(name)
    return None


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, after the checksums of the archive have been compared.

    Raises:
        DamagedFile: naming the file, if it is not whole, no archive of ``torch.save``, or not finite.
        ValueError: naming the file, if loading it would have to run code, it is no checkpoint of pscgan, or of another
            format.
        OSError: naming the file, if it cannot be opened.
    """
    _require_whole(path)
    try:
        with path.open("rb") as file:  # by its content, not by what its name ends in
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} {foreign(path)}; it holds more than tensors and plain values") from error
    if not isinstance(state, dict) or not isinstance(state.get("format"), int):
        raise ValueError(f"{path} {foreign(path)}")
    if state["format"] != FORMAT:
        raise ValueError(
            f"{path} must have format {FORMAT} for pscgan {__version__}, got {state['format']}; pscgan "
            f"{state.get('version')} opens it"
        )
    if (name := first_not_finite(state)) is not None:
        raise DamagedFile(f"{path} holds a run that has failed: {name} is not finite")
    return state


def _require_whole(path: Path) -> None:
    try:
        require_regular(path)
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except OSError:
        raise
    except Exception as error:  # a damaged table of contents can break zipfile anywhere
        what = None if not path.is_file() or is_archive(path) else foreign(path)
        raise DamagedFile(f"{path} {what or f'is damaged or cut short, or no checkpoint: {error}'}") from error
    if damaged is not None:
        raise DamagedFile(f"{path} is damaged: {damaged} has another checksum")


def restore(gan_step: Resumable, state: dict[str, Any], path: Path) -> None:
    """Put a loaded state into a ``GANStep`` of the same architecture.

    Raises:
        ValueError: naming the file and the first difference, if the architecture is another, or the config has another
            start of a weight that has been adapted since.
    """
    check_same_tensors(gan_step.state_dict(), state["gan_step"], path)
    for name, start in gan_step.start_weights.items():
        stored = state.get("start_weights", {}).get(name, start)
        if stored != start:
            raise ValueError(f"{path}: {name} started at {stored} and has adapted since, got a start of {start}")
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
