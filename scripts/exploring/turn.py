"""One computation at a time, in the order in which they were asked for."""

from __future__ import annotations

import asyncio
from types import TracebackType

from .refusal import Refusal

MOST_WAITING = 8


class Turn:
    """An asynchronous context in which one is at a time. Who is cancelled while it waits leaves the queue."""

    def __init__(self) -> None:
        self._lock, self._waiting = asyncio.Lock(), 0

    def require_room(self) -> None:
        """Raise a Refusal if the queue is full."""
        if self._waiting >= MOST_WAITING:
            raise Refusal("the server is busy with other pages; try again", 503)

    async def __aenter__(self) -> None:
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
