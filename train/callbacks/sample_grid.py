"""A picture of the samples at each validation."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from PIL import Image, ImageDraw, ImageFont
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from ...checks import require_at_least
from ...data.crops import center_crop
from ..distributed import collectives
from ..lightning_module import SamplerModule
from ..runs.atomic_write import atomic_write


class SampleGrid(pl.Callback):
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
                self._rows[number] = Row(*(center_crop(panel, self.size).cpu() for panel in panels))

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Draw, write, show."""
        assert isinstance(module, SamplerModule)
        shares, self._rows = collectives.all_gather(self._rows), {}
        if collectives.rank():
            return
        rows = dict(chain.from_iterable(share.items() for share in shares))
        picture = draw_sample_grid([rows[number] for number in sorted(rows)], self.samples, self.size)
        self.folder.mkdir(exist_ok=True)
        content = BytesIO()
        picture.save(content, format="PNG")
        atomic_write(self.folder / f"{module.images_seen:09d}.png", content.getvalue())
        for logger in trainer.loggers:
            _show(logger, picture, module.images_seen)


def _show(logger: Any, picture: Image.Image, images_seen: int) -> None:
    if isinstance(logger, WandbLogger):
        logger.log_image("validation/samples", [picture], step=images_seen)
    elif isinstance(logger, TensorBoardLogger):
        import numpy as np

        logger.experiment.add_image("validation/samples", np.asarray(picture), images_seen, dataformats="HWC")


MARGIN, CAPTION = 4, 20  # pixels
BACKGROUND, INK = "white", "black"


class Row(NamedTuple):
    """What is shown of one image: all (C, H, W) in [0, 1] but the samples, (K, C, H, W)."""

    degraded: Tensor
    samples_KCHW: Tensor
    clean: Tensor


def draw_sample_grid(rows: Sequence[Row], num_samples: int, size: int) -> Image.Image:
    """One panel for y, ``num_samples`` of the K samples, their mean, their standard deviation, and x.

    Panels are the central ``size`` x ``size`` pixels, as they are; values are clamped for display only. The standard
    deviation is that of all K samples, root mean square over colours, on a linear scale common to all rows that ends
    at its largest value; the bar below spells it out on the 0..255 scale of the image.
    """
    k = min(num_samples, len(rows[0].samples_KCHW))
    stds = [samples_std(center_crop(row.samples_KCHW, size)) for row in rows]
    largest = max(float(std.max()) for std in stds) or 1.0
    titles = ["y", *(f"sample {i + 1}" for i in range(k)), f"mean of {len(rows[0].samples_KCHW)}", "std", "x"]
    panels = [
        [
            row.degraded,
            *row.samples_KCHW[:k],
            row.samples_KCHW.mean(dim=0),
            _heat(std / largest),
            row.clean,
        ]
        for row, std in zip(rows, stds, strict=True)
    ]
    return _lay_out(titles, [[_to_image(center_crop(p, size)) for p in row] for row in panels], size, largest)


def _lay_out(titles: Sequence[str], panels: list[list[Image.Image]], size: int, largest: float) -> Image.Image:
    pitch = size + MARGIN
    sheet = Image.new("RGB", (len(titles) * pitch + MARGIN, len(panels) * pitch + 2 * CAPTION + MARGIN), BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, title in enumerate(titles):
        x = MARGIN + column * pitch
        draw.text((x, 2), title, INK, font)
        for row, images in enumerate(panels):
            sheet.paste(images[column], (x, CAPTION + row * pitch))
    x, y = MARGIN + titles.index("std") * pitch, CAPTION + len(panels) * pitch
    bar = _heat(torch.linspace(0, 1, size).expand(1, CAPTION - 6, size))
    sheet.paste(_to_image(bar), (x, y))
    draw.text((x + 3, y), "0", "white", font)
    label = f"{255 * largest:.0f}"
    draw.text((x + size - 3 - draw.textlength(label, font), y), label, INK, font)
    return sheet


def samples_std(samples_KCHW: Tensor) -> Tensor:
    """Standard deviation over K, RMS over colours, (1, H, W); 0 for a single sample."""
    if len(samples_KCHW) < 2:
        return torch.zeros_like(samples_KCHW[0, :1])
    return samples_KCHW.var(dim=0).mean(dim=0, keepdim=True).sqrt()


def _heat(share_1HW: Tensor) -> Tensor:
    """(1, H, W) in [0, 1] to colours (3, H, W)."""
    from kornia.color import ApplyColorMap, ColorMap  # takes half a second

    colours: Tensor = ApplyColorMap(ColorMap("viridis"))(share_1HW[None])
    return colours[0]


def _to_image(image_CHW: Tensor) -> Image.Image:
    values = (image_CHW.clamp(0, 1) * 255).round().byte().cpu()
    return Image.fromarray(values.expand(3, -1, -1).permute(1, 2, 0).numpy())
