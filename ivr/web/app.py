"""The web process: takes in locations that come from outside a call. Loopback only, and no call needs it.

Started by the supervisor as ``python -m ivr.web.app``. It knows no secret but the two that its doors
ask for, and writes nothing but the spool. In front of it stands whatever ends TLS (docs/aml.md).
"""

from __future__ import annotations

import asyncio
import logging as standard_logging
import os
import signal
import socket
import sys
from typing import Any, NoReturn

import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ivr import config as configuration
from ivr import log as logging
from ivr.beat import beat
from ivr.config import Config
from ivr.web.doors import doors

CONNECTION_S = 10.0
"""No connection lives longer; each is for one request."""

MOST_AT_ONCE = 256
MOST_OPEN = 2 * MOST_AT_ONCE
"""Those over MOST_AT_ONCE are told to come later; those over this are not even listened to."""

HEADERS_BYTES = 16 * 1024
LAST_REQUESTS_S = 3
NICE = 5
"""Whoever knocks, however often, waits for the calls."""

log = structlog.get_logger(__name__)


class OneRequest(H11Protocol):
    """A connection that is cut after its time, however slowly the other side talks."""

    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > MOST_OPEN:
            transport.abort()
        self._end = asyncio.get_running_loop().call_later(CONNECTION_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)


def listen(port: int) -> socket.socket:
    """The listening socket; raises OSError where the port is taken."""
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(MOST_AT_ONCE)
    except OSError:
        listening.close()
        raise
    return listening


async def serve(config: Config, listening: socket.socket) -> None:
    """Answer until SIGTERM."""
    server = uvicorn.Server(
        uvicorn.Config(
            doors(config),
            http=OneRequest,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            headers=[("Connection", "close"), ("Cache-Control", "no-store")],
            limit_concurrency=MOST_AT_ONCE,
            h11_max_incomplete_event_size=HEADERS_BYTES,
            timeout_graceful_shutdown=LAST_REQUESTS_S,
        )
    )
    beating = asyncio.create_task(beat())
    log.info("listening", port=config.web_port)
    try:
        await server.serve(sockets=[listening])
    finally:
        beating.cancel()


def main() -> int:
    """Run the web process; 1 where its port cannot be had."""
    config = configuration.read()
    os.nice(NICE)
    # uvicorn says what strangers did wrong, without end; what matters our own lines say
    standard_logging.getLogger("uvicorn").setLevel(standard_logging.CRITICAL)
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises it anew when all is closed
    line = logging.start()
    try:
        listening = listen(config.web_port)
    except OSError as error:
        log.error("port_not_available", port=config.web_port, error=error.strerror)
        print(
            f"Porta {config.web_port}/TCP tidak dapat dipakai ({error.strerror}). Hentikan program yang "
            "memakainya, atau pilih porta lain dengan SIAGA_WEB_PORT=…",
            file=sys.stderr,
        )
        return 1
    else:
        with listening:
            asyncio.run(serve(config, listening))
        return 0
    finally:
        line.close()


def _leave(signum: int, frame: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
