"""Checkpoints: everything a run needs to go on bit for bit, and nothing that runs code when it is loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from .game import Game

FORMAT = 1


def save(path: Path, game: Game, config: dict[str, Any], scores: dict[str, float], best_crps: float) -> None:
    """Write weights, average, both optimisers, clocks and adapted weights; the old file stays whole until the last.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    state = {
        "format": FORMAT,
        "version": __version__,
        "config": config,
        "game": game.state_dict(),
        "optimizers": {name: player.optimizer.state_dict() for name, player in game.players.items()},
        "scores": scores,
        "best_crps": best_crps,
    }
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:  # a full disk reaches us as either
        part.unlink(missing_ok=True)
        raise OSError(f"cannot write checkpoint {path}: {error}") from error


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        ValueError: naming the file, if it is no checkpoint of pscgan or of a newer format.
        OSError: naming the file, if it cannot be opened.
    """
    with path.open("rb") as file:
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # damaged bytes make torch.load raise almost anything
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"{path} is not a readable checkpoint: {reason}") from error
    if not isinstance(state, dict) or not isinstance(state.get("format"), int):
        raise ValueError(f"{path} is not a checkpoint of pscgan: it names no format")
    if state["format"] > FORMAT:
        raise ValueError(
            f"{path} has format {state['format']} (pscgan {state.get('version')}); this is pscgan {__version__}, which "
            f"reads up to format {FORMAT}"
        )
    return state


def restore(game: Game, state: dict[str, Any], path: Path) -> None:
    """Put a loaded state into a game of the same architecture.

    Raises:
        ValueError: naming the file and the first difference, if the architecture is another.
    """
    check_same_tensors(game.state_dict(), state["game"], path)
    game.load_state_dict(state["game"])
    for name, player in game.players.items():
        player.optimizer.load_state_dict(state["optimizers"][name])


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
