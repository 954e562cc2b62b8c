"""``pscgan explore``: a page on which a person looks at samples, their mean and their spread.

It prints an address; open it in a browser, and drop a picture there::

    pscgan explore bundled:denoise
    pscgan explore bundled:jpeg --port 0
    pscgan explore runs/demo_mmse --transport dot.safetensors

Samples are those that pscgan restore writes of the same file with the same seed. The page needs no network, and
nobody but this machine can ask for it unless --host says so.
"""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks import optional_package, require_in
from ..train.runs.cli_errors import report_user_errors
from .command_line import Parser, device_of

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

PROGRAM = "pscgan explore"


def main(arguments: list[str] | None = None) -> None:
    """The command ``pscgan explore``."""
    options = _parse(arguments)
    with report_user_errors(PROGRAM):
        _check(options)
        _serve(options)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(PROGRAM, __doc__)
    add = parser.add_argument
    add(
        "model",
        metavar="MODEL",
        help="any name that pscgan.load takes: a run's folder, a file, bundled:demo, hf:USER/REPO",
    )
    add("--transport", type=Path, metavar="FILE", help="that pscgan transport wrote of MODEL: adds a slider (DOT)")
    add("--host", default="127.0.0.1", help="address to listen to (default 127.0.0.1: this machine alone)")
    add("--port", type=int, default=8765, help="to listen to (default 8765); 0 takes one that is free")
    add("--max-megapixels", type=float, default=2.0, help="larger pictures are refused unread (default 2)")
    add("--seconds", type=float, default=60.0, help="after which no further sample is begun for a view (default 60)")
    add("--device", choices=("cpu", "cuda"), help="default: cuda where there is one")
    return parser.parse_args(arguments)


def _check(options: argparse.Namespace) -> None:
    for package in ("starlette", "uvicorn"):
        optional_package(package, "explore", "the page")
    require_in("[0, 65535]", **{"--port": options.port})
    require_in("(0, inf)", **{"--max-megapixels": options.max_megapixels, "--seconds": options.seconds})


def _serve(options: argparse.Namespace) -> None:
    from ..train.inference.load import load
    from ..train.inference.transport import open_transport
    from .exploring.app import explorer, is_loopback
    from .exploring.session import Session

    with _listening(options.host, options.port) as listening:
        sampler = load(options.model, device_of(options.device))
        transport = None if options.transport is None else open_transport(options.transport, sampler.image_channels)
        session = Session(sampler, int(1e6 * options.max_megapixels), options.seconds, transport)
        app = explorer(session, options.host)
        if not is_loopback(options.host):
            print(f"{PROGRAM}: warning: whoever reaches {options.host} can use this page", file=sys.stderr)
        name = f"[{options.host}]" if ":" in options.host else options.host
        print(f"http://{name}:{listening.getsockname()[1]}/", flush=True)
        server_of(app).run(sockets=[listening])


def server_of(app: Starlette) -> uvicorn.Server:
    """It answers until it is interrupted; a computation then ends after the sample at hand. It logs nothing."""
    import uvicorn

    options: dict[str, Any] = {"log_config": None, "log_level": "critical", "lifespan": "off"}
    return uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=1, **options))


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"cannot listen to {host}, port {port}: {reason}; --port 0 takes a free one") from error


if __name__ == "__main__":
    main()
