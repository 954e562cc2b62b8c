"""Image files of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from .image_files import is_image


class Folder:
    """The image files below a folder, of any nesting; links are followed.

    Args:
        root: the folder.

    Attributes:
        names: paths below the root with ``/`` between folders.
    """

    shards: tuple[str, ...] = ()

    def __init__(self, root: Path) -> None:
        self.root = root
        found = (Path(folder, file) for folder, _, files in os.walk(root, followlinks=True) for file in files)
        paths = (path.relative_to(root).as_posix() for path in found)
        self.names = sorted(path for path in paths if is_image(path))

    def read_bytes(self, name: str) -> bytes:
        """The whole file, see ``ImageFiles``."""
        return (self.root / name).read_bytes()
