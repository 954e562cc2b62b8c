"""A picture of the samples at each validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from PIL import Image
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

from ...bounds import require_at_least
from ..picture import Row, draw_picture
from ..training import Training


class Pictures(pl.Callback):
    """Writes ``pictures/IMAGES_SEEN.png`` and gives it to loggers that show pictures.

    Args:
        folder: of the run.
        images: held-out images shown, a row each.
        samples: samples shown of each.
        size: side of the central part shown, in pixels.
    """

    def __init__(self, folder: str, images: int = 3, samples: int = 4, size: int = 192) -> None:
        require_at_least(1, images=images, samples=samples, size=size)
        self.folder = Path(folder) / "pictures"
        self.images, self.samples, self.size = images, samples, size
        self._rows: list[Row] = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the first images."""
        wanted = self.images - len(self._rows)
        degraded, samples, clean = (outputs[name].cpu() for name in ("degraded", "samples_KBCHW", "clean"))
        self._rows += [Row(degraded[b], samples[:, b], clean[b]) for b in range(min(wanted, len(clean)))]

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Draw, write, show."""
        assert isinstance(module, Training)
        rows, self._rows = self._rows, []
        picture = draw_picture(rows, self.samples, self.size)
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{module.images_seen:09d}.png"
        part = path.with_suffix(".part")
        picture.save(part, format="PNG")
        part.replace(path)
        for logger in trainer.loggers:
            _show(logger, picture, module.images_seen)


def _show(logger: Any, picture: Image.Image, images_seen: int) -> None:
    if isinstance(logger, WandbLogger):
        logger.log_image("validation/samples", [picture], step=images_seen)
    elif isinstance(logger, TensorBoardLogger):
        import numpy as np

        logger.experiment.add_image("validation/samples", np.asarray(picture), images_seen, dataformats="HWC")
