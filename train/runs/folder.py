"""The folder of a run: the same command continues it, another config is refused, and one process holds it."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from .atomic_write import atomic_write
from .baseline import baseline_folder
from .image_names import difference, write_names
from .naming import FIXED_KEYS, RESUMABLE_KEYS
from .provenance import CONDITIONS, changed_conditions, flatten_config, provenance

CONFIG, LOCK, RESULT = "config.yaml", ".lock", "result.json"
FIXED_CONDITIONS = ("images.validation", "images.test", "feature_networks")
"""Keys of ``CONDITIONS`` whose change is refused, as that of a config is, and not only said."""
_made: list[Path] = []


class NewFolders(Callback):
    """Hydra's hook before it makes the folder of a run: which ones were not there."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        HydraConfig.instance().set_config(config)
        with suppress(OmegaConfBaseException):  # Hydra raises it again
            folder = Path(config.hydra.run.dir).absolute()
            made = Path(baseline_folder(str(folder))), folder, *folder.parents
            _made[:] = [path for path in made if not path.exists()]


def remove_new_empty_folders() -> None:
    """Leave none behind that this start has made and nothing was written to."""
    for path in _made:
        with suppress(OSError):
            path.rmdir()


def claim_folder(path: Path, kind: str) -> bool:
    """Make the folder if it is missing; returns whether it holds a config already.

    Args:
        path: of the folder.
        kind: what it holds, "run" or "evaluation", which stored its config in ``config.yaml``.

    Raises:
        ValueError: if it holds something else.
        OSError: if it cannot be made or written.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        raise PermissionError(f"{kind} folder {path} is not writable")
    if (path / CONFIG).exists():
        return True
    if any(file.name != LOCK for file in path.iterdir()):
        raise ValueError(f"{path} is not empty and holds no {kind} of pscgan; choose another name=...")
    return False


def changed_keys(folder: Path, config: dict[str, Any], resumable_keys: tuple[str, ...]) -> dict[str, str]:
    """By dotted key a line for each value that differs from the stored config, but for keys with these beginnings.

    A key of a newer version, which an older config has not, is as null there.
    """
    stored, current = flatten_config(OmegaConf.to_container(OmegaConf.load(folder / CONFIG))), flatten_config(config)
    return {
        key: f"{key}: {stored.get(key, 'absent')} there, {current.get(key, 'absent')} now"
        for key in sorted(stored.keys() | current.keys())
        if stored.get(key) != current.get(key) and not key.startswith(resumable_keys)
    }


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Within, this process alone holds the folder; the system lets go of it however the process ends.

    Args:
        folder: made where it is missing.

    Raises:
        ValueError: if another process holds it.
        OSError: naming the folder, if it cannot be made or written.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ValueError(f"{folder} is in use by another process") from error
    except OSError as error:
        raise OSError(f"cannot write {folder}: {error.strerror or error}") from error
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)  # while it is held: who opens it later finds another file
        lock.release()


class RunFolder:
    """The config, log, pictures, checkpoints and result of a run.

    Args:
        config: composed, as the run will use it; ``config.folder`` is the path, made if it is not there. Nothing is
            written into it before ``note_start``, so that a config that turns out wrong does not occupy a name.

    Attributes:
        changes: what differs from the config and the conditions the folder was last used with, a line a key.

    Raises:
        ValueError: if the folder holds something else, or a run of another config; with
            ``config.allow_changed_config`` only if one of ``FIXED_KEYS`` differs.
        OSError: if it cannot be written.
    """

    def __init__(self, config: DictConfig) -> None:
        self.path = Path(config.folder)
        self.config: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        found = claim_folder(self.path, "run")
        changes = changed_keys(self.path, self.config, RESUMABLE_KEYS) if found else {}
        fixed = [line for key, line in changes.items() if key.startswith(FIXED_KEYS)]
        if fixed:
            raise ValueError(f"{self.path} holds a run of another config ({_some(fixed)}); choose another name=...")
        self.changes = list(changes.values())
        if self.changes and not self.config["allow_changed_config"]:
            raise ValueError(
                f"{self.path} holds a run of another config ({_some(self.changes)}); choose another name=..., or "
                "continue with the change by allow_changed_config=true"
            )

    @property
    def last(self) -> Path:
        """The checkpoint a run continues from."""
        return self.path / "last.ckpt"

    @property
    def best(self) -> Path:
        """The checkpoint with the lowest CRPS of a validation."""
        return self.path / "best.ckpt"

    def result(self) -> dict[str, Any] | None:
        """What a run that has ended wrote: scores, or the ``error`` of one that came to numbers that are not finite."""
        path = self.path / RESULT
        return json.loads(path.read_text()) if path.exists() else None

    def write_result(self, result: dict[str, Any]) -> None:
        """Mark the run as finished, or as failed where there is an ``error``."""
        outcome = {"status": "failed" if "error" in result else "finished"} | result
        atomic_write(self.path / RESULT, f"{json.dumps(outcome, indent=2, allow_nan=False)}\n")

    def note_start(self, conditions: dict[str, Any], images: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Write config and names of images, and add to ``run.json`` what this start is made with.

        Conditions other than those of the start before join ``changes``, where there is a checkpoint to go on from.
        Returns what was added.

        Args:
            conditions: of this start, plain values by name.
            images: names by part of the split.

        Raises:
            ValueError: before anything is written, if one of ``FIXED_CONDITIONS`` is another without
                ``config.allow_changed_config``.
        """
        path = self.path / "run.json"
        starts = json.loads(path.read_text()) if path.exists() else []
        start = {"seed": self.config["seed"], **conditions, **provenance()}
        is_continued = bool(starts) and start["images_seen"] > 0
        others = changed_conditions(starts[-1], start) if is_continued else {}
        for key in others:
            if key.startswith("images."):
                part = key.removeprefix("images.")
                others[key] = f"{CONDITIONS[key]}: {difference(self.path, part, images[part]) or 'other files'}"
        fixed = [line for key, line in others.items() if key in FIXED_CONDITIONS]
        if fixed and not self.config["allow_changed_config"]:
            raise ValueError(
                f"{self.path} was started with other conditions ({_some(fixed)}); choose another name=..., or continue "
                "with them by allow_changed_config=true"
            )
        if self.changes or not (self.path / CONFIG).exists():
            atomic_write(self.path / CONFIG, OmegaConf.to_yaml(OmegaConf.create(self.config)))
        if not is_continued or any(key.startswith("images.") for key in others):
            write_names(self.path, images)
        if "error" in (self.result() or {}):
            (self.path / RESULT).unlink()
        self.changes += others.values()
        starts.append(start | {"changes": self.changes})
        atomic_write(path, f"{json.dumps(starts, indent=2)}\n")
        return dict(starts[-1])


def _some(lines: Sequence[str]) -> str:
    return "; ".join(lines[:3]) + ("; ..." if len(lines) > 3 else "")
