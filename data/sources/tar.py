"""Image files of WebDataset shards, read at random."""

from __future__ import annotations

import os
import tarfile
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..image_io.safe_read import require_regular
from .folder import is_image
from .names import Names, digest

BLOCK = 512
"""Bytes; a tar archive is made of such blocks and ends with blocks of zeros."""


class Member(NamedTuple):
    """An image in a shard: its name, and the place of its bytes."""

    name: str
    offset: int
    size: int


class Shards:
    """The image files of uncompressed ``.tar`` archives, such as WebDataset writes.

    The headers of all shards are read once, at construction (about 50 µs an image on a local disk), and the place of
    each image is kept. Reading an image opens its shard and reads at that place, so that processes share no file
    position and any number of shards may be read.

    Args:
        paths: of the shards.

    Attributes:
        root: the innermost folder that holds all shards.
        names: ``shard/member``.

    Raises:
        ValueError: naming the shard that is missing, truncated or damaged, or the image that comes twice.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.root = Path(os.path.commonpath([path.absolute().parent for path in paths]))
        self.shards = sorted((path.absolute().relative_to(self.root).as_posix() for path in paths), key=_prefix)
        self._prefixes = [_prefix(shard) for shard in self.shards]
        names, offsets, sizes = self._index()
        order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
        self.names = Names(names[place] for place in order)
        self._offsets, self._sizes = np.array(offsets)[order], np.array(sizes)[order]
        self.version = digest([self._sizes.tobytes()])
        twice = next((name for name, other in zip(self.names, self.names[1:], strict=False) if name == other), None)
        if twice is not None:
            raise ValueError(f"{self.root}/{twice} comes twice; names in a shard must differ")

    def _index(self) -> tuple[list[str], array[int], array[int]]:
        names, offsets, sizes = list[str](), array("q"), array("q")
        for shard, prefix in zip(self.shards, self._prefixes, strict=True):
            for member in scan(self.root / shard):
                names.append(prefix + member.name)
                offsets.append(member.offset)
                sizes.append(member.size)
        return names, offsets, sizes

    def read_bytes(self, name: str, num_bytes: int = -1) -> bytes:
        place = bisect_left(self.names, name)
        if place == len(self.names) or self.names[place] != name:
            raise FileNotFoundError("no shard holds it")
        shard = self.shards[bisect_right(self._prefixes, name) - 1]
        size = int(self._sizes[place])
        size = size if num_bytes < 0 else min(size, num_bytes)
        with (self.root / shard).open("rb", buffering=0) as file:
            file.seek(int(self._offsets[place]))
            data = file.read(size)
        if len(data) < size:
            raise EOFError("its shard ends before it")
        return data


def scan(path: Path) -> Iterator[Member]:
    """The images of a shard in their order. Only headers are read. Links and what is no image are left out.

    Raises:
        ValueError: naming the shard, if it is not there, is no plain .tar, is truncated, or has a damaged header.
    """
    try:
        require_regular(path)
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if member.isreg() and not member.issparse() and is_image(member.name):
                    yield Member(member.name, member.offset_data, member.size)
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
            end = archive.offset
        _require_end(path, end)
    except FileNotFoundError as error:
        raise ValueError(f"shard {path} is missing") from error
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise ValueError(f"shard {path} is damaged or truncated, or no uncompressed .tar: {error}") from error


def _require_end(path: Path, end: int) -> None:
    """Behind the last whole member: tarfile takes a damaged header and a cut between members for the end."""
    with path.open("rb") as file:
        file.seek(end)
        block = file.read(BLOCK)
    if len(block) < BLOCK or any(block):
        raise EOFError(f"after {end:,} bytes there is neither an image nor the end of the archive")


def _prefix(shard: str) -> str:
    return f"{shard}/"
