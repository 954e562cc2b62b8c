"""A picture of the samples at each validation."""

from __future__ import annotations

from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from PIL import Image
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

from ...bounds import require_at_least
from .. import ranks
from ..picture import Row, centre, draw_picture
from ..training import Training
from ..whole_file import write_whole


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
        self._rows: dict[int, Row] = {}

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep this rank's share of the first images: of them, the part that is shown."""
        for b, number in enumerate([] if outputs is None else outputs["number"].tolist()):
            if number < self.images:
                panels = (outputs["degraded"][b], outputs["samples_KBCHW"][:, b], outputs["clean"][b])
                self._rows[number] = Row(*(centre(panel, self.size).cpu() for panel in panels))

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Draw, write, show."""
        assert isinstance(module, Training)
        shares, self._rows = ranks.each(self._rows), {}
        if ranks.rank():
            return
        rows = dict(chain.from_iterable(share.items() for share in shares))
        picture = draw_picture([rows[number] for number in sorted(rows)], self.samples, self.size)
        self.folder.mkdir(exist_ok=True)
        content = BytesIO()
        picture.save(content, format="PNG")
        write_whole(self.folder / f"{module.images_seen:09d}.png", content.getvalue())
        for logger in trainer.loggers:
            _show(logger, picture, module.images_seen)


def _show(logger: Any, picture: Image.Image, images_seen: int) -> None:
    if isinstance(logger, WandbLogger):
        logger.log_image("validation/samples", [picture], step=images_seen)
    elif isinstance(logger, TensorBoardLogger):
        import numpy as np

        logger.experiment.add_image("validation/samples", np.asarray(picture), images_seen, dataformats="HWC")
