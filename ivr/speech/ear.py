"""The controller's line to the speech process: what a caller is asked, and whether anybody listens.

Nothing here is awaited in a call. A speech process that is not there, or whose beats stop, is no
listener from that moment on; callers then have their keys. The line is tried again for ever.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from ivr.flow.spoken import Vocabulary
from ivr.speech.wire import CONTROLLER, SILENT_S, Question, question_to_json

OPEN_S = 2.0
PAUSE_S = 0.25
"""Between two tries: a speech process that starts again is heard this soon."""

LATE_BEAT_S = 0.02
"""Where our own loop was late, the beat has come already and is only to be read."""

MOST_WAITING = 200

log = structlog.get_logger(__name__)


class Ear:
    """One line to the speech process on this machine, kept by ``follow``."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._on_silence: Callable[[], None] = lambda: None
        self._hears = False
        self._to_say: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self._questions: dict[str, Question] = {}
        self.losses = 0
        self.unanswered = 0  # questions for which the relay had to answer itself

    def listens(self) -> bool:
        """Whether the speech process gave a sign of life a moment ago."""
        return self._hears

    def on_silence(self, told: Callable[[], None]) -> None:
        """Call this at the moment from which nobody listens any more."""
        self._on_silence = told

    def ask(self, vocabulary: Vocabulary, prompt_s: float, wait_s: float, *, bargein: bool) -> str:
        """Say what a caller is about to be asked; the id under which an answer will come."""
        question = Question(secrets.token_hex(8), vocabulary, prompt_s, wait_s, bargein)
        self._questions[question.id] = question
        self._say({"ask": question_to_json(question)})
        return question.id

    def drop(self, question_id: str) -> None:
        """The answer is there, or is not wanted any more."""
        if self._questions.pop(question_id, None) is not None:
            self._say({"drop": question_id})

    def question(self, question_id: str) -> Question | None:
        """What was asked under this id, as long as it is not answered."""
        return self._questions.get(question_id)

    async def follow(self) -> None:
        """Keep the line, until cancelled."""
        while True:
            try:
                async with connect(
                    f"ws://127.0.0.1:{self._port}",
                    subprotocols=[CONTROLLER],  # type: ignore[list-item]
                    compression=None,
                    open_timeout=OPEN_S,
                    close_timeout=PAUSE_S,
                    ping_interval=None,
                    proxy=None,
                ) as line:
                    await self._talk(line)
            except (OSError, TimeoutError, WebSocketException):
                pass
            await asyncio.sleep(PAUSE_S)

    async def _talk(self, line: ClientConnection) -> None:
        while not self._to_say.empty():
            self._to_say.get_nowait()  # of questions that nobody heard
        saying = asyncio.create_task(self._send(line))
        try:
            await line.recv()
            self._hears = True
            log.info("speech_listens")
            while await _beats(line):
                pass
        finally:
            saying.cancel()
            if self._hears:
                self._hears = False
                self.losses += 1
                log.error("speech_lost", losses=self.losses)
                self._on_silence()
            line.transport.abort()  # who hangs answers no closing either

    async def _send(self, line: ClientConnection) -> None:
        while True:
            await line.send(await self._to_say.get())

    def _say(self, said: object) -> None:
        if self._hears and not self._to_say.full():
            self._to_say.put_nowait(json.dumps(said))


async def _beats(line: ClientConnection) -> bool:
    """Whether there was a beat in time."""
    for seconds in (SILENT_S, LATE_BEAT_S):
        try:
            async with asyncio.timeout(seconds):
                await line.recv()
                return True
        except TimeoutError:
            continue
    return False
