"""Image files of WebDataset shards, read at random."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .manifest import require_whole
from .tar_index import image_members


class Shards:
    """The image files of uncompressed ``.tar`` archives, such as WebDataset writes.

    The headers of every shard are read once, here; of an image only its place is kept. A file is then one read at that
    place. The shard is opened for it, so that processes share nothing and any number of shards may be read.

    Args:
        paths: of the shards.
        together: whether they are all that their folder should hold.

    Attributes:
        root: the innermost folder that holds all shards.
        names: ``shard/member``.

    Raises:
        ValueError: naming the shard that is missing, truncated, damaged or not of the size its manifest says, or the
            image that comes twice.
    """

    def __init__(self, paths: Sequence[Path], together: bool = False) -> None:
        self.root = Path(os.path.commonpath([path.absolute().parent for path in paths]))
        self.shards = sorted((path.absolute().relative_to(self.root).as_posix() for path in paths), key=_prefix)
        self._prefixes = [_prefix(shard) for shard in self.shards]
        for folder in {path.absolute().parent for path in paths}:
            require_whole(folder, {path.name for path in paths if path.absolute().parent == folder}, together)
        names, offsets, sizes = self._index()
        order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
        self.names = [names[place] for place in order]
        self._offsets, self._sizes = np.array(offsets)[order], np.array(sizes)[order]
        twice = next((name for name, other in zip(self.names, self.names[1:], strict=False) if name == other), None)
        if twice is not None:
            raise ValueError(f"{self.root}/{twice} comes twice; allowed is one image of a name in a shard")

    def _index(self) -> tuple[list[str], array[int], array[int]]:
        names, offsets, sizes = list[str](), array("q"), array("q")
        for shard, prefix in zip(self.shards, self._prefixes, strict=True):
            for member in image_members(self.root / shard):
                names.append(prefix + member.name)
                offsets.append(member.offset)
                sizes.append(member.size)
        return names, offsets, sizes

    def read_bytes(self, name: str) -> bytes:
        """The whole file, see ``ImageFiles``."""
        place = bisect_left(self.names, name)
        if self.names[place : place + 1] != [name]:
            raise FileNotFoundError("no shard holds it")
        shard = self.shards[bisect_right(self._prefixes, name) - 1]
        size = int(self._sizes[place])
        with (self.root / shard).open("rb", buffering=0) as file:
            file.seek(int(self._offsets[place]))
            data = file.read(size)
        if len(data) < size:
            raise EOFError("its shard ends before it")
        return data


def _prefix(shard: str) -> str:
    return f"{shard}/"
