"""The seam between images and what trains and evaluates on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor


class Images(Protocol):
    """Images by name, the same at every reading."""

    @property
    def root(self) -> Path | str:
        """Where they are, for messages."""
        ...

    @property
    def channels(self) -> int:
        """3 for colour, 1 for grey."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Of the images, each once, in the order of Python strings."""
        ...

    @property
    def shards(self) -> Sequence[str]:
        """The archives that hold the images; the names in one begin with its own and ``/``. Empty if there are none."""
        ...

    def read(self, name: str) -> Tensor:
        """The image, uint8 (channels, H, W); of a pair both, stacked, (2 channels, H, W).

        Raises:
            UnreadableImage: naming file and reason.
        """
        ...
