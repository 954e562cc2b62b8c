"""The folder of an evaluation: one command, one folder; the same command again goes on, and nothing is overwritten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ..runs.atomic_write import atomic_write
from ..runs.provenance import flatten_config

MAY_CHANGE = ("folder", "name", "batch", "num_workers", "trainer.")


class EvaluationFolder:
    """Where an evaluation keeps its config, records, result and report.

    Args:
        config: composed; ``config.folder`` is the path, made if it is not there.
        weights: of each run that is judged, its name and the hash of its checkpoint: a run that has gone on since is
            another restorer.

    Raises:
        ValueError: if the folder holds something else, or another evaluation.
        OSError: if it cannot be written.
    """

    def __init__(self, config: DictConfig, weights: dict[str, str]) -> None:
        self.path = Path(config.folder)
        self.config: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        self.config["weights"] = weights
        self.path.mkdir(parents=True, exist_ok=True)
        if not os.access(self.path, os.W_OK):
            raise PermissionError(f"folder {self.path} is not writable")
        if self._config_path.exists():
            self._compare()
        elif any(self.path.iterdir()):
            raise ValueError(f"{self.path} is not empty and holds no evaluation; choose another name=...")

    def begin(self) -> None:
        """Write the config, by which the same command knows its folder again."""
        if not self._config_path.exists():
            atomic_write(self._config_path, OmegaConf.to_yaml(OmegaConf.create(self.config)).encode())

    @property
    def _config_path(self) -> Path:
        return self.path / "config.yaml"

    def _compare(self) -> None:
        stored, current = (
            flatten_config(OmegaConf.to_container(OmegaConf.load(self._config_path))),
            flatten_config(self.config),
        )
        changed = [
            f"{key}: {stored.get(key, 'absent')} there, {current.get(key, 'absent')} now"
            for key in sorted(stored.keys() | current.keys())
            if stored.get(key, "absent") != current.get(key, "absent") and not key.startswith(MAY_CHANGE)
        ]
        if changed:
            raise ValueError(
                f"{self.path} holds another evaluation ({'; '.join(changed[:3])}); choose another name=..."
            )
