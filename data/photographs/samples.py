"""From an opened file to colours and alpha, 8 or 16 bits a sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .deep import deep_samples, is_deep_colour, raw_mode
from .photograph import Samples
from .tiff import is_white_zero

_EIGHT_BITS = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBX": "RGB", "RGBA": "RGBA",
    "RGBa": "RGBA", "CMYK": "RGB", "YCbCr": "RGB",
}  # fmt: skip
_KEY_SCALES = {"L;2": 85, "L;4": 17}
"""Grey of few bits is spread over 0..255, but not the value that stands for transparent."""


class Decoded(NamedTuple):
    """As ``Photograph`` has them, not yet turned.

    Attributes:
        colours: (H, W, C).
        alpha: (H, W), or None.
        image: loaded, for its metadata.
    """

    colours: Samples
    alpha: Samples | None
    image: Image.Image


def decoded(image: Image.Image, data: bytes) -> Decoded:
    """The samples of an opened file whose kind has been judged.

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
    return Decoded(colours, alpha, image)


def mode_refusal(image: Image.Image) -> str | None:
    """Why an image of Pillow's mode is not read, with what is allowed; None if it is."""
    if image.mode in _EIGHT_BITS or _is_deep_grey(image):
        return None
    return f"its pixels are of mode {image.mode}; allowed are {', '.join(_EIGHT_BITS)}, and grey of 16 bits"


def _is_deep_grey(image: Image.Image) -> bool:
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def _samples(image: Image.Image) -> Samples:
    """(H, W, samples), of a loaded image."""
    if _is_deep_grey(image):
        grey: NDArray[np.uint16] = np.asarray(image).astype(np.uint16)
        return (np.invert(grey) if is_white_zero(image) else grey)[..., None]
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
