"""The Asterisk side of FastAGI over a real socket on loopback, and a small model of a channel.

``Peer`` says and hears bytes; a test may send anything, cut anywhere, close or keep silent. With a
``CallerChannel`` it answers like Asterisk does: variables are kept, a key pressed during a prompt
or a wait ends it.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

UNIQUEID = "1750000000.7"
USAGE = (
    "520-Invalid command syntax.  Proper usage follows:\n"
    "Usage: STREAM FILE filename escape_digits\n"
    "200 result=0\n"
    "\n"
    "520 End of proper usage.\n"
)
MAX_ARGS = 128


def parse_args(line: str) -> list[str]:
    """What Asterisk makes of a command: ``parse_args`` of res/res_agi.c, state by state."""
    found: list[str] = []
    quoted = escaped = False
    blank = True
    for character in line:
        if character == '"' and not escaped:
            quoted = not quoted
            if quoted and blank:
                found.append("")
                blank = False
        elif character in " \t" and not quoted and not escaped:
            blank = True
        elif character == "\\" and not escaped:
            escaped = True
        else:
            if blank:
                found.append("")
                blank = False
            found[-1] += character
            escaped = False
    assert len(found) < MAX_ARGS, "Asterisk would write behind its array of arguments"
    return found


def environment(
    script: str = "call", *arguments: str, uniqueid: str = UNIQUEID, **more: str
) -> bytes:
    """What Asterisk says first; ``more`` are further names without their ``agi_``."""
    said = {
        "network": "yes",
        "network_script": script,
        "request": f"agi://127.0.0.1:4573/{script}",
        "channel": "PJSIP/telkomsel-00000001",
        "uniqueid": uniqueid,
        "callerid": "+6281276123456",
        "calleridname": "unknown",
        "dnid": "112",
        "context": "siaga-panggilan",
        "accountcode": "",
        **{f"arg_{number}": value for number, value in enumerate(arguments, 1)},
        **more,
    }
    lines = "".join(f"agi_{name}: {value}\n" for name, value in said.items())
    return lines.encode() + b"\n"


@dataclass(slots=True)
class CallerChannel:
    """A channel and the caller on it. A prompt is known by the beginning of its file's name.

    ``pressed`` are the keys during prompts, one for each time a prompt is heard; ``waited`` those
    of the waits that follow. ``""`` presses nothing. ``said`` are the results of speech, one for each
    question that is listened to; where they are used up, nobody says anything more.
    """

    variables: dict[str, str] = field(default_factory=dict)
    pressed: Mapping[str, Iterable[str]] = field(default_factory=dict)
    waited: deque[str] = field(default_factory=deque)
    missing: frozenset[str] = frozenset()
    said: Iterable[str] = ()
    meanwhile: Callable[[list[str]], None] = lambda argv: None
    heard: list[str] = field(default_factory=list)
    _said: Iterator[str] = field(init=False)
    _left: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))

    def __post_init__(self) -> None:
        for name, keys in self.pressed.items():
            self._left[name].extend(keys)
        self._said = iter(self.said)

    def answer(self, argv: list[str]) -> str:
        self.meanwhile(argv)
        match argv:
            case ["SPEECH", "CREATE" | "SET" | "DESTROY", *_]:
                return "200 result=1\n"
            case ["SPEECH", "RECOGNIZE", path, *_]:
                self.heard.append(path)
                text = next(self._said, None)
                if text is None:
                    return "200 result=1 (timeout) endpos=0\n"
                result = f'results=1 score0=9 text0="{text}" grammar0=(null)'
                return f"200 result=1 (speech) endpos=0 {result}\n"
            case ["SET", "VARIABLE", name, value]:
                self.variables[name] = value
                return "200 result=1\n"
            case ["GET", "VARIABLE", name]:
                value = self.variables.get(name, "")
                return f"200 result=1 ({value})\n" if value else "200 result=0\n"
            case ["GET", "FULL", "VARIABLE", expression]:
                name, start, length = re.fullmatch(r"\$\{(\w+):(\d+):(\d+)\}", expression).groups()  # type: ignore[union-attr]
                piece = self.variables.get(name, "")[int(start) : int(start) + int(length)]
                return f"200 result=1 ({piece})\n"
            case ["STREAM", "FILE", path, keys]:
                return self._play(path, keys)
            case ["WAIT", "FOR", "DIGIT", _]:
                key = self.waited.popleft() if self.waited else ""
                return f"200 result={ord(key) if key else 0}\n"
            case ["STREAM" | "WAIT" | "GET" | "SET", *_]:
                return USAGE
        return "510 Invalid or unknown command\n"

    def _play(self, path: str, keys: str) -> str:
        if any(path.startswith(name) for name in self.missing):
            return "200 result=-1 endpos=0\n"
        self.heard.append(path)
        for name, left in self._left.items():
            if path.startswith(name) and left:
                key = left.popleft()
                if key and key in keys:
                    return f"200 result={ord(key)} endpos=4000\n"
        return "200 result=0 endpos=16000\n"


class Peer:
    """Asterisk's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.commands: list[list[str]] = []

    def send(self, data: bytes | str) -> None:
        self._writer.write(data.encode() if isinstance(data, str) else data)

    async def send_cut(self, data: bytes, *at: int) -> None:
        """These bytes in pieces, cut at these places, each handed over on its own."""
        places = [0, *sorted(at), len(data)]
        for start, end in itertools.pairwise(places):
            self._writer.write(data[start:end])
            await self._writer.drain()
            await asyncio.sleep(0)

    async def command(self) -> list[str] | None:
        """The words of the next command; None once the engine has closed the session."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        assert line.endswith(b"\n") and len(line) < 8192, "Asterisk would cut this line"
        argv = parse_args(line[:-1].decode())
        self.commands.append(argv)
        return argv

    async def expect(self, *words: str) -> list[str]:
        """The next command, which must begin with these words."""
        argv = await self.command()
        assert argv is not None and argv[: len(words)] == list(words), argv
        return argv

    async def play(self, channel: CallerChannel) -> None:
        """Answer every command by the channel until the engine closes the session."""
        while (argv := await self.command()) is not None:
            self.send(channel.answer(argv))

    async def play_until(self, channel: CallerChannel, *words: str) -> list[str]:
        """Answer every command up to the one that begins so, which is left without an answer."""
        while (argv := await self.command()) is not None:
            if argv[: len(words)] == list(words):
                return argv
            self.send(channel.answer(argv))
        raise AssertionError(f"the session ended before {words}")

    def hang_up(self) -> None:
        """The caller hung up: Asterisk says so on a line of its own and keeps the socket open."""
        self.send("HANGUP\n")

    def end(self) -> None:
        """Say no more, and leave the other direction open."""
        self._writer.write_eof()

    def drop(self) -> None:
        """Break the connection without a word."""
        self._writer.transport.abort()

    async def rest(self) -> bytes:
        """What else the engine sends, until it has closed."""
        try:
            return await self._reader.read()
        except ConnectionError:
            return b""


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Peer]:
    """A connection that has said nothing yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def calling(
    port: int, script: str = "call", *arguments: str, uniqueid: str = UNIQUEID, **more: str
) -> AsyncIterator[Peer]:
    """A connection that has sent its environment."""
    async with connected(port) as peer:
        peer.send(environment(script, *arguments, uniqueid=uniqueid, **more))
        yield peer
