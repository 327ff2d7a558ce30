"""An AMI server that says what a test tells it to, over a real socket on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def message(**headers: str) -> bytes:
    """One AMI message."""
    return "".join(f"{key}: {value}\r\n" for key, value in headers.items()).encode() + b"\r\n"


class Peer:
    """The server's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def action(self) -> dict[str, str]:
        """The next action that the client sent, whatever it is."""
        text = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        return dict(line.split(": ", 1) for line in text.split("\r\n") if line)

    async def expect(self, name: str) -> dict[str, str]:
        """The next action, which must be this one."""
        said = await self.action()
        assert said["Action"] == name, said
        return said

    def send(self, data: bytes) -> None:
        """These bytes, in one segment where they are few."""
        self._writer.write(data)

    def answer(self, action: dict[str, str], response: str = "Success", **headers: str) -> None:
        self.send(message(Response=response, ActionID=action["ActionID"], **headers))

    async def log_in(self, response: str = "Success") -> dict[str, str]:
        """The banner, and an answer to the login that follows."""
        self.send(BANNER)
        login = await self.expect("Login")
        self.answer(login, response, Message="Authentication")
        return login

    async def rest(self) -> bytes:
        """What else the client sends, until it has closed the connection."""
        try:
            return await self._reader.read()
        except ConnectionError:
            return b""

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._writer.transport.abort()


class FakeAmi:
    """Takes connections one after the other; ``accepted`` gives each to the test."""

    def __init__(self, bound: socket.socket) -> None:
        self._bound = bound
        self.port: int = bound.getsockname()[1]
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []
        self.connections = 0
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Take connections from now on; until then they are refused."""
        self._server = await asyncio.start_server(self._take, sock=self._bound)

    async def accepted(self) -> Peer:
        """The next connection."""
        return await self._peers.get()

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        else:
            self._bound.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        self._peers.put_nowait(Peer(reader, writer))


@asynccontextmanager
async def fake_ami(*, listening: bool = True) -> AsyncIterator[FakeAmi]:
    """A server on a port of its own. ``listening=False`` holds the port and refuses connections."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = FakeAmi(bound)
    if listening:
        await server.listen()
    try:
        yield server
    finally:
        await server.close()
