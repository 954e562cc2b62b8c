"""Checkpoints by images seen, and on a signal."""

import signal
import time
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from ..distributed import collectives
from ..lightning_module import SamplerModule
from ..network_optimizer import NotFinite
from ..runs import checkpoint
from ..runs.cli_errors import SIGNALS, Interrupted
from ..runs.folder import RunFolder
from ..runs.naming import VALIDATION_KEYS
from ..runs.provenance import flatten_config


class Checkpointing(pl.Callback):
    """Writes ``last.ckpt`` every ``checkpoint_every_images`` and after each validation, ``best.ckpt`` by CRPS.

    The continuous ranked probability score of the samples is a proper score: the true posterior, not the sharpest or
    the most averaged picture, has the lowest. Where a validation is due, nothing is written before it: a run that is
    continued must not leave it out. Nor is anything written while steps have no finite gradient, but at the end. Ranks
    whose state differs, and weights or moments that are not finite, end the run before.

    Ctrl-C, SIGTERM and SIGUSR1 (SLURM's warning) on any rank write ``last.ckpt`` at the end of the batch or validation
    in progress on all of them; another one, a second later, ends at once. Within a second it is the same one: Ctrl-C
    reaches every process of a group, and the one that has started the ranks hands it on.
    """

    def __init__(self, folder: RunFolder, best_crps: float = float("inf")) -> None:
        self.folder, self.best_crps = folder, best_crps
        self._received, self._since = 0, 0.0
        self._handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        # not at teardown: Lightning has withdrawn its own handlers by then
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        self.on_train_end(trainer, module)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        assert isinstance(module, SamplerModule)
        if module.validation_is_due():
            return
        received = collectives.all_max(self._received)
        if received or module.images_seen % module.checkpoint_every_images == 0:
            self._save(module, received)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, SamplerModule)
        best = module.scores["crps"] < self.best_crps and not module.gan_step.progress.in_bad_stretch
        if best:
            self.best_crps = module.scores["crps"]
        self._save(module, collectives.all_max(self._received), best)

    def _save(self, module: SamplerModule, received: int, best: bool = False) -> None:
        """Write on rank 0 once all ranks hold the same finite state; end the run if a signal has come."""
        gan_step = module.gan_step
        gan_step.gather()
        state = checkpoint.state_of(gan_step)
        collectives.require_same_on_all_ranks(state, f"after {module.images_seen} images")
        if (name := checkpoint.first_not_finite(state)) is not None:
            raise NotFinite(f"{name} is not finite after {module.images_seen} images")
        if not gan_step.progress.in_bad_stretch or module.images_seen >= module.images:
            collectives.from_rank_zero(lambda: self._write(module, best))
        if received and module.images_seen < module.images:
            raise Interrupted(received, module.images_seen)

    def _write(self, module: SamplerModule, best: bool) -> None:
        for logger in module.loggers:
            logger.save()  # a run that goes on from here will not log this again
        paths = [self.folder.best, self.folder.last] if best else [self.folder.last]
        for path in paths:
            best_of = self.best_crps, measured_on(module, self.folder.config)
            checkpoint.save(path, module.gan_step, self.folder.config, module.scores, *best_of)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self._received:
            self._received, self._since = number, now
        elif now - self._since > 1:
            raise KeyboardInterrupt


def measured_on(module: SamplerModule, config: dict[str, Any]) -> str:
    """The images, and what of the config the scores depend on: where it is the same, they can be compared."""
    how = [item for item in flatten_config(config).items() if item[0].startswith(VALIDATION_KEYS)]
    return str((module.data.digests["validation"], how))
