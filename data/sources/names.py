"""Names of a great many images, which the workers of a loader share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np


class Names(Sequence[str]):
    """Strings in one buffer; parts of it are views.

    Reading a Python string counts a reference in its page, which a forked process then copies; of a list of a million
    names each worker would soon have its own. Spawned processes copy one buffer instead of a million objects.

    Args:
        names: in their order.
    """

    def __init__(self, names: Iterable[str]) -> None:
        encoded = [name.encode("utf-8", "surrogatepass") for name in names]
        lengths = np.array([len(name) for name in encoded], dtype=np.int64)
        self._stops = lengths.cumsum()
        self._starts = self._stops - lengths
        self._text = b"".join(encoded)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice | np.ndarray) -> Names: ...
    def __getitem__(self, place: int | slice | np.ndarray) -> str | Names:
        """A name; or those of a slice, or where an array is true."""
        if isinstance(place, slice | np.ndarray):
            part = Names(())
            part._text, part._starts, part._stops = self._text, self._starts[place], self._stops[place]
            return part
        return self._text[self._starts[place] : self._stops[place]].decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[str]:
        for start, stop in zip(self._starts.tolist(), self._stops.tolist(), strict=True):
            yield self._text[start:stop].decode("utf-8", "surrogatepass")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


def digest(parts: Iterable[str | bytes]) -> str:
    """The first 12 hex digits of the SHA-256 of all parts."""
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        sha.update(b"%d:%s" % (len(data), data))
    return sha.hexdigest()[:12]
