"""From an opened file to colours and alpha, 8 or 16 bits a sample."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from torch import Tensor

from .hidden_colours import fill_hidden

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
ORIENTATION = 0x0112
Samples = NDArray[np.uint8 | np.uint16]
"""All of one type."""

_UPRIGHT: dict[int, Callable[[Samples], Samples]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: lambda p: np.rot90(p),
}

_EIGHT_BITS = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBX": "RGB", "RGBA": "RGBA",
    "RGBa": "RGBA", "CMYK": "RGB", "YCbCr": "RGB",
}  # fmt: skip
BITS, PHOTOMETRIC, SAMPLES, PLANES, FORMAT = 258, 262, 277, 284, 339  # TIFF tags
UNSIGNED, SEPARATE, WHITE_IS_ZERO = 1, 2, 0  # and their values
_TIFF_COLOURS = {WHITE_IS_ZERO: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}
"""Of each photometric interpretation: grey, grey, RGB, palette, CMYK, YCbCr."""
_TIFF_ALLOWED = (
    "only read are grey, RGB, palette, CMYK, YCbCr of 1 to 8 or 16 bits without sign; alpha, but with grey of 16 bits"
)
_KEY_SCALES = {"L;2": 85, "L;4": 17}
"""Grey of few bits is spread over 0..255, but not the value that stands for transparent."""


@dataclass(frozen=True)
class DecodedImage:
    """One picture, as a viewer shows it.

    Attributes:
        pixels: (H, W, C) uint8 or uint16; C is 3 for colour, 1 for grey, however the file says it. Where alpha is 0
            they continue what is visible.
        alpha: (H, W) of the same type, not multiplied into the pixels; None if the file has none.
        exif: as Pillow takes it, without orientation; empty if there is none.
        icc_profile: what the pixels mean; None for sRGB.
        format: of the file: PNG, JPEG, WEBP or TIFF.
        notes: what was changed or left out on reading, a sentence each, to be read behind the file's name.
        file_channels: 3 where the file has colour, or says grey by three colours; 1 where it has grey.
        hidden: (H, W, ``file_channels``), as the file has them where alpha is 0; None where it is not.
        colour_chunks: of a PNG, as they lie there: what its pixels mean besides the profile.
        tables: quantisation steps of luma and chroma, (8, 8) each, as the pixels lie; of a JPEG in grey or YCbCr.
    """

    pixels: Samples
    alpha: Samples | None
    exif: bytes
    icc_profile: bytes | None
    format: str
    notes: tuple[str, ...] = ()
    file_channels: int = 3
    hidden: Samples | None = None
    colour_chunks: bytes = b""
    tables: tuple[NDArray[np.float64], ...] = ()

    @property
    def largest(self) -> int:
        """The value of white: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)

    @property
    def visible(self) -> NDArray[np.bool_] | None:
        """(H, W), where alpha is not 0; None where all is."""
        return None if self.hidden is None or self.alpha is None else self.alpha > 0

    def window(self, top: int, left: int, height: int, width: int) -> Tensor:
        """A part as (C, height, width) float32 in [0, 1], the only part that is turned into floats.

        Raises:
            ValueError: if the window is empty or leaves the picture.
        """
        H, W, _ = self.pixels.shape
        if not (0 <= top < top + height <= H and 0 <= left < left + width <= W):
            raise ValueError(f"window must lie in the {H}x{W} pixels, got {height}x{width} at {top}, {left}")
        part = self.pixels[top : top + height, left : left + width].transpose(2, 0, 1).astype(np.float32, order="C")
        return torch.from_numpy(part / np.float32(self.largest))


class Decoded(NamedTuple):
    """The samples of a file, as ``DecodedImage`` has them, but that C is ``file_channels``."""

    colours: Samples
    alpha: Samples | None
    hidden: Samples | None
    image: Image.Image
    """Loaded, for its metadata."""


def decoded(image: Image.Image, data: bytes) -> Decoded:
    """The samples of an opened file whose kind has been checked, upright by its EXIF orientation.

    Raises:
        Exception: of any type, if it is damaged.
    """
    raw = raw_mode(image)
    samples: Samples
    if is_deep_colour(image):
        samples, image = deep_samples(data)
    else:
        image.load()
        samples = _samples(image)
    count = samples.shape[2]
    colours, alpha = samples[..., : 3 if count > 2 else 1], None
    if count in (2, 4) and "X" not in raw:
        alpha = samples[..., -1]
        if raw.startswith("RGBa;16"):
            colours = _divided(colours, alpha)
    elif image.mode != "P" and image.info.get("transparency") is not None:
        alpha = _unlike(colours, np.multiply(image.info["transparency"], _KEY_SCALES.get(raw, 1)))
    turned = orientation(image)
    colours, alpha = _upright(colours, turned), None if alpha is None else _upright(alpha, turned)
    if alpha is None or alpha.all():
        return Decoded(colours, alpha, None, image)
    if not alpha.any():
        raise ValueError("nothing of it is visible: all of it is transparent")
    return Decoded(fill_hidden(colours, alpha > 0), alpha, colours, image)


