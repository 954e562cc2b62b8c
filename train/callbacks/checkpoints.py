"""Checkpoints on the clock of the run, and on the wish of the user."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from .. import checkpoint
from ..run_folder import RunFolder
from ..training import Training

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """The user or the system asked for an end; the run can be continued."""

    def __init__(self, number: int, images_seen: int) -> None:
        super().__init__(f"{signal.Signals(number).name} after {images_seen} images")
        self.exit_code = 128 + number


class Checkpoints(pl.Callback):
    """Writes ``last.ckpt`` every ``checkpoint_every_images`` and after each validation, ``best.ckpt`` by CRPS.

    The continuous ranked probability score of the samples is a proper score: the true posterior, not the sharpest or
    the most averaged picture, has the lowest. Where a validation is due, nothing is written before it: a run that is
    continued must not leave it out. Ctrl-C and SIGTERM write ``last.ckpt`` at the end of the batch or validation in
    progress; a second one ends at once.
    """

    def __init__(self, folder: RunFolder, best_crps: float = float("inf")) -> None:
        self.folder, self.best_crps = folder, best_crps
        self._received: int | None = None
        self._handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Listen to signals."""
        self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Leave signals to whom they belonged; at ``teardown`` Lightning has withdrawn its own handlers already."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        """The same where training does not come to its end."""
        self.on_train_end(trainer, module)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        """Between validations."""
        assert isinstance(module, Training)
        if module.validation_is_due():
            return
        if self._received is not None or module.images_seen % module.checkpoint_every_images == 0:
            self._save(module)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """After each validation."""
        assert isinstance(module, Training)
        if module.scores["crps"] < self.best_crps:
            self.best_crps = module.scores["crps"]
            self._write(self.folder.best, module)
        self._save(module)

    def _save(self, module: Training) -> None:
        self._write(self.folder.last, module)
        if self._received is not None and module.images_seen < module.images:
            raise Interrupted(self._received, module.images_seen)

    def _write(self, path: Path, module: Training) -> None:
        checkpoint.save(path, module.game, self.folder.config, module.scores, self.best_crps)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._received is not None:
            raise KeyboardInterrupt
        self._received = number
