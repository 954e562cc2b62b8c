"""The server: one page, the files that it is made of, and four requests of its script.

It answers under the names it listens to alone, so that no page from elsewhere can read it by DNS rebinding, and the
page may load nothing from elsewhere.
"""

from __future__ import annotations

import asyncio
import io
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.degradations.jpeg import Jpeg
from ...data.image_io.decode import decode
from ...data.image_io.safe_read import BYTES_A_PIXEL, BYTES_OF_METADATA
from ...data.sources.open_source import PHOTOS
from ...data.splits import held_out_photographs
from ...train.runs.provenance import describe_config
from .request import LARGEST_SIGMA_Z, MAX_AVERAGED, ViewRequest, parse_request
from .session import Message, Session

HERE = Path(__file__).parent
STYLES = (HERE.parent / "look.css", HERE / "page.css")
SCRIPTS = ("page.js", "panes.js", "stream.js", "zoom.js")
LOOPBACK = ["localhost", "127.0.0.1", "::1"]
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
}
MAX_REQUEST = 2**16
"""Bytes of JSON."""
MAX_WAITING = 8
CLIENT_GONE = 499
"""Answers nobody: the page was closed, or asks for something else."""


class Queue:
    """One computation at a time, in the order of requests; a request that is cancelled leaves."""

    def __init__(self) -> None:
        self._lock, self._waiting = asyncio.Lock(), 0

    def require_room(self) -> None:
        """Raise an HTTPException if too many wait."""
        if self._waiting >= MAX_WAITING:
            raise HTTPException(503, "the server is busy with other pages; try again")

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait; within, nothing else is computed."""
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._lock.release()


class Handlers:
    """What the server answers to each POST.

    Args:
        session: that draws.
        max_bytes: of an uploaded file.
    """

    def __init__(self, session: Session, max_bytes: int) -> None:
        self.session, self.max_bytes, self.queue = session, max_bytes, Queue()

    async def upload(self, request: Request) -> Response:
        """Keep the file that is the body; answered by its id."""
        data = await _body(request, self.max_bytes)
        if not data:
            raise HTTPException(400, "the file is empty")
        return JSONResponse({"picture": self.session.upload(data)})

    async def bundled(self, request: Request) -> Response:
        """Likewise a bundled photograph that no bundled model was trained on."""
        data = await run_in_threadpool(bundled_photograph, self.session.sampler.image_channels)
        return JSONResponse({"picture": self.session.upload(data)})

    async def view(self, request: Request) -> Response:
        """A stream of messages; the last is of kind ``end`` or ``error``."""
        asked = await _view_request(request)
        self.queue.require_room()
        return StreamingResponse(self._messages(asked), media_type="application/octet-stream")

    async def sample(self, request: Request) -> Response:
        """The shown sample as PNG."""
        asked = await _view_request(request)
        self.queue.require_room()
        async with self.queue.turn():
            if await request.is_disconnected():
                return Response(status_code=CLIENT_GONE)
            try:
                return Response(await run_in_threadpool(self.session.png, asked), media_type="image/png")
            except Exception as error:
                raise HTTPException(400, _reason(error)) from error

    async def _messages(self, asked: ViewRequest) -> AsyncIterator[bytes]:
        async with self.queue.turn():
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
    max_bytes = BYTES_A_PIXEL * session.max_pixels + BYTES_OF_METADATA
    handlers = Handlers(session, max_bytes)
    style = "".join(path.read_text("utf-8") for path in STYLES)
    files = {"/": (_page(session, max_bytes), "text/html"), "/page.css": (style, "text/css")}
    files |= {f"/{name}": ((HERE / name).read_text("utf-8"), "text/javascript") for name in SCRIPTS}
    routes = [Route(path, _file(*file), methods=["GET"]) for path, file in files.items()]
    posts = (handlers.upload, handlers.bundled, handlers.view, handlers.sample)
    routes += [Route(f"/{answer.__name__}", answer, methods=["POST"]) for answer in posts]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=_host_names(host), www_redirect=False)],
        exception_handlers={HTTPException: _error, ClientDisconnect: _gone},
    )


def bundled_photograph(channels: int) -> bytes:
    """A held-out photograph as a PNG of 3 channels, or 1."""
    file = io.BytesIO()
    decode((PHOTOS / held_out_photographs()[1]).read_bytes(), channels).save(file, "PNG")
    return file.getvalue()


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach it."""
    return host.lower() in LOOPBACK or host.startswith("127.")


def _host_names(host: str) -> list[str]:
    """Under which the server may be asked; any if it listens to all addresses of the machine."""
    if is_loopback(host):
        return [host.lower(), *LOOPBACK, "[::1]"]
    try:
        return ["*"] if ipaddress.ip_address(host).is_unspecified else [host, f"[{host}]"]
    except ValueError:
        return [host.lower()]


def _page(session: Session, max_bytes: int) -> str:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    metadata, degradation = session.sampler.metadata, session.sampler.degradation
    sigma = None
    if isinstance(degradation, GaussianNoise) and degradation.low != degradation.high:
        sigma = [255 * degradation.low, 255 * degradation.high]
    model = {
        "stochastic": session.sampler.stochastic,
        "sigma": sigma,
        "jpeg": isinstance(degradation, Jpeg),
        "max_bytes": max_bytes,
        "largest_sigma_z": LARGEST_SIGMA_Z,
        "most_averaged": MAX_AVERAGED,
    }
    return environment.get_template("page.html").render(
        metadata=metadata,
        degradation=describe_config(metadata["degradation"]),
        generator=describe_config(metadata["generator"]),
        model=model,
        megapixels=session.max_pixels / 1e6,
    )


def _file(content: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return Response(content, media_type=media_type, headers=HEADERS)

    return answer


async def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _view_request(request: Request) -> ViewRequest:
    try:
        return parse_request(await _body(request, MAX_REQUEST))
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


async def _body(request: Request, max_bytes: int) -> bytes:
    """The body, of which no more than allowed is ever in memory."""
    too_long = HTTPException(413, f"it has more than {max_bytes:,} bytes, which is the limit")
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise too_long
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            raise too_long
    return bytes(body)


def _reason(error: Exception) -> str:
    """In words; a defect of ours is raised again."""
    text = " ".join(str(error).split())
    if isinstance(error, HTTPException):
        return str(error.detail)
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return "it does not fit into memory; choose a smaller picture"
    if isinstance(error, ValueError | OSError):
        return text
    raise error
