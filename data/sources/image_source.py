"""Named images of a folder, an archive, shards or a data set of Hugging Face."""

import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...checks import require_at_least
from ..crops import require_size
from ..image_io.decode import UnreadableImage, decode, shape_in_header, size_in_header
from .folder import EXTENSIONS
from .open_source import BUNDLED as BUNDLED
from .open_source import open_root

Found = TypeVar("Found")
FILE_ERRORS = (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)
HEADER_BYTES = 2**16
"""Of a file, that are read to find its size."""


class ImageSource:
    """The images of a root, addressed by name; the same file gives the same pixels whatever holds it.

    Safe in forked and spawned workers.

    Args:
        root: see ``open_root``. Hidden files and folders and those of the system are left out.
        channels: 3 for colour, 1 for grey.
        resize: None, or a side in pixels to which the central square of each image is reduced (Lanczos).

    Attributes:
        files: the encoded images.
        names: paths below the root with ``/`` between folders, in the order of Python strings.
        shards: the archives that hold the images, each the beginning of their names; empty for other roots.
        version: see ``ImageFiles``.

    Raises:
        ValueError: if an argument is out of range or the root holds no image file.
    """

    def __init__(self, root: str | Path, channels: int = 3, resize: int | None = None) -> None:
        if channels not in (1, 3):
            raise ValueError(f"channels must be 3 (colour) or 1 (grey), got {channels}")
        require_at_least(1, resize=1 if resize is None else resize)
        self.files = open_root(root)
        self.root, self.names, self.shards = self.files.root, self.files.names, self.files.shards
        self.version = self.files.version
        self.channels = channels
        self.resize = resize
        if not self.names:
            raise ValueError(f"root must hold image files ({', '.join(EXTENSIONS)}), got {root}")

    def read(self, name: str) -> Tensor:
        """The image, uint8 (channels, H, W).

        Raises:
            UnreadableImage: naming file and reason.
            ImageTooSmall: if the image is smaller than ``resize``.
        """
        return self.pixels(self.decoded(name), name)

    def decoded(self, name: str) -> Image.Image:
        """The image as it lies there, before it is reduced.

        Raises:
            UnreadableImage: naming file and reason.
        """
        return self._opened(name, lambda data: decode(data, self.channels))

    def size(self, name: str) -> tuple[int, int]:
        """Height and width that ``read`` gives but for its turning upright, from the header of the file alone.

        Raises:
            UnreadableImage: naming file and reason.
            ImageTooSmall: if the image is smaller than ``resize``.
        """
        try:
            size = self._opened(name, size_in_header, HEADER_BYTES)
        except UnreadableImage:  # its header lies further behind
            size = self._opened(name, size_in_header)
        if self.resize is None:
            return size
        require_size(f"{self.root}/{name}", size, "resize", self.resize)
        return self.resize, self.resize

    def beginning(self, name: str) -> bytes:
        """Of the file, as much as headers need.

        Raises:
            UnreadableImage: naming file and reason.
        """
        return self._opened(name, bytes, HEADER_BYTES)

    def header(self, name: str) -> tuple[object, ...]:
        """What the file says of the size of the image, see ``shape_in_header``.

        Raises:
            UnreadableImage: naming file and reason.
        """
        return self._opened(name, shape_in_header)

    def pixels(self, image: Image.Image, name: str) -> Tensor:
        """What ``read`` makes of a decoded image, uint8 (channels, H, W).

        Raises:
            ImageTooSmall: if the image is smaller than ``resize``.
        """
        if self.resize is not None:
            image = self._central_square(image, self.resize, name)
        pixels = torch.from_numpy(np.array(image))
        return pixels[None] if self.channels == 1 else pixels.permute(2, 0, 1).contiguous()

    def read_file(self, name: str) -> bytes:
        """The encoded image as it lies there, once it is known to decode.

        Raises:
            UnreadableImage: naming file and reason.
        """
        data, _ = self._opened(name, lambda data: (data, decode(data, self.channels)))
        return data

    def _opened(self, name: str, look: Callable[[bytes], Found], num_bytes: int = -1) -> Found:
        try:
            return look(self.files.read_bytes(name, num_bytes))
        except FILE_ERRORS as error:
            reason = error.reason if isinstance(error, UnreadableImage) else str(error)
            raise UnreadableImage(reason, f"{self.root}/{name}") from error

    def _central_square(self, image: Image.Image, side: int, name: str) -> Image.Image:
        require_size(f"{self.root}/{name}", (image.height, image.width), "resize", side)
        short = min(image.size)
        left, top = (image.width - short) // 2, (image.height - short) // 2
        square = image.crop((left, top, left + short, top + short))  # the resize of a box would look beyond its edge
        return square.resize((side, side), Image.Resampling.LANCZOS)


class Images(Protocol):
    """Images by name, the same at every reading.

    Attributes:
        root: where they are, for messages.
        channels: 3 for colour, 1 for grey.
        names: of the images, each once, in the order of Python strings.
        shards: as in ``ImageFiles``.
        version: likewise.
    """

    @property
    def root(self) -> Path | str: ...
    @property
    def channels(self) -> int: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def shards(self) -> Sequence[str]: ...
    @property
    def version(self) -> str: ...
    def read(self, name: str) -> Tensor:
        """The image, uint8 (channels, H, W); of a pair both, stacked, (2 channels, H, W).

        Raises:
            UnusableImage: naming file and reason.
        """

    def size(self, name: str) -> tuple[int, int]:
        """Height and width by the header alone, in either order; errors as ``read``, as far as headers show them."""

    def beginning(self, name: str) -> bytes:
        """Of the file, or the two of a pair, as much as headers need; errors as ``read``."""
