"""Terms of the losses and validation scores to the loggers."""

from typing import Any

import pytorch_lightning as pl

from ..distributed import collectives
from ..lightning_module import SamplerModule


class LogTerms(pl.Callback):
    """Means of all unweighted terms every ``log_every_images`` images, and the scores of each validation.

    The step of every logger is the count of clean images seen. ``time/waiting_for_data`` is the share of the time in
    which rank 0 had no batch to work on.
    """

    def __init__(self) -> None:
        self._last = (0, 0.0, 0.0)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, SamplerModule)
        self._last = (module.images_seen, module.gan_step.progress.seconds, module.seconds_waited)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        assert isinstance(module, SamplerModule)
        times = module.gan_step.progress
        if module.images_seen % module.log_every_images:
            return
        images, seconds, waited = self._last
        module.gan_step.gather()
        values = module.gan_step.means.pop() | module.gan_step.adapted_weights()
        values["learning_rate_factor"] = module.gan_step.schedule(module.images_seen)
        passed = max(times.seconds - seconds, 1e-9)
        values["time/images_per_second"] = (times.images_seen - images) / passed
        values["time/waiting_for_data"] = (module.seconds_waited - waited) / passed
        for name in ("generator_steps", "nonfinite_steps", "skipped_images"):
            values[name] = getattr(times, name)
        self._last = (times.images_seen, times.seconds, module.seconds_waited)
        self._log(trainer, module, values)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, SamplerModule)
        self._log(trainer, module, {f"validation/{name}": value for name, value in module.scores.items()})

    def _log(self, trainer: pl.Trainer, module: SamplerModule, values: dict[str, float]) -> None:
        for logger in trainer.loggers if collectives.rank() == 0 else ():
            logger.log_metrics(values, step=module.images_seen)
