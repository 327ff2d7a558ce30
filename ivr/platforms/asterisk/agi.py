"""The AGI protocol without a socket: bytes in, messages out; commands in, bytes out.

Facts it rests on (res/res_agi.c of Asterisk 22, each with a test):

* One command may be in flight. A second one stops the first, whose answer is then never sent.
* ``HANGUP`` comes on a line of its own at any moment, also between a command and its answer. It is
  a notice, never an answer.
* ``result=-1`` is not a hang-up: STREAM FILE says it for a missing sound file, too.
* Values are not escaped in answers and may hold ``)``; so a value ends at the last ``)``.
* A line over 8191 bytes is cut, and its tail runs as a new command. So does whatever follows a line
  feed inside an argument. Both are refused here, before they are sent.
* In an argument ``"`` toggles quoting and ``\\`` takes the next byte as it is; nothing else matters.
* 511 means the channel is dead. A 520 answer spans lines, until its own closing line.
* SPEECH RECOGNIZE answers in a form of its own: the reason in parentheses, a key as a letter and not
  as a number, and what was recognised between quotes, unescaped, before a grammar that is never ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST_COMMAND = 8000
MOST_ARGUMENTS = 127
"""Words of a command. Asterisk's array has 128 places, the last for its end; it counts no quoted ones."""

LONGEST_LINE = 16_384
LONGEST_ENVIRONMENT = 200
LONGEST_ANSWER_LINES = 400

DEAD_CHANNEL = 511
USAGE = 520

_FORBIDDEN = re.compile(r"[\r\n\0\ud800-\udfff]")
_VERB = re.compile(r"[A-Z]+( [A-Z]+)*")
_ANSWER = re.compile(r"(\d{3}) (.*)", re.DOTALL)
_RESULT = re.compile(r"result=(-?\w*)\s?(.*)", re.DOTALL)
_KEY = re.compile(r"[0-9]{1,3}")
_ENDPOS = re.compile(r"endpos=([0-9]{1,18})")
_RECOGNISED = re.compile(r"result=1 \((\w+)\)(?: digit=(.))? endpos=(-?[0-9]{1,18})(.*)", re.DOTALL)
_TEXT_BEGINS, _TEXT_ENDS = ' text0="', '" grammar0='
RECOGNISE = "SPEECH RECOGNIZE"
KEYS = "0123456789*#ABCD"


class AgiError(Exception):
    """Base of the two families below."""


class LocalProtocolError(AgiError):
    """We are wrong: a command that must not be sent, or not now. Nothing was sent."""


class RemoteProtocolError(AgiError):
    """The other side does not speak AGI. It is logged: so it quotes nothing that a caller may have said."""


@dataclass(frozen=True, slots=True)
class Command:
    """One AGI command: an upper-case verb and its arguments, unquoted."""

    verb: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """What Asterisk says of the call when it connects (``agi_uniqueid``, ``agi_callerid`` …)."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the command in flight. ``data`` is what stood in parentheses, if anything.

    ``recognised`` is the text of what a caller said, where a SPEECH RECOGNIZE ended with one.
    """

    code: int
    result: str = ""
    data: str | None = None
    endpos: int | None = None
    text: str = ""
    recognised: str | None = None
    key: str = ""  # told as a letter

    @property
    def digit(self) -> str:
        """The key that ended a prompt or a wait; empty where none did."""
        if self.key:
            return self.key if self.key in KEYS else ""
        if self.code == 200 and _KEY.fullmatch(self.result):
            key = chr(int(self.result))
            return key if key in KEYS else ""
        return ""


@dataclass(frozen=True, slots=True)
class HangupNotice:
    """The caller hung up. The command in flight, if any, still gets its answer or the socket ends."""


Message = Environment | Reply | HangupNotice


def encode(command: Command) -> bytes:
    """The bytes of a command, ending in its line feed; raises LocalProtocolError.

    Every argument is quoted, so that an empty one keeps its place.
    """
    if not _VERB.fullmatch(command.verb):
        raise LocalProtocolError(f"{command.verb!r} is no AGI verb")
    if len(command.verb.split()) + len(command.arguments) > MOST_ARGUMENTS:
        raise LocalProtocolError(f"{command.verb} with {len(command.arguments)} arguments")
    for argument in command.arguments:
        if _FORBIDDEN.search(argument):
            raise LocalProtocolError(f"a line end, NUL or no text in an argument of {command.verb}")
    quoted = (
        '"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for argument in command.arguments
    )
    line = " ".join((command.verb, *quoted)).encode() + b"\n"
    if len(line) > LONGEST_COMMAND:
        raise LocalProtocolError(f"{command.verb} of {len(line)} bytes")
    return line


