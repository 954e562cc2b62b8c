"""The few files that people look at, in memory alone."""

from __future__ import annotations

import secrets
from collections import OrderedDict

from .refusal import Refusal

MOST = 4


class Shelf:
    """Bytes of files under names that nobody guesses; the one that was not looked at for longest goes first."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def put(self, data: bytes) -> str:
        """Keep a file; its name."""
        name = secrets.token_urlsafe(16)
        self._files[name] = data
        while len(self._files) > MOST:
            self._files.popitem(last=False)
        return name

    def get(self, name: str) -> bytes:
        """The file.

        Raises:
            Refusal: if there is none, or no longer.
        """
        if name not in self._files:
            raise Refusal("the picture is no longer in memory; choose it again", 404)
        self._files.move_to_end(name)
        return self._files[name]
