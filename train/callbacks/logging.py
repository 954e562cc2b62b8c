"""The config, terms of the losses and validation scores to the loggers."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger
from torch import Tensor

from ..distributed import collectives
from ..lightning_module import SamplerModule
from ..metrics.decibels import psnr
from ..runs.csv_logger import CSVLogger


def start_loggers(loggers: Iterable[Logger], config: dict[str, Any], images_seen: int) -> None:
    """Give each the config; what a resumed run has logged after its checkpoint goes, where a logger can take it back.

    Raises:
        ValueError: if a logger cannot start.
    """
    for logger in loggers:
        if isinstance(logger, CSVLogger):
            logger.rewind(images_seen)
        if isinstance(logger, TensorBoardLogger):
            logger._kwargs["purge_step"] = images_seen + 1
        logger.log_hyperparams(config)


class LogTerms(pl.Callback):
    """Means of all unweighted terms every ``log_every_images`` images, and the scores of each validation.

    The step of every logger is the count of clean images seen. ``time/waiting_for_data`` is the share of the time in
    which rank 0 had no batch to work on. wandb also gets a table of the PSNRs of each held-out image, TensorBoard the
    scores as metrics of its hparams.
    """

    def __init__(self) -> None:
        self._last = (0, 0.0, 0.0)
        self._psnrs: list[tuple[float, ...]] = []

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

    def on_validation_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, *args: Any
    ) -> None:
        if outputs is not None and any(isinstance(logger, WandbLogger) for logger in trainer.loggers):
            self._psnrs += _psnrs(**outputs)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, SamplerModule)
        scores = {f"validation/{name}": value for name, value in module.scores.items()}
        shares, self._psnrs = collectives.all_gather(self._psnrs), []
        for logger in trainer.loggers if collectives.rank() == 0 else ():
            if isinstance(logger, TensorBoardLogger):
                logger.log_hyperparams(dict(logger.hparams), scores, step=module.images_seen)
                continue
            logger.log_metrics(scores, step=module.images_seen)
            if isinstance(logger, WandbLogger):
                rows = [list(row) for row in sorted(chain.from_iterable(shares))]
                logger.log_table("validation/images", PSNR_COLUMNS, rows, step=module.images_seen)

    def _log(self, trainer: pl.Trainer, module: SamplerModule, values: dict[str, float]) -> None:
        for logger in trainer.loggers if collectives.rank() == 0 else ():
            logger.log_metrics(values, step=module.images_seen)


PSNR_COLUMNS = ["image", "psnr_degraded", "psnr_sample", "psnr_mean"]


def _psnrs(degraded: Tensor, samples_KBCHW: Tensor, clean: Tensor, number: Tensor) -> list[tuple[float, ...]]:
    """Of each image of a batch, as ``PSNR_COLUMNS``; that of a sample is a mean over the K."""

    def errors(images: Tensor) -> Tensor:
        return (images - clean).square().mean(dim=(-3, -2, -1))

    samples = errors(samples_KBCHW)
    columns = zip(number.tolist(), errors(degraded), samples.unbind(1), errors(samples_KBCHW.mean(dim=0)), strict=True)
    return [(i, psnr(y), sum(map(psnr, each)) / len(each), psnr(mean)) for i, y, each, mean in columns]
