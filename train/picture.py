"""A labelled picture of what a sampler does: y, samples, mean, spread, x, a row for each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from kornia.color import ApplyColorMap, ColorMap
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

MARGIN, CAPTION = 4, 20  # pixels
BACKGROUND, INK = "white", "black"


class Row(NamedTuple):
    """What is shown of one image: all (C, H, W) in [0, 1] but the samples, (K, C, H, W)."""

    degraded: Tensor
    samples_KCHW: Tensor
    clean: Tensor


def draw_picture(rows: Sequence[Row], num_samples: int, size: int) -> Image.Image:
    """One panel for y, ``num_samples`` of the K samples, their mean, their standard deviation, and x.

    Panels are the central ``size`` x ``size`` pixels, as they are; values are clamped for display only. The standard
    deviation is that of all K samples, root mean square over colours, on a linear scale common to all rows that ends
    at its largest value; the bar below spells it out on the 0..255 scale of the image.
    """
    k = min(num_samples, len(rows[0].samples_KCHW))
    stds = [_spread(centre(row.samples_KCHW, size)) for row in rows]
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
    return _lay_out(titles, [[_to_image(centre(p, size)) for p in row] for row in panels], size, largest)


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


def _spread(samples_KCHW: Tensor) -> Tensor:
    """Standard deviation over K, RMS over colours, (1, H, W); 0 for a single sample."""
    if len(samples_KCHW) < 2:
        return torch.zeros_like(samples_KCHW[0, :1])
    return samples_KCHW.var(dim=0).mean(dim=0, keepdim=True).sqrt()


def _heat(share_1HW: Tensor) -> Tensor:
    """(1, H, W) in [0, 1] to colours (3, H, W)."""
    colours: Tensor = ApplyColorMap(ColorMap("viridis"))(share_1HW[None])
    return colours[0]


def centre(image: Tensor, size: int) -> Tensor:
    """The central pixels; an image smaller than ``size`` is shown whole."""
    height, width = image.shape[-2:]
    top, left = max(0, (height - size) // 2), max(0, (width - size) // 2)
    return image[..., top : top + size, left : left + size]


def _to_image(image_CHW: Tensor) -> Image.Image:
    values = (image_CHW.clamp(0, 1) * 255).round().byte().cpu()
    return Image.fromarray(values.expand(3, -1, -1).permute(1, 2, 0).numpy())
