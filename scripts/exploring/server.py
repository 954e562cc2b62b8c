"""From an application to a process that answers, until it is interrupted."""

from __future__ import annotations

import logging
from types import FrameType

import uvicorn
from starlette.types import ASGIApp


class Server(uvicorn.Server):
    """Answers; when it is interrupted, a computation is broken off after the sample at hand.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Nothing is said of answers that are broken off."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)
