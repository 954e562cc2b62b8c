"""The folder of a run: one command, one folder; the same command again continues it, and nothing is overwritten."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ..distributed import collectives
from .atomic_write import atomic_write
from .naming import MAY_CHANGE, MAY_NOT_CHANGE
from .provenance import flatten_config, provenance

CONFIG = "config.yaml"


def claim_folder(path: Path, kind: str) -> bool:
    """Make a folder where there is none; whether it holds a config already.

    Args:
        path: of it.
        kind: of what it is to hold, for the message.

    Raises:
        ValueError: if it holds something else.
        OSError: if it cannot be written.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        raise PermissionError(f"{kind} folder {path} is not writable")
    if (path / CONFIG).exists():
        return True
    if any(path.iterdir()):
        raise ValueError(f"{path} is not empty and holds no {kind} of pscgan; choose another name=...")
    return False


def changed_keys(path: Path, config: dict[str, Any], may_change: tuple[str, ...]) -> dict[str, str]:
    """Of a config and the one in a folder, the keys that differ, with a line that names both values."""
    stored, current = flatten_config(OmegaConf.to_container(OmegaConf.load(path / CONFIG))), flatten_config(config)
    return {
        key: f"{key}: {stored.get(key, 'absent')} there, {current.get(key, 'absent')} now"
        for key in sorted(stored.keys() | current.keys())
        if stored.get(key, "absent") != current.get(key, "absent") and not key.startswith(may_change)
    }


class RunFolder:
    """Where a run keeps its config, log, pictures, checkpoints and result.

    Args:
        config: composed, as the run will use it; ``config.folder`` is the path, made if it is not there. Nothing is
            written into it before ``note_start``, so that a config that turns out wrong does not occupy a name.

    Attributes:
        changes: what differs from the config the folder was last used with, a line a key.

    Raises:
        ValueError: if the folder holds something else, or a run of another config; with
            ``config.allow_changed_config`` only if network, images, problem or seed are others.
        OSError: if it cannot be written.
    """

    def __init__(self, config: DictConfig) -> None:
        self.path = path = Path(config.folder)
        self.config: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        self.changes: list[str] = []
        if claim_folder(path, "run"):
            self._compare_configs()

    @property
    def config_path(self) -> Path:
        """The composed config."""
        return self.path / CONFIG

    @property
    def last(self) -> Path:
        """The checkpoint a run continues from."""
        return self.path / "last.ckpt"

    @property
    def previous(self) -> Path:
        """The one before it."""
        return self.path / "previous.ckpt"

    @property
    def best(self) -> Path:
        """The checkpoint with the lowest CRPS of a validation."""
        return self.path / "best.ckpt"

    def result(self) -> dict[str, Any] | None:
        """What a finished run wrote."""
        path = self.path / "result.json"
        return json.loads(path.read_text()) if path.exists() else None

    def write_result(self, result: dict[str, Any]) -> None:
        """Mark the run as finished."""
        atomic_write(self.path / "result.json", f"{json.dumps(result, indent=2)}\n".encode())

    def note_start(self, images_seen: int, precision: str, feature_networks: Sequence[str] = ()) -> None:
        """Write the config, and add to ``run.json`` what this start is made with: command, versions, hardware."""
        if self.changes or not self.config_path.exists():
            atomic_write(self.config_path, OmegaConf.to_yaml(OmegaConf.create(self.config)).encode())
        path = self.path / "run.json"
        starts = json.loads(path.read_text()) if path.exists() else []
        start = {
            "images_seen": images_seen,
            "seed": self.config["seed"],
            "precision": precision,
            "ranks": collectives.world_size(),
            "changes": self.changes,
            "feature_networks": list(feature_networks),
        }
        starts.append(start | provenance())
        atomic_write(path, f"{json.dumps(starts, indent=2)}\n".encode())

    def _compare_configs(self) -> None:
        changed = changed_keys(self.path, self.config, MAY_CHANGE)
        refused = [line for key, line in changed.items() if key.startswith(MAY_NOT_CHANGE)]
        if refused:
            raise ValueError(f"{self.path} holds a run of another config ({_some(refused)}); choose another name=...")
        if changed and not self.config["allow_changed_config"]:
            raise ValueError(
                f"{self.path} holds a run of another config ({_some(list(changed.values()))}); choose another "
                "name=..., or go on with the change by allow_changed_config=true"
            )
        self.changes = list(changed.values())


def _some(lines: Sequence[str]) -> str:
    return "; ".join(lines[:3]) + ("; ..." if len(lines) > 3 else "")


class FolderLock:
    """Within, this process holds a folder, or rank 0 for all; the system lets go of it however the process ends.

    Args:
        folder: made on entering, where it is missing.

    Raises:
        ValueError: on entering, if another process holds it.
        OSError: on entering, naming the folder, if it cannot be made or opened.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._descriptor: int | None = None

    def __enter__(self) -> FolderLock:
        collectives.from_rank_zero(self._hold)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _hold(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise OSError(f"cannot write {self.folder}: {error.strerror or error}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            self._descriptor = None
            raise ValueError(f"{self.folder} is in use by another process; allowed is one at a time") from error
