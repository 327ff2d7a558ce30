"""The speech process: hears callers through Asterisk and says what they said. No call needs it.

Started by the supervisor as ``python -m ivr.speech.server``. It listens on loopback alone, to Asterisk and
to controllers (wire.py); what takes time is done in worker processes. Without anything to recognise with
it says so in the home's ``run/speech.json`` and ends with ``standing.OFF``.
"""

from __future__ import annotations

import asyncio
import http
import ipaddress
import logging as standard_logging
import signal
import socket
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import structlog
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as websockets_serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ivr import config as configuration
from ivr import log as logging
from ivr.beat import beat
from ivr.config import Config
from ivr.speech import standing
from ivr.speech.lines import Line, Switchboard, serve_controller
from ivr.speech.pool import NobodyRecognises, Pool
from ivr.speech.recogniser import RATE, CannotListen, Samples
from ivr.speech.wire import ASTERISK, CONTROLLER

MOST_CONNECTIONS = 256
MOST_BYTES = 512 * 1024
"""A question holds the names of a whole kabupaten."""

OPEN_S = 2.0
CLOSE_S = 0.5
TOLD_S = 5.0
NONSENSE = 1008
LOUD = 1000
"""What is too soft is not even looked at."""

log = structlog.get_logger(__name__)


async def serve(listening: socket.socket, switchboard: Switchboard) -> Server:
    """Take connections; close what is returned at the end."""
    connections: set[ServerConnection] = set()

    async def refuse(connection: ServerConnection, request: Request) -> Response | None:
        """Who is no program of this machine, or one too many."""
        if not ipaddress.ip_address(connection.remote_address[0]).is_loopback:
            return connection.respond(http.HTTPStatus.FORBIDDEN, "")
        if len(connections) >= MOST_CONNECTIONS:
            log.error("too_many_connections")
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "")
        return None

    async def handle(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            if connection.subprotocol == ASTERISK:
                await Line(connection, switchboard).serve()
            elif connection.subprotocol == CONTROLLER:
                await serve_controller(connection, switchboard)
        except ConnectionClosed:
            log.info("connection_cut", kind=connection.subprotocol)
        except ValueError as error:
            log.error("nonsense_received", error=str(error)[:200])
            await connection.close(NONSENSE)
        finally:
            connections.discard(connection)

    return await websockets_serve(
        handle,
        sock=listening,
        subprotocols=[Subprotocol(ASTERISK), Subprotocol(CONTROLLER)],
        origins=[None],  # a page in a browser of this machine names its origin
        process_request=refuse,
        compression=None,
        max_size=MOST_BYTES,
        open_timeout=OPEN_S,
        close_timeout=CLOSE_S,
        ping_interval=None,
        server_header=None,
    )


def listen(port: int) -> socket.socket:
    """Raises OSError where the port cannot be had."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
    except OSError:
        listening.close()
        raise
    return listening


async def recognise(config: Config, listening: socket.socket) -> None:
    """Serve until SIGTERM. Raises CannotListen or NobodyRecognises."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pool, detector = Pool(), Detector()
    server: Server | None = None
    try:
        await asyncio.gather(detector.load(), pool.start())
        switchboard = Switchboard(pool, detector.is_speech)
        server = await serve(listening, switchboard)
        standing.note(config, engine=pool.engine)
        log.info("listening", port=config.aeap_port, engine=pool.engine)
        await _first_of(stop.wait(), pool.fallen(), _beat(), _tell(config, switchboard))
    finally:
        if server is not None:
            server.close()
        await pool.close()
        detector.close()


class Detector:
    """The voice detector, in a thread beside the event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "voice")

    async def load(self) -> None:
        """Before a caller waits for it. Raises CannotListen."""
        try:
            await self.is_speech(np.full(RATE, LOUD, np.int16))
        except Exception as error:  # whatever is wrong with a package
            raise CannotListen(
                f"Pendeteksi suara manusia tidak dapat dimuat ({error}). Pasang ulang faster-whisper."
            ) from error

    async def is_speech(self, samples: Samples) -> bool:
        """Whether somebody speaks in it, and not only something makes a noise."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _is_speech, samples)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _is_speech(samples: Samples) -> bool:
    from ivr.speech import gate  # noqa: PLC0415 (what it needs may be broken, which is to be said)

    found = gate.speech(samples)
    return found is not None and found.seconds >= gate.SPEECH_S


async def _beat() -> None:
    """Signs of life to a supervisor; without one there is nothing to say, for ever."""
    await beat()
    await asyncio.Event().wait()


async def _tell(config: Config, switchboard: Switchboard) -> None:
    """What is counted, and whether the answers are any use; for ever."""
    target = config.home / "run" / "speech.prom"
    pool, noted = switchboard.pool, ""
    while True:
        try:
            await asyncio.to_thread(switchboard.counts.write, target, pool.restarts)
            if (why := switchboard.trouble.why) != noted:
                standing.note(config, engine=pool.engine, why=why)
                noted = why
        except OSError as error:
            log.error("standing_not_written", error=str(error))
        await asyncio.sleep(TOLD_S)


async def _first_of(*works: Coroutine[Any, Any, Any]) -> None:
    """Until one of them ends; raises what it raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def main() -> int:
    """Run the speech process; ``standing.OFF`` where nothing can be recognised."""
    config = configuration.read()
    standard_logging.getLogger("websockets").setLevel(standard_logging.CRITICAL)
    line = logging.start()
    try:
        return _run(config)
    except (CannotListen, NobodyRecognises) as error:
        log.error("cannot_listen", error=str(error))
        if isinstance(error, NobodyRecognises):
            return 1
        standing.note(config, why=str(error))
        return standing.OFF
    finally:
        line.close()


def _run(config: Config) -> int:
    if not config.speech.on:
        raise CannotListen(standing.SWITCHED_OFF)
    try:
        listening = listen(config.aeap_port)
    except OSError as error:
        raise CannotListen(
            f"Porta {config.aeap_port}/TCP tidak dapat dipakai ({error.strerror}). Hentikan program yang "
            "memakainya, atau pilih porta lain dengan SIAGA_AEAP_PORT=…"
        ) from error
    with listening:
        asyncio.run(recognise(config, listening))
    return 0


if __name__ == "__main__":
    sys.exit(main())
