"""What has been found of each image, one file an image and restorer: a run that was ended goes on after them."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ..whole_file import write_whole

Record = dict[str, Tensor]
"""Parts of sums, features and times of one image."""


class Records:
    """The files of one restorer.

    Args:
        folder: theirs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, number: int) -> bool:
        """Whether an image is done."""
        return self._path(number).exists()

    def write(self, number: int, record: Record) -> None:
        """Keep what was found of an image; the file is there whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._path(number), save({name: value.cpu().contiguous() for name, value in record.items()}))

    def read(self, number: int) -> Record:
        """What was found of an image.

        Raises:
            ValueError: naming a file that is damaged.
        """
        path = self._path(number)
        try:
            return load(path.read_bytes())
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged; delete it, and the same command makes it again") from error

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.safetensors"
