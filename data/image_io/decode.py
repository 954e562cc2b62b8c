"""From the bytes of an image file to 8-bit pixels."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError

from .pixels import FORMATS, decoded, orientation, require_kind

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what it finds wrong is raised, not printed
TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class UnusableImage(ValueError):
    """An image file that cannot be used.

    Attributes:
        reason: what is wrong with it.
        path: of the file; None where only its bytes are known.
    """

    def __init__(self, reason: str, path: object = None) -> None:
        super().__init__(reason, path)  # both, so that it can be pickled
        self.reason, self.path = reason, None if path is None else str(path)

    def __str__(self) -> str:
        return self.reason if self.path is None else f"{self.path}: {self.reason}"


class UnreadableImage(UnusableImage):
    """A file that holds no whole image: damaged, truncated, empty, too large, or of a kind that is not read."""


def decode(data: bytes, channels: int) -> Image.Image:
    """Decode PNG, JPEG, WebP (first frame) or TIFF (first page) to 8 bits, upright by its EXIF orientation.

    Values of 16 bits are rounded to v / 257. Alpha is dropped; where it is 0, what is visible is continued. A colour
    file becomes grey as ITU-R 601-2 luma, a grey file becomes colour by repetition.

    Args:
        data: the whole file.
        channels: 3 gives mode RGB, 1 gives mode L.

    Raises:
        UnreadableImage: with the reason; also for an image above Pillow's limit on pixels (decompression bombs), or one
            that is transparent everywhere.
    """
    if not data:
        raise UnreadableImage("the file is empty")
    with decoder_errors():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
        require_kind(opened)
        verify(data)
        colours = decoded(opened, data).colours
    if colours.dtype == np.uint16:
        colours = ((colours.astype(np.uint32) + 128) // 257).astype(np.uint8)
    image = Image.fromarray(colours[..., 0] if colours.shape[2] == 1 else colours)
    return image.convert("RGB" if channels == 3 else "L")


def size_in_header(data: bytes) -> tuple[int, int]:
    """Height and width of the image as it is stored, before it is turned by its orientation.

    Raises:
        UnreadableImage: with the reason.
    """
    with decoder_errors(), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return image.height, image.width


def shape_in_header(data: bytes) -> tuple[object, ...]:
    """What the header says of the size of the decoded image: where it is equal, so are the sizes.

    Raises:
        UnreadableImage: with the reason.
    """
    with decoder_errors(), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        turned = (orientation(image), image.format) if orientation(image) != 1 else ()  # some turn the size already
        return (*image.size, *turned)


@contextmanager
def decoder_errors() -> Iterator[None]:
    """Whatever a decoder raises on damaged bytes, as UnreadableImage with the reason; its warnings are dropped.

    Raises:
        UnreadableImage: for any error inside.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata; missing pixels raise
            yield
    except UnidentifiedImageError as error:
        raise UnreadableImage("it is no PNG, JPEG, WebP or TIFF of a known kind, or its header is damaged") from error
    except MemoryError as error:
        raise UnreadableImage("it does not fit into memory") from error
    except (OSError, SyntaxError, ValueError, *TOO_LARGE) as error:
        raise UnreadableImage(str(error) or type(error).__name__) from error
    except Exception as error:  # decoders raise errors of many types on damaged bytes
        raise UnreadableImage(f"its decoder ends with {type(error).__name__}: {error}") from error


def verify(data: bytes) -> None:
    """Compare the checksums of a PNG, which decoding ignores.

    Raises:
        Exception: of any type.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        image.verify()