@dataclass(slots=True)
class AgiConnection:
    """One AGI session's side of the protocol. Owns no socket and no clock."""

    in_flight: Command | None = None
    hung_up: bool = False
    closed: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _environment: dict[str, str] | None = field(default_factory=dict)
    _usage: list[str] | None = None

    def send(self, command: Command) -> bytes:
        """The bytes to write. Raises LocalProtocolError, and then nothing has changed."""
        if self._environment is not None:
            raise LocalProtocolError("a command before the environment was complete")
        if self.closed:
            raise LocalProtocolError("a command after the end of the session")
        if self.in_flight is not None:
            raise LocalProtocolError(f"{command.verb} while {self.in_flight.verb} is in flight")
        line = encode(command)
        self.in_flight = command
        return line

    def receive(self, data: bytes) -> list[Message]:
        """The messages that are complete now. Raises RemoteProtocolError."""
        self._buffer += data
        messages: list[Message] = []
        while 0 <= (end := self._buffer.find(b"\n")) <= LONGEST_LINE:
            line = self._buffer[:end].decode("utf-8", "replace").rstrip("\r")
            del self._buffer[: end + 1]
            message = self._line(line)
            if message is not None:
                messages.append(message)
        if len(self._buffer) > LONGEST_LINE:
            raise RemoteProtocolError("a line too long")
        return messages

    def receive_eof(self) -> None:
        """The other side closed. What was half said is dropped."""
        self.closed = True
        self._buffer.clear()

    def _line(self, line: str) -> Message | None:
        if self._environment is not None:
            return self._environment_line(line, self._environment)
        if self._usage is not None:
            return self._usage_line(line, self._usage)
        if line == "HANGUP":
            self.hung_up = True
            return HangupNotice()
        if not line:
            return None
        found = _ANSWER.fullmatch(line)
        if found is None and line.startswith(f"{USAGE}-"):
            self._usage = [line[4:]]
            return None
        if found is None:
            raise RemoteProtocolError(f"no answer: a line of {len(line)} characters")
        if found[1] == "100":
            return None
        return self._answer(int(found[1]), found[2])

    def _environment_line(self, line: str, environment: dict[str, str]) -> Environment | None:
        if not line and environment:
            self._environment = None
            return Environment(environment)
        name, colon, value = line.partition(":")
        if not colon or not name.startswith("agi_") or len(environment) >= LONGEST_ENVIRONMENT:
            raise RemoteProtocolError(f"no environment: {line[:60]!r}")
        environment[name] = value.removeprefix(" ")
        return None

    def _usage_line(self, line: str, usage: list[str]) -> Reply | None:
        if line.startswith(f"{USAGE} "):
            self._usage = None
            return self._answer(USAGE, "\n".join(usage))
        usage.append(line)
        if len(usage) > LONGEST_ANSWER_LINES:
            raise RemoteProtocolError("a usage text that does not end")
        return None

    def _answer(self, code: int, text: str) -> Reply:
        if self.in_flight is None:
            raise RemoteProtocolError(f"an answer to nothing: {code}, and {len(text)} characters")
        verb, self.in_flight = self.in_flight.verb, None
        if verb == RECOGNISE and (spoken := _RECOGNISED.fullmatch(text)):
            return _recognised(code, text, spoken)
        found = _RESULT.match(text)
        if found is None:
            return Reply(code, text=text)
        rest = found[2]
        data = None
        if rest.startswith("(") and ")" in rest:
            end = rest.rindex(")")
            data, rest = rest[1:end], rest[end + 1 :]
        endpos = _ENDPOS.search(rest)
        return Reply(code, found[1], data, int(endpos[1]) if endpos else None, text)


def _recognised(code: int, text: str, found: re.Match[str]) -> Reply:
    """The answer of SPEECH RECOGNIZE; of several results the first counts, and we give but one."""
    reason, key, endpos, rest = found.groups()
    begins, ends = rest.find(_TEXT_BEGINS), rest.rfind(_TEXT_ENDS)
    recognised = None
    if reason == "speech" and begins >= 0 and begins + len(_TEXT_BEGINS) <= ends:
        recognised = rest[begins + len(_TEXT_BEGINS) : ends]
    return Reply(code, "1", reason, max(0, int(endpos)), text, recognised, key or "")
