"""Progress of a run in the terminal."""

from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..distributed import collectives
from ..lightning_module import SamplerModule
from ..metrics.calibration import in_words


class ProgressBar(pl.Callback):
    """Images seen, images a second, time left; a line of scores after each validation.

    Of several ranks only the first prints. Without a terminal a line every ``log_every_images`` takes the bar's place.
    """

    def __init__(self) -> None:
        self.console = Console(highlight=False, quiet=collectives.rank() > 0)
        self.bar = Progress(
            TextColumn("{task.completed:,} / {task.total:,} images"),
            BarColumn(),
            TextColumn("{task.fields[speed]:.0f} images/s"),
            TimeRemainingColumn(),
            console=self.console,
            disable=collectives.rank() > 0 or not self.console.is_terminal,
        )

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, SamplerModule)
        self.bar.start()
        self.task = self.bar.add_task("", total=module.images, completed=module.images_seen, speed=0.0)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        assert isinstance(module, SamplerModule)
        speed = module.images_seen / max(module.gan_step.progress.seconds, 1e-9)
        self.bar.update(self.task, completed=module.images_seen, speed=speed)
        if not (self.console.is_terminal or module.images_seen % module.log_every_images):
            left = timedelta(seconds=round((module.images - module.images_seen) / speed))
            self.console.print(f"{module.images_seen:>9,} images | {speed:.0f} images/s, {left} left", soft_wrap=True)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, SamplerModule)
        scores, times = module.scores, module.gan_step.progress
        line = f"{times.images_seen:>9,} images {times.seconds:6.0f} s | PSNR y {scores['psnr_degraded']:.2f}"
        line += f"  sample {scores['psnr_sample']:.2f}"
        k = module.evaluation.samples_per_image
        if k > 1:
            line += f"  mean of {k} {scores['psnr_mean']:.2f} dB | gain {scores['gain_db']:.2f}"
            line += f" (exact {scores['gain_db_exact']:.2f})  {in_words(scores)}"
        self.console.print(f"{line} | CRPS {255 * scores['crps']:.2f}/255", soft_wrap=True)

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        self.bar.stop()

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        self.bar.stop()  # teardown is called only after a fit that succeeds
