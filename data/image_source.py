"""Named images of a folder or a zip archive."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .decoding import UnreadableImage, decode

BUNDLED = "bundled:photos"
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
FILE_ERRORS = (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)


class ImageSource:
    """The images below a root, addressed by name.

    Safe in forked and spawned workers: an archive is opened by each process for itself.

    Args:
        root: a folder or a ``.zip`` archive, both of any nesting, or ``"bundled:photos"``, the photographs that come
            with the package. Hidden files and folders and ``__MACOSX`` are left out.
        channels: 3 for colour, 1 for grey.
        resize: None, or a side in pixels to which the central square of each image is reduced (Lanczos).

    Attributes:
        names: paths below the root with ``/`` between folders, in the order of Python strings.

    Raises:
        ValueError: if an argument is not what is allowed or the root holds no image file.
    """

    def __init__(self, root: str | Path, channels: int = 3, resize: int | None = None) -> None:
        if channels not in (1, 3):
            raise ValueError(f"channels is {channels}; allowed is 3 (colour) or 1 (grey)")
        if resize is not None and resize < 1:
            raise ValueError(f"resize is {resize}; allowed is a side of at least 1 pixel, or null")
        self.root = Path(__file__).parent / "photos" if root == BUNDLED else Path(root).expanduser()
        self.channels = channels
        self.resize = resize
        self.names = sorted(name for name in set(_files(self.root)) if _is_image(name))
        self._archive: zipfile.ZipFile | None = None
        self._opened_by = 0
        if not self.names:
            raise ValueError(f"root is {root}; it holds no image file, allowed are {', '.join(EXTENSIONS)}")

    def read(self, name: str) -> Tensor:
        """The image, uint8 (channels, H, W).

        Raises:
            UnreadableImage: naming file and reason.
            ValueError: if the image is smaller than ``resize``.
        """
        try:
            image = decode(self._bytes(name), self.channels)
        except FILE_ERRORS as error:
            raise UnreadableImage(f"{self.root / name} cannot be read: {error}") from error
        if self.resize is not None:
            image = _central_square(image, self.resize, name)
        pixels = torch.from_numpy(np.array(image))
        return pixels[None] if self.channels == 1 else pixels.permute(2, 0, 1).contiguous()

    def _bytes(self, name: str) -> bytes:
        if self.root.is_dir():
            return (self.root / name).read_bytes()
        if self._archive is None or self._opened_by != os.getpid():  # processes must not share a file position
            self._archive, self._opened_by = zipfile.ZipFile(self.root), os.getpid()
        return self._archive.read(name)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_archive": None}


def _files(root: Path) -> list[str]:
    if root.is_dir():
        found = (Path(folder, file) for folder, _, files in os.walk(root, followlinks=True) for file in files)
        return [path.relative_to(root).as_posix() for path in found]
    if root.is_file() and root.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(root) as archive:
                return archive.namelist()
        except zipfile.BadZipFile as error:
            raise ValueError(
                f"root is {root}; allowed is a whole .zip archive, this one is damaged: {error}"
            ) from error
    raise ValueError(f"root is {root}; allowed is an existing folder, an existing .zip archive, or {BUNDLED!r}")


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    left_out = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in EXTENSIONS and not left_out


def _central_square(image: Image.Image, side: int, name: str) -> Image.Image:
    short = min(image.size)
    if short < side:
        raise ValueError(f"resize is {side}; {name} has {image.height}x{image.width} pixels and is never enlarged")
    left, top = (image.width - short) // 2, (image.height - short) // 2
    square = image.crop((left, top, left + short, top + short))  # the resize of a box would look beyond its edge
    return square.resize((side, side), Image.Resampling.LANCZOS)