def orientation(image: Image.Image) -> int:
    """1 to 8, of a loaded image; 1 where it is none of these, or cannot be read."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # of many types on damaged bytes
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(samples: Samples, turned: int) -> Samples:
    return np.ascontiguousarray(_UPRIGHT[turned](samples) if turned in _UPRIGHT else samples)


def require_kind(image: Image.Image) -> None:
    """Refuse an opened file whose samples are not read.

    Raises:
        ValueError: saying what they are and what is read.
    """
    if image.mode not in _EIGHT_BITS and not _is_deep_grey(image):
        raise ValueError(f"its mode must be {', '.join(_EIGHT_BITS)} or grey of 16 bits, got mode {image.mode}")
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    bits, samples, formats, planes = (image.tag_v2.get(tag, 1) for tag in (BITS, SAMPLES, FORMAT, PLANES))
    bits, formats = ({*value} if isinstance(value, tuple) else {value} for value in (bits, formats))
    colours = _TIFF_COLOURS.get(image.tag_v2.get(PHOTOMETRIC, 0), 0)
    if formats != {UNSIGNED} or not (bits <= {1, 2, 4, 8} or bits == {16}) or samples > colours + 1:
        raise ValueError(f"it is a TIFF with {samples} samples of {bits} bits, format {formats}; {_TIFF_ALLOWED}")
    if samples > 1 and bits == {16} and planes == SEPARATE:
        raise ValueError("its samples of 16 bits lie in separate planes")


def _is_deep_grey(image: Image.Image) -> bool:
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def _is_white_zero(image: Image.Image) -> bool:
    """Whether its grey counts down from white, which Pillow does not turn round at 16 bits."""
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(PHOTOMETRIC, 0) == WHITE_IS_ZERO


def _samples(image: Image.Image) -> Samples:
    """(H, W, samples), of a loaded image."""
    if _is_deep_grey(image):
        grey: NDArray[np.uint16] = np.asarray(image).astype(np.uint16)
        return (np.invert(grey) if _is_white_zero(image) else grey)[..., None]
    mode = "RGBA" if image.mode == "P" and "transparency" in image.info else _EIGHT_BITS[image.mode]
    samples = np.asarray(image if image.mode == mode else image.convert(mode))
    return samples[..., None] if samples.ndim == 2 else samples


def _divided(colours: Samples, alpha: Samples) -> Samples:
    """Of 16 bits, by the alpha they were multiplied with."""
    by = np.maximum(alpha, 1).astype(np.uint32)[..., None]
    divided = (colours * np.uint32(65535) + by // 2) // by
    whole: Samples = np.minimum(divided, 65535).astype(np.uint16)
    return whole


def _unlike(colours: Samples, key: NDArray[np.int_]) -> Samples:
    """Opaque where the colour is not the one that stands for transparent."""
    opaque = np.iinfo(colours.dtype).max
    alpha: Samples = np.where((colours != key).any(axis=-1), opaque, 0).astype(colours.dtype)
    return alpha


_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
GREY_ALPHA = "LA;16B"


def raw_mode(image: Image.Image) -> str:
    """How the samples lie in the file, in Pillow's words; empty if it does not say."""
    tiles = getattr(image, "tile", [])
    arguments = tiles[0].args if tiles else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def is_deep_colour(image: Image.Image) -> bool:
    """Whether it has several samples of 16 bits a pixel, of which loading would lose the lower half."""
    kind, _, depth = raw_mode(image).partition(";")
    return depth[:2] == "16" and kind in ("RGB", "RGBX", "RGBA", "RGBa", "LA")


def deep_samples(data: bytes) -> tuple[NDArray[np.uint16], Image.Image]:
    """All samples of such a file, (H, W, samples) as Pillow turns them: TIFF upright, others as stored.

    Colours that are multiplied by alpha stay so.

    Returns:
        The samples, and a loaded image for its metadata.
    """
    stored = raw_mode(Image.open(io.BytesIO(data), formats=FORMATS))
    if stored == GREY_ALPHA:  # four bytes a pixel: as if they were four samples
        image = _loaded(data, "RGBA")
        halves = np.asarray(image)
        return (halves[..., 0::2].astype(np.uint16) << 8) | halves[..., 1::2], image
    upper = stored.replace("RGBa", "RGBA")
    samples = np.asarray(_loaded(data, upper)).astype(np.uint16)
    samples <<= 8
    image = _loaded(data, upper[:-1] + _OTHER_ORDER[upper[-1]])
    samples |= np.asarray(image)
    return samples, image


def _loaded(data: bytes, mode: str) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    image.tile = [tile._replace(args=_with_mode(tile.args, mode)) for tile in image.tile]
    image.load()
    return image


def _with_mode(arguments: tuple[object, ...] | str | None, mode: str) -> tuple[object, ...] | str:
    return (mode, *arguments[1:]) if isinstance(arguments, tuple) else mode
