"""Between Asterisk and the speech process, in the controller: whatever happens there, a caller's keys
work on.

Asterisk must never be left alone with a recogniser that dies or hangs. It waits a whole second for a
peer that is gone, without a sound and deaf to keys, and for ever for one that takes its connection and
says no more. So it talks to us (AEAP, ``speech_to_text``), as we talk to the speech process: audio and
questions go on as they come, results come back. What we answer ourselves is what must not be waited
for: the connection, each setting, and, where nobody will answer any more, ``Nothing``.

A result is held back until Asterisk listens. One that comes before is thrown away by its next
SPEECH RECOGNIZE, which then waits for nothing; audio arrives exactly while one runs. A caller's line may
be without audio, so after ``LISTENS_S`` Asterisk is taken to listen.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.http11 import Request, Response

from ivr.flow.spoken import ANSWER_S, Nothing
from ivr.speech.ear import Ear
from ivr.speech.wire import ASK, ASTERISK, SPOKE, to_text

OPEN_S = 0.25
"""The speech process takes a line within milliseconds, or it is as good as gone."""

LISTENS_S = 1.0
"""So long after a question was set, or the prompt was stopped, Asterisk certainly runs its command: the
controller sends it within milliseconds."""

UNKNOWN_S = 30.0
"""The time of a question that another controller asked."""

MOST_CALLERS = 64
"""More at once have their keys alone: this costs the loop that answers everybody's keys 50 messages a
second for each."""

log = structlog.get_logger(__name__)


class Relay:
    """Takes a line from Asterisk for each caller who is listened to."""

    def __init__(
        self,
        ear: Ear,
        speech_port: int,
        *,
        key: str,
        most_callers: int = MOST_CALLERS,
        answer_s: float = ANSWER_S,
    ) -> None:
        """``key`` is the path under which our own Asterisk calls: of engines that share a port by mistake
        none takes the callers of another."""
        self._ear = ear
        self._key = key
        self._most_callers = most_callers
        self._answer_s = answer_s
        self._speech_port = speech_port
        self._lines: set[_Line] = set()
        self.refused = 0
        self._server: Server | None = None
        ear.on_silence(self._nobody_listens)

    @contextlib.asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[None]:
        """Take lines on this port of loopback. It may be shared with the process that is to follow."""
        async with serve(
            self._caller,
            "127.0.0.1",
            port,
            process_request=self._refusal,
            subprotocols=[ASTERISK],  # type: ignore[list-item]
            compression=None,
            ping_interval=None,
            close_timeout=OPEN_S,
            reuse_port=True,
        ) as self._server:
            yield

    def leave_to_another(self) -> None:
        """Take no more lines on the port, and keep those that are there."""
        if self._server is not None:
            self._server.server.close()  # its sockets alone: the lines are not ended by it

    def _refusal(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != f"/{self._key}":
            log.error("somebody_elses_caller")
            return connection.respond(HTTPStatus.FORBIDDEN, "")
        if self._ear.listens() and len(self._lines) < self._most_callers:
            return None
        self.refused += 1
        log.warning("not_listened_to", callers=len(self._lines), refused=self.refused)
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")

    async def _caller(self, asterisk: ServerConnection) -> None:
        line = _Line(asterisk, self._ear, self._speech_port, self._answer_s)
        self._lines.add(line)
        try:
            async for message in asterisk:
                if isinstance(message, bytes):
                    await line.audio(message)
                else:
                    await line.told(json.loads(message))
        except (ConnectionClosed, ValueError, KeyError, TypeError) as error:
            log.warning("speech_line_ended", error=f"{type(error).__name__}: {error}")
        finally:
            self._lines.discard(line)
            line.leave()

    def _nobody_listens(self) -> None:
        waiting = [line for line in self._lines if line.waits]
        if waiting:
            log.error("callers_not_heard", callers=len(waiting))
        for line in self._lines:
            line.leave()


class _Line:
    """One caller: the question that is open, and the way its answer comes back."""

    def __init__(
        self, asterisk: ServerConnection, ear: Ear, speech_port: int, answer_s: float
    ) -> None:
        self._asterisk = asterisk
        self._ear = ear
        self._speech_port = speech_port
        self._answer_s = answer_s
        self._speech: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._flushing: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._numbers = itertools.count()
        self._held: deque[str] = deque()
        self._question_id = ""
        self._known = False  # whether it was this controller that asked
        self._listens_at = 0.0  # from then on Asterisk listens, with or without audio
        self._listening = False  # audio has come since the last result, or since the question
        self._in_flight = ""  # the id of a result that Asterisk has not acknowledged
        self.waits = False

    async def audio(self, samples: bytes) -> None:
        """20 ms of what the caller says: 160 samples, signed 16 bit, little-endian."""
        if not self._in_flight:
            self._listening = True
            await self._flush()
        if self._speech is not None:
            try:
                await self._speech.send(samples)
            except ConnectionClosed:
                self.leave()

    async def told(self, said: dict[str, Any]) -> None:
        """A message of Asterisk's."""
        match said:
            case {"request": "setup", "id": number, "codecs": codecs}:
                await self._say({"response": "setup", "id": number, "codecs": codecs})
            case {"request": "set", "id": number, "params": {"ask": question_id}}:
                await self._asked(str(question_id))
                await self._say({"response": "set", "id": number})
                self._expect_to_listen()
            case {"request": "get", "id": number}:
                # It asks where a result was empty, and waits for a second for the answer.
                await self._say({"response": "get", "id": number, "params": {"results": []}})
            case {"request": request, "id": number}:
                await self._say({"response": request, "id": number})
            case {"response": "set", "id": number} if number == self._in_flight:
                self._in_flight = ""
                self._expect_to_listen()

    def leave(self) -> None:
        """There is no speech process any more; whoever waits for its answer waits no longer."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if self._speech is not None:
            self._speech.transport.abort()
            self._speech = None
        self._give_up("failed")

    async def _asked(self, question_id: str) -> None:
        self._held.clear()
        self._expect_to_listen()
        self._listening, self._in_flight, self.waits = False, "", True
        if self._overdue is not None:
            self._overdue.cancel()
        self._question_id = question_id
        question = self._ear.question(question_id)
        self._known = question is not None
        longest = question.prompt_s + question.wait_s if question else UNKNOWN_S
        self._overdue = asyncio.get_running_loop().call_later(
            longest + self._answer_s, self._give_up, "late"
        )
        try:
            if self._speech is None:
                self._speech = await self._connected()
                self._reading = asyncio.create_task(self._read(self._speech))
            asked = {"request": "set", "id": self._number(), "params": {ASK: question_id}}
            await self._speech.send(json.dumps(asked))
        except (OSError, TimeoutError, WebSocketException):
            self.leave()

    async def _connected(self) -> ClientConnection:
        speech = await connect(
            f"ws://127.0.0.1:{self._speech_port}",
            subprotocols=[ASTERISK],  # type: ignore[list-item]
            compression=None,
            open_timeout=OPEN_S,
            close_timeout=OPEN_S,
            ping_interval=None,
            proxy=None,
        )
        setup = {"version": "0.1.0", "codecs": [{"name": "slin"}], "params": {}}
        await speech.send(json.dumps({"request": "setup", "id": self._number(), **setup}))
        return speech

    async def _read(self, speech: ClientConnection) -> None:
        """Bring back what the speech process says."""
        try:
            async for message in speech:
                said = json.loads(message)
                match said:
                    case {"request": "set", "params": {"results": [{"text": str(text)}, *_]}}:
                        await speech.send(json.dumps({"response": "set", "id": said.get("id")}))
                        if said["params"].get(ASK) == self._question_id:
                            await self._result(text)
        except (ConnectionClosed, ValueError) as error:
            log.warning("speech_line_broken", error=type(error).__name__)
        self._reading = None
        self.leave()

    async def _result(self, text: str) -> None:
        if not self.waits:
            return  # answered already, by us
        self.waits = text == SPOKE
        self._held.append(text)
        self._flush_when_it_listens()

    def _give_up(self, reason: str) -> None:
        if not self.waits:
            return
        self.waits = False
        if self._known and self._ear.question(self._question_id) is None:
            return  # a key was first
        self._ear.unanswered += 1
        log.warning("not_answered", reason=reason, unanswered=self._ear.unanswered)
        self._held.append(to_text(Nothing("late" if reason == "late" else "failed")))
        self._flush_when_it_listens()

    def _expect_to_listen(self) -> None:
        self._listens_at = asyncio.get_running_loop().time() + LISTENS_S
        self._flush_when_it_listens()

    def _flush_when_it_listens(self) -> None:
        """What is held goes out with the next audio, or where there is none, in a moment."""
        if self._flushing is not None:
            self._flushing.cancel()
        if self._held:
            at = 0.0 if self._listening else self._listens_at
            self._flushing = asyncio.get_running_loop().call_at(at, self._begin_flush)

    def _begin_flush(self) -> None:
        if not self._in_flight:
            self._sending = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        if not self._held:
            return
        self._listening, self._in_flight = False, self._number()
        result = {"text": self._held.popleft(), "score": 100}
        params = {"results": [result]}
        with contextlib.suppress(ConnectionClosed):
            await self._say({"request": "set", "id": self._in_flight, "params": params})

    async def _say(self, said: dict[str, Any]) -> None:
        await self._asterisk.send(json.dumps(said))

    def _number(self) -> str:
        return f"siaga-{next(self._numbers)}"
