"""The server: one page, three files that it is made of, and four questions that it asks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import torch
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ...data.image_io.safe_read import BYTES_A_PIXEL, BYTES_OF_METADATA
from .bundled import bundled_photograph
from .guard import Guard
from .message import Message
from .page import files
from .refusal import Refusal
from .session import Session
from .turn import Turn
from .wanted import Wanted, wanted

LARGEST_QUESTION = 2**16
"""Bytes of JSON."""
GONE = 499
"""Answers nobody: the page was closed, or asks for something else."""


class Answers:
    """What the server says to each question.

    Args:
        session: that draws.
        max_bytes: of an uploaded file.
    """

    def __init__(self, session: Session, max_bytes: int) -> None:
        self.session, self.max_bytes, self.turn = session, max_bytes, Turn()

    async def upload(self, request: Request) -> Response:
        """Keep the file that is the body; answered by its id."""
        data = await _body(request, self.max_bytes)
        if not data:
            raise Refusal("the file is empty")
        return JSONResponse({"picture": self.session.shelf.put(data)})

    async def bundled(self, request: Request) -> Response:
        """Likewise the bundled photograph."""
        channels = self.session.sampler.image_channels
        return JSONResponse({"picture": self.session.shelf.put(await run_in_threadpool(bundled_photograph, channels))})

    async def view(self, request: Request) -> Response:
        """A stream of messages; ends with one of kind ``end`` or ``error``."""
        asked = await _question(request)
        self.turn.require_room()
        return StreamingResponse(self._messages(asked), media_type="application/octet-stream")

    async def sample(self, request: Request) -> Response:
        """The shown sample as PNG."""
        asked = await _question(request)
        self.turn.require_room()
        async with self.turn:
            if await request.is_disconnected():
                return Response(status_code=GONE)
            try:
                return Response(await run_in_threadpool(self.session.png, asked), media_type="image/png")
            except Exception as error:
                raise Refusal(_reason(error)) from error

    async def _messages(self, asked: Wanted) -> AsyncIterator[bytes]:
        async with self.turn:
            try:
                async for message in iterate_in_threadpool(self.session.view(asked)):
                    yield message.encoded
                yield Message("end").encoded
            except Exception as error:
                yield Message("error", {"error": _reason(error)}).encoded


def explorer(session: Session, host: str) -> Starlette:
    """The ASGI application.

    Args:
        session: that draws.
        host: that the server is bound to.
    """
    answers = Answers(session, BYTES_A_PIXEL * session.max_pixels + BYTES_OF_METADATA)
    posts = {"/pictures": answers.upload, "/bundled": answers.bundled, "/view": answers.view, "/sample": answers.sample}
    routes = [Route(path, _fixed(*file), methods=["GET"]) for path, file in files(session, answers.max_bytes).items()]
    routes += [Route(path, answer, methods=["POST"]) for path, answer in posts.items()]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, host=host)],
        exception_handlers={Refusal: _refused, ClientDisconnect: _gone},
    )


def _fixed(content: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return JSONResponse({"error": str(error)}, error.status)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=GONE)


async def _question(request: Request) -> Wanted:
    try:
        asked: Any = json.loads(await _body(request, LARGEST_QUESTION))
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, Refusal) else Refusal("the request is no JSON") from error
    try:
        return wanted(asked)
    except ValueError as error:
        raise Refusal(str(error)) from error


async def _body(request: Request, most: int) -> bytes:
    """The body, of which no more than allowed is ever in memory."""
    refusal = Refusal(f"it has more than {most:,} bytes, which is the limit", 413)
    if int(request.headers.get("content-length", "0")) > most:
        raise refusal
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise refusal
        parts.append(part)
    return b"".join(parts)


def _reason(error: Exception) -> str:
    """In words; a defect of ours is raised again."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return "it does not fit into memory; choose a smaller picture"
    if isinstance(error, ValueError | OSError):
        return text
    raise error
