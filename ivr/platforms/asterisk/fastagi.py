"""The FastAGI server: one asyncio protocol a call, a deadline on everything, no I/O but the socket.

A peer that connects and says nothing costs one timer; a handler that fails costs its own session.
Closing the socket is what gives the caller back to extensions, so every way out of a session ends
in a close.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

import structlog

from ivr.platforms.asterisk.agi import (
    DEAD_CHANNEL,
    AgiConnection,
    Command,
    Environment,
    HangupNotice,
    RemoteProtocolError,
    Reply,
)

ENVIRONMENT_S = 5.0
MOST_SESSIONS = 1000
JUST_CONNECTED_S = 0.2

log = structlog.get_logger(__name__)


class CallGone(Exception):
    """The caller hung up, or Asterisk closed the session. No error."""


class TooSlow(Exception):
    """Asterisk did not answer a command within its deadline."""


class GivenBack(Exception):
    """We closed the session; the caller may well be there still, with extensions."""


Handler = Callable[["AgiSession"], Awaitable[None]]


class AgiSession(asyncio.Protocol):
    """One call's AGI socket. A handler calls ``run``; everything else is asyncio's."""

    def __init__(self, handler: Handler, sessions: set[AgiSession]) -> None:
        self.environment: Mapping[str, str] = {}
        self._handler = handler
        self._sessions = sessions
        self._connection = AgiConnection()
        self._waiting: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._fault: Exception | None = None  # why the session ended, where the caller did not go

    async def run(self, command: Command, seconds: float) -> Reply:
        """Send one command and wait for its answer.

        Raises CallGone; TooSlow, GivenBack or RemoteProtocolError where the session ended but the
        caller may be there still; LocalProtocolError.
        """
        if self._transport is None or self._connection.closed or self._connection.hung_up:
            raise self._why()
        if self._fault is not None:
            raise self._fault
        line = self._connection.send(command)
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(line)
        try:
            async with asyncio.timeout(seconds):
                reply = await self._waiting
        except TimeoutError:
            self._fault = TooSlow(f"{command.verb}: nothing within {seconds:.1f} s")
            self.close()
            raise self._fault from None
        finally:
            self._waiting = None
        if reply.code == DEAD_CHANNEL:
            raise CallGone
        return reply

    def close(self) -> None:
        """Give the caller back to extensions."""
        self._fault = self._fault or GivenBack()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not peer or not ipaddress.ip_address(peer[0]).is_loopback:
            log.warning("agi_peer_refused", peer=str(peer))
            self._transport.abort()
            return
        if len(self._sessions) >= MOST_SESSIONS:
            log.error("agi_sessions_full", most=MOST_SESSIONS)
            self._transport.abort()
            return
        self._sessions.add(self)
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(ENVIRONMENT_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._connection.receive(data)
        except RemoteProtocolError as error:
            log.warning("agi_not_spoken", error=str(error))
            self._fault = error
            self._gone()
            if self._transport is not None:
                self._transport.abort()
            return
        for message in messages:
            match message:
                case Environment(values=values):
                    self.environment = values
                    self._start()
                case Reply():
                    if self._waiting is not None and not self._waiting.done():
                        self._waiting.set_result(message)
                case HangupNotice():
                    self._gone()

    def eof_received(self) -> bool:
        self._connection.receive_eof()
        self._gone()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._connection.receive_eof()
        self._sessions.discard(self)
        if self._patience is not None:
            self._patience.cancel()
        self._gone()

    def _start(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self.task = asyncio.get_running_loop().create_task(self._handle())

    async def _handle(self) -> None:
        try:
            await self._handler(self)
        except (CallGone, GivenBack) as error:
            log.info("agi_ended", why=type(error).__name__)
        except Exception:  # one call's fault must stay that call's
            log.exception("agi_handler_failed", uniqueid=self.environment.get("agi_uniqueid"))
        finally:
            self.close()

    def _gone(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(self._why())

    def _why(self) -> Exception:
        """What the end of the session means."""
        return CallGone() if self._connection.hung_up or self._fault is None else self._fault


class Server:
    """A listening FastAGI server and its sessions."""

    def __init__(self, server: asyncio.Server, sessions: set[AgiSession]) -> None:
        self._server = server
        self._sessions = sessions

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def drain(self) -> None:
        """Take no more calls; return when the dialogues that run have ended."""
        self._server.close()
        await asyncio.sleep(JUST_CONNECTED_S)  # who was let in a moment ago still says who it is
        if tasks := [task for session in self._sessions if (task := session.task) is not None]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Take no more calls, and give those in dialogue back to extensions."""
        self._server.close()
        for session in list(self._sessions):
            session.close()
        await self._server.wait_closed()


async def serve(host: str, port: int, handler: Handler) -> Server:
    """Listen; each connection that sends an AGI environment gets a ``handler`` of its own.

    The port may be shared with the process that is to follow this one.
    """
    sessions: set[AgiSession] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: AgiSession(handler, sessions), host, port, backlog=512, reuse_port=True
    )
    return Server(server, sessions)
