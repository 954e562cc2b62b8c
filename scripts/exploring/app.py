"""The server: a page, the files it is made of, and four requests of its script.

It answers only under the host names it listens to, so that no page from elsewhere can read it by DNS rebinding, and
the page may load nothing from other hosts.
"""

import asyncio
import io
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ...data.degradations.gaussian_noise import GaussianNoise
from ...data.degradations.jpeg import Jpeg
from ...data.image_io.decode import decode
from ...data.image_io.safe_read import BYTES_A_PIXEL, BYTES_OF_METADATA
from ...data.sources.open_source import PHOTOS
from ...data.splits import held_out_photographs
from ...train.runs.provenance import describe_config
from .request import MAX_AVERAGED, MAX_SIGMA_Z, RANGES, ViewRequest, parse_request
from .session import Session, message

HERE = Path(__file__).parent
STYLES = (HERE.parent / "look.css", HERE / "page.css")
SCRIPTS = ("page.js", "panes.js", "stream.js", "zoom.js")
LOOPBACK = ["localhost", "127.0.0.1", "::1"]
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
}
MAX_REQUEST = 2**16  # bytes of JSON


def explorer(session: Session, host: str) -> Starlette:
    """The ASGI application.

    Args:
        session: draws the samples.
        host: address that the server is bound to.
    """
    max_bytes = BYTES_A_PIXEL * session.max_pixels + BYTES_OF_METADATA
    style = "".join(path.read_text("utf-8") for path in STYLES)
    files = {"/": (_page(session, max_bytes), "text/html"), "/page.css": (style, "text/css")}
    files |= {f"/{name}": ((HERE / name).read_text("utf-8"), "text/javascript") for name in SCRIPTS}
    responses = {path: Response(text, media_type=kind, headers=HEADERS) for path, (text, kind) in files.items()}
    routes = [Route(path, response, methods=["GET"]) for path, response in responses.items()]
    routes += [Route(f"/{answer.__name__}", answer, methods=["POST"]) for answer in (upload, bundled, view, sample)]
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=_host_names(host), www_redirect=False)
    app = Starlette(routes=routes, middleware=[hosts])
    app.state.session, app.state.max_bytes = session, max_bytes
    app.state.lock = asyncio.Lock()  # one computation at a time
    return app


async def upload(request: Request) -> Response:
    """Keep the file that is the body; the answer is its id."""
    data = await _body(request, request.app.state.max_bytes)
    return JSONResponse({"picture": request.app.state.session.upload(data)})


async def bundled(request: Request) -> Response:
    """Keep a photograph that no bundled model was trained on, as a PNG; the answer is its id."""
    session: Session = request.app.state.session
    data, file = (PHOTOS / held_out_photographs()[1]).read_bytes(), io.BytesIO()
    decode(data, session.sampler.image_channels).save(file, "PNG")
    return JSONResponse({"picture": session.upload(file.getvalue())})


async def view(request: Request) -> Response:
    """A stream of messages; the last is of kind ``end`` or ``error``."""
    asked = await _view_request(request)
    return StreamingResponse(_messages(request.app, asked), media_type="application/octet-stream")


async def sample(request: Request) -> Response:
    """The shown sample as PNG."""
    asked = await _view_request(request)
    async with request.app.state.lock:
        try:
            return Response(await run_in_threadpool(request.app.state.session.png, asked), media_type="image/png")
        except Exception as error:
            raise HTTPException(400, _reason(error)) from error


async def _messages(app: Starlette, asked: ViewRequest) -> AsyncIterator[bytes]:
    async with app.state.lock:
        try:
            async for part in iterate_in_threadpool(app.state.session.view(asked)):
                yield part
            yield message("end")
        except Exception as error:
            yield message("error", error=_reason(error))


def _page(session: Session, max_bytes: int) -> str:
    sampler, metadata = session.sampler, session.sampler.metadata
    degradation, sigma = sampler.degradation, None
    if isinstance(degradation, GaussianNoise) and degradation.low != degradation.high:
        sigma = [255 * degradation.low, 255 * degradation.high]
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        metadata=metadata,
        degradation=describe_config(metadata["degradation"]),
        generator=describe_config(metadata["generator"]),
        model={
            "stochastic": sampler.stochastic,
            "sigma": sigma,
            "alpha": None if session.transport is None else RANGES["alpha"][1:],
            "jpeg": isinstance(degradation, Jpeg),
            "max_bytes": max_bytes,
            "max_sigma_z": MAX_SIGMA_Z,
            "max_averaged": MAX_AVERAGED,
        },
        megapixels=session.max_pixels / 1e6,
    )


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach it."""
    return host.lower() in LOOPBACK or host.startswith("127.")


def _host_names(host: str) -> list[str]:
    """Names under which the server answers; any if it listens to all addresses of the machine."""
    if is_loopback(host):
        return [host.lower(), *LOOPBACK, "[::1]"]
    try:
        return ["*"] if ipaddress.ip_address(host).is_unspecified else [host, f"[{host}]"]
    except ValueError:
        return [host.lower()]


async def _view_request(request: Request) -> ViewRequest:
    try:
        return parse_request(await _body(request, MAX_REQUEST))
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


async def _body(request: Request, max_bytes: int) -> bytes:
    """The body; a longer one is refused before more of it is in memory."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            raise HTTPException(413, f"it has more than {max_bytes:,} bytes, which is the limit")
    return bytes(body)


def _reason(error: Exception) -> str:
    """The message of a user's error on one line; any other error is raised again."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return "it does not fit into memory; choose a smaller picture"
    if isinstance(error, ValueError | OSError):
        return text
    raise error
