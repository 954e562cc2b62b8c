"""JPEG from pictures to quantised coefficients and back, bit for bit as libjpeg(-turbo) does it by default.

All arithmetic is on whole numbers held in float64. Equal to Pillow at qualities 1 to 100, 4:4:4, 4:2:2, 4:2:0, grey,
any size. The DCT is libjpeg's "islow" (after Loeffler, Ligtenberg and Moschytz 1989): its butterflies of 13-bit
constants compute, before each rounding, a sum of whole numbers times whole numbers, the matrix below. Sums of whole
numbers under 2^53 are exact in float64 in any order, and float64 is left alone by autocast and by reduced-precision
matrix units; so two matrix products and two floors give libjpeg's bits on any device. Colours are those of ITU-R
BT.601, full range, in libjpeg's 16-bit fixed point.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from .coefficients import BLOCK, JpegCoefficients, Sampling, blocks
from .quantisation import quantise

PIXELS_AT_ONCE = 2**17
"""On a CPU: what stays in its cache, and in the hands of its allocator, is twice as fast."""


def dct_coefficients(picture: Tensor, sampling: Sampling) -> list[Tensor]:
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
    ycc = to_ycc(extend(picture, even, wide))
    luma, blue_red = ycc[:, :1, :height, :width], shrink_chroma(ycc[:, 1:], sampling)
    chroma_height = even // sampling.vertical
    planes = _transform(blue_red.flatten(0, 1)[:, None], chroma_height, wide // sampling.horizontal)
    blue, red = planes.view(len(picture), 2, *planes.shape[1:]).unbind(1)
    return [_transform(luma, height, width), blue, red]


def _transform(plane: Tensor, height: int, width: int) -> Tensor:
    """Coefficients (B, 8 rows, 8 columns) of (B, 1, height, width), whose last row and column fill up the blocks."""
    whole = extend(plane, blocks(height) * BLOCK, blocks(width) * BLOCK)
    return forward_dct(whole[:, 0] - 128)


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
        for component, plane in enumerate(dct_coefficients(picture, sampling))
    ]


def decode(coefficients: JpegCoefficients) -> Tensor:
    """What libjpeg shows, (B, C, H, W) uint8, C being 1 or 3."""
    planes = [
        inverse_dct(dequantise(levels.double(), coefficients.tables[:, component])).add_(128).clamp_(0, 255)
        for component, levels in enumerate(coefficients.levels)
    ]
    height, width, sampling = coefficients.height, coefficients.width, coefficients.sampling
    luma = planes[0][:, None, :height, :width]
    if len(planes) == 1:
        return luma.to(torch.uint8)
    chroma_height, chroma_width = -(-height // sampling.vertical), -(-width // sampling.horizontal)
    blue_red = torch.stack(planes[1:], dim=1)[..., :chroma_height, :chroma_width]
    ycc = torch.cat([luma, enlarge_chroma(blue_red, sampling)[..., :height, :width]], dim=1)
    return to_rgb(ycc).to(torch.uint8)


# rows: frequencies 0 to 7; 2^13 sqrt(8) times the orthonormal transform, rounded as the butterflies round
MATRIX = (
    (8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363),
    (10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703),
    (9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633),
    (8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437),
    (4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433),
    (2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260),
)
AFTER_FIRST, AFTER_BOTH = 2.0**-11, 2.0**-15  # bits dropped: 2 of the 13 are kept between the passes
INVERSE_AFTER_BOTH = 2.0**-18  # and 3 more for the scale of 8


@cache
def _matrix(device: torch.device, scale: float) -> Tensor:
    return torch.tensor(MATRIX, dtype=torch.float64, device=device) * scale


def forward_dct(plane: Tensor) -> Tensor:
    """Integer coefficients, 8 times the orthonormal ones, of whole numbers -128..127; (..., 8 rows, 8 columns)."""
    along_rows = _rows(plane, _matrix(plane.device, AFTER_FIRST))
    return _columns(along_rows, _matrix(plane.device, AFTER_BOTH))


def inverse_dct(coefficients: Tensor) -> Tensor:
    """Whole numbers, neither shifted nor clipped, of dequantised integer coefficients; (..., 8 rows, 8 columns)."""
    along_columns = _columns(coefficients, _matrix(coefficients.device, AFTER_FIRST).T)
    return _rows(along_columns, _matrix(coefficients.device, INVERSE_AFTER_BOTH).T)


def _rows(plane: Tensor, matrix: Tensor) -> Tensor:
    """The product with every 8 neighbours of a row, rounded half up."""
    return (plane.reshape(-1, BLOCK) @ matrix.T).add_(0.5).floor_().view(plane.shape)


def _columns(plane: Tensor, matrix: Tensor) -> Tensor:
    """The same along columns."""
    blocks = plane.reshape(-1, BLOCK, plane.shape[-1])
    return (matrix @ blocks).add_(0.5).floor_().view(plane.shape)


BITS = 2.0**-16
TO_YCC = (
    (19595, 38470, 7471),
    (-11059, -21709, 32768),
    (32768, -27439, -5329),
)
TO_YCC_OFFSET = (2**15, 128 * 2**16 + 2**15 - 1, 128 * 2**16 + 2**15 - 1)  # chroma rounds half a level down
CR_TO_RED, CB_TO_BLUE, CB_TO_GREEN, CR_TO_GREEN = 91881, 116130, -22554, -46802


def to_ycc(rgb: Tensor) -> Tensor:
    """Whole numbers 0..255 to whole numbers 0..255, both (B, 3, H, W) float64."""
    matrix, offset = (torch.tensor(v, dtype=rgb.dtype, device=rgb.device) * BITS for v in (TO_YCC, TO_YCC_OFFSET))
    return torch.bmm(matrix.expand(len(rgb), 3, 3), rgb.flatten(2)).add_(offset[:, None]).floor_().view_as(rgb)


def to_rgb(ycc: Tensor) -> Tensor:
    """The way back, clipped to 0..255."""
    luma, blue, red = ycc.unbind(dim=1)
    blue, red = blue - 128, red - 128
    rgb = torch.empty_like(ycc)
    torch.mul(red, CR_TO_RED * BITS, out=rgb[:, 0])
    torch.add(blue.mul(CB_TO_GREEN * BITS), red, alpha=CR_TO_GREEN * BITS, out=rgb[:, 1])
    torch.mul(blue, CB_TO_BLUE * BITS, out=rgb[:, 2])
    return rgb.add_(0.5).floor_().add_(luma[:, None]).clamp_(0, 255)


def difference_to_rgb(ycc: Tensor) -> Tensor:
    """The linear part of ``to_rgb``: what a difference of luma and chroma is in RGB, neither rounded nor clipped."""
    luma, blue, red = ycc.unbind(dim=1)
    green = CB_TO_GREEN * BITS * blue + CR_TO_GREEN * BITS * red
    return torch.stack([CR_TO_RED * BITS * red, green, CB_TO_BLUE * BITS * blue], dim=1) + luma[:, None]


SHORTEST_SMOOTHED = 3  # narrower chroma is repeated, not interpolated


def shrink_chroma(plane: Tensor, sampling: Sampling) -> Tensor:
    """Means of neighbours, (B, C, H, W) to (B, C, H / vertical, W / horizontal), of whole numbers.

    A half is rounded down in even columns and up in odd ones, which leaves no bias.
    """
    if sampling.horizontal == 1:
        return plane
    total = plane[..., 0::2] + plane[..., 1::2]
    bias = torch.arange(total.shape[-1], device=plane.device) % 2
    if sampling.vertical == 2:
        total, bias = total[..., 0::2, :] + total[..., 1::2, :], bias + 1
    return total.add_(bias).mul_(1 / (2 * sampling.vertical)).floor_()


def enlarge_chroma(plane: Tensor, sampling: Sampling) -> Tensor:
    """The "fancy" triangle filter, (B, C, h, w) to (B, C, vertical h, horizontal w), of whole numbers."""
    if sampling.horizontal == 1:
        return plane
    if plane.shape[-1] < SHORTEST_SMOOTHED:
        return plane.repeat_interleave(sampling.vertical, dim=2).repeat_interleave(sampling.horizontal, dim=3)
    if sampling.vertical == 1:
        return _double(plane, before=1, after=2, divisor=4)
    rows = _double(plane.mT, before=0, after=0, divisor=1).mT
    return _double(rows, before=8, after=7, divisor=16)


def _double(plane: Tensor, before: int, after: int, divisor: int) -> Tensor:
    """Twice as wide: of each pixel, three times itself plus its neighbour before, and plus that after."""
    padded = F.pad(plane, (1, 1, 0, 0), mode="replicate")
    wide = plane.new_empty(*plane.shape, 2)
    for side, (neighbour, offset) in enumerate(((padded[..., :-2], before), (padded[..., 2:], after))):
        torch.add(neighbour, plane, alpha=3, out=wide[..., side]).add_(offset)
    return wide.flatten(-2) if divisor == 1 else wide.flatten(-2).div_(divisor).floor_()
