"""From pictures to levels and back, bit for bit as libjpeg(-turbo) does it with its default, slow, settings.

All arithmetic is on whole numbers held in float64. Equal to Pillow at qualities 1 to 100, 4:4:4, 4:2:2, 4:2:0, grey,
any size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from . import chroma, colour, dct
from .coefficients import BLOCK, JpegCoefficients, Sampling, blocks
from .quantisation import quantise

PIXELS_AT_ONCE = 2**17
"""On a CPU: what stays in its cache, and in the hands of its allocator, is twice as fast."""


def coefficients(picture: Tensor, sampling: Sampling) -> list[Tensor]:
    """Unquantised integer DCT coefficients of (B, C, H, W) whole numbers 0..255, C being 1 or 3.

    Returns:
        By component (B, 8 rows, 8 columns) float64, laid out as ``JpegCoefficients.levels``, 8 times the
        orthonormal coefficients.
    """
    height, width = picture.shape[-2:]
    picture = picture.double()
    if picture.shape[1] == 1:
        return [_transform(picture, height, width)]
    wide = blocks(width, sampling.horizontal) * BLOCK * sampling.horizontal
    even = -(-height // sampling.vertical) * sampling.vertical
    ycc = colour.to_ycc(extend(picture, even, wide))
    luma, blue_red = ycc[:, :1, :height, :width], chroma.shrink(ycc[:, 1:], sampling)
    chroma_height = even // sampling.vertical
    planes = _transform(blue_red.flatten(0, 1)[:, None], chroma_height, wide // sampling.horizontal)
    blue, red = planes.view(len(picture), 2, *planes.shape[1:]).unbind(1)
    return [_transform(luma, height, width), blue, red]


def _transform(plane: Tensor, height: int, width: int) -> Tensor:
    """Coefficients (B, 8 rows, 8 columns) of (B, 1, height, width), whose last row and column fill up the blocks."""
    whole = extend(plane, blocks(height) * BLOCK, blocks(width) * BLOCK)
    return dct.forward(whole[:, 0] - 128)


def extend(picture: Tensor, height: int, width: int) -> Tensor:
    """Copies of the last row and column up to that size, as libjpeg fills up blocks."""
    below, right = height - picture.shape[-2], width - picture.shape[-1]
    return F.pad(picture, (0, right, 0, below), mode="replicate") if below or right else picture


def spread(table: Tensor, plane: Tensor) -> Tensor:
    """Steps of one component, (B, 8, 8), side by side: (B, 1, 8, 8 columns), which broadcasts to ``by_rows(plane)``."""
    return table.to(plane.dtype).repeat(1, 1, plane.shape[-1] // BLOCK)[:, None]


def by_rows(plane: Tensor) -> Tensor:
    """(B, 8 rows, 8 columns) as rows of blocks: (B, rows, 8, 8 columns)."""
    return plane.view(len(plane), -1, BLOCK, plane.shape[-1])


def dequantise(levels: Tensor, table: Tensor) -> Tensor:
    """Orthonormal coefficients at the centres of their cells, (B, 8 rows, 8 columns)."""
    return (by_rows(levels) * spread(table, levels)).flatten(1, 2)


def encode(picture: Tensor, tables: Tensor, sampling: Sampling) -> JpegCoefficients:
    """What libjpeg writes for (B, C, H, W) whole numbers 0..255 with tables (B, C, 8, 8)."""
    count = max(1, PIXELS_AT_ONCE // picture[0, 0].numel()) if picture.device.type == "cpu" else len(picture)
    parts = [
        _levels(*some, sampling) for some in zip(torch.split(picture, count), torch.split(tables, count), strict=True)
    ]
    return JpegCoefficients(
        [torch.cat(planes) for planes in zip(*parts, strict=True)], tables, sampling, *picture.shape[-2:]
    )


def _levels(picture: Tensor, tables: Tensor, sampling: Sampling) -> list[Tensor]:
    return [
        quantise(by_rows(plane), spread(tables[:, component], plane)).flatten(1, 2).to(torch.int16)
        for component, plane in enumerate(coefficients(picture, sampling))
    ]


def decode(coded: JpegCoefficients) -> Tensor:
    """What libjpeg shows, (B, C, H, W) uint8, C being 1 or 3."""
    planes = [
        dct.inverse(dequantise(levels.double(), coded.tables[:, component])).add_(128).clamp_(0, 255)
        for component, levels in enumerate(coded.levels)
    ]
    height, width, sampling = coded.height, coded.width, coded.sampling
    luma = planes[0][:, None, :height, :width]
    if len(planes) == 1:
        return luma.to(torch.uint8)
    chroma_height, chroma_width = -(-height // sampling.vertical), -(-width // sampling.horizontal)
    blue_red = torch.stack(planes[1:], dim=1)[..., :chroma_height, :chroma_width]
    ycc = torch.cat([luma, chroma.enlarge(blue_red, sampling)[..., :height, :width]], dim=1)
    return colour.to_rgb(ycc).to(torch.uint8)
