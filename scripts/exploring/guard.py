"""Who may talk to the server: the page it sent itself, under a name it listens to."""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Guard:
    """ASGI middleware.

    A page from elsewhere can make a browser send requests here, under its own name where DNS is made to lead here
    (rebinding): such names are refused, and whatever is not a GET must come from a page of this very server.

    Args:
        app: that is guarded.
        host: that the server is bound to.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app, self.host = app, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        reason = self._refusal(scope["method"], Headers(scope=scope))
        answer = self.app if reason is None else JSONResponse({"error": reason}, 403)
        await answer(scope, receive, send_guarded)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            return f"the server is not called {host!r}; use the address that it printed"
        if method not in ("GET", "HEAD"):
            origin, site = headers.get("origin"), headers.get("sec-fetch-site")
            if origin not in (None, f"http://{host}") or site not in (None, "same-origin"):
                return "the request comes from another page; allowed are those of this server"
        return None

    def _is_ours(self, host: str) -> bool:
        name = _without_port(host.lower())
        if name == self.host.lower() or (is_loopback(self.host) and name in LOOPBACK):
            return True
        return is_any(self.host) and (name == "localhost" or _is_address(name))


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach it."""
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_any(host: str) -> bool:
    """Whether it stands for all addresses of the machine; no name of DNS can be made to be one of them."""
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
