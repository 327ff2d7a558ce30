"""The two kinds of client of the speech process, as their messages mean it (see wire.py).

Nothing that comes in is believed: a client of Asterisk's kind that says what cannot be is cut off, and
its caller has keys; a controller's message that cannot be used is logged and passed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from ivr.flow.spoken import Heard, Nothing
from ivr.speech.answering import Answering, IsSpeech
from ivr.speech.counts import Counts
from ivr.speech.pool import Pool
from ivr.speech.trouble import Trouble
from ivr.speech.wire import ASK, BEAT_S, SPOKE, Question, question_from_json, to_text

VERSION = "0.1."
"""Asterisk speaks 0.1.0."""

CODECS = ("slin", "ulaw")
"""What may be agreed on. ``SPEECH RECOGNIZE`` of AGI sends signed linear, 16 bit, little-endian, 8000 a
second, whichever of the two was: seen with Asterisk 22, and res_agi.c sets it so."""

MOST_AUDIO = 8000  # bytes of one frame; half a second
MOST_TEXT = 16 * 1024  # bytes of one message of Asterisk
MOST_QUESTIONS = 1000
MOST_LISTENING = 64
"""Callers listened to at once; whoever comes then has keys."""

EXPIRES_S = 60.0
LONGEST_PROMPT_S = 120.0
LONGEST_WAIT_S = 60.0
LONGEST_ID = 100
KINDS = ("menu", "place", "yes_no", "digits")
CHOICES = ("menu", "yes_no")

log = structlog.get_logger(__name__)


class Switchboard:
    """What is shared by all connections: the questions, who listens, and the workers."""

    def __init__(self, pool: Pool, is_speech: IsSpeech) -> None:
        self.pool, self.is_speech = pool, is_speech
        self.counts = Counts()
        self.trouble = Trouble()
        self.listening: dict[str, Line] = {}
        self._questions: dict[str, tuple[Question, asyncio.TimerHandle]] = {}

    def ask(self, question: Question) -> None:
        """Remember it until it is answered, dropped, or long past. Raises ValueError where it is too much."""
        self._taken(question.id)
        if len(self._questions) >= MOST_QUESTIONS:
            raise ValueError("too many questions")
        forget = asyncio.get_running_loop().call_later(EXPIRES_S, self._taken, question.id)
        self._questions[question.id] = question, forget

    def take(self, number: str) -> Question | None:
        """The question, which is not there any more afterwards."""
        return self._taken(number)

    def drop(self, number: str) -> None:
        """No answer to it is wanted."""
        self._taken(number)
        if line := self.listening.get(number):
            line.drop()

    def _taken(self, number: str) -> Question | None:
        question, forget = self._questions.pop(number, (None, None))
        if forget is not None:
            forget.cancel()
        return question


class Line:
    """A connection of Asterisk: one caller, one question after the other."""

    def __init__(self, connection: ServerConnection, switchboard: Switchboard) -> None:
        self._connection, self._switchboard = connection, switchboard
        self._ready = False
        self._number = ""
        self._kind = ""  # of the question; empty where nobody said what is asked
        self._answering: Answering | None = None
        self._ids: Iterator[int] = itertools.count(1)
        self._sending: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until either side closes. Raises ValueError for what Asterisk would never say."""
        try:
            async for message in self._connection:
                if isinstance(message, bytes):
                    self._hear(message)
                elif (answer := self._said(message)) is not None:
                    await self._connection.send(orjson.dumps(answer).decode())
        finally:
            self._end()

    def drop(self) -> None:
        """A key was first, or the caller is gone."""
        self._end()

    def _hear(self, message: bytes) -> None:
        if len(message) > MOST_AUDIO or len(message) % 2:
            raise ValueError(f"{len(message)} bytes are no audio")
        if self._answering is not None:
            self._answering.hear(np.frombuffer(message, np.dtype("<i2")).astype(np.int16))

    def _said(self, message: str) -> dict[str, Any] | None:
        """What to say to it; None to an answer to ours. Raises ValueError."""
        if len(message) > MOST_TEXT:
            raise ValueError("a message too long")
        said = orjson.loads(message)
        if not isinstance(said, dict):
            raise ValueError("no object")
        if "response" in said:
            if "error_msg" in said:
                log.error("answer_refused", error=str(said["error_msg"])[:200])
            return None
        request, number = said.get("request"), said.get("id")
        if not isinstance(request, str) or not isinstance(number, str) or len(number) > LONGEST_ID:
            raise ValueError("no request")
        if request == "setup":
            return {"id": number, **self._set_up(said)}
        if request == "set" and self._ready:
            params = said.get("params")
            self._set(params if isinstance(params, dict) else {})
            return {"response": "set", "id": number}
        return _refusal(request[:LONGEST_ID], "not supported") | {"id": number}

    def _set_up(self, said: dict[str, Any]) -> dict[str, Any]:
        if not str(said.get("version", "")).startswith(VERSION):
            return _refusal("setup", "only version 0.1 is spoken here")
        codecs = said.get("codecs")
        names = [
            one.get("name")
            for one in (codecs if isinstance(codecs, list) else [])
            if isinstance(one, dict)
        ]
        agreed = next((name for name in CODECS if name in names), None)
        if agreed is None:
            return _refusal("setup", "only 8 kHz signed linear is understood")
        self._ready = True
        return {"response": "setup", "codecs": [{"name": agreed}]}

    def _set(self, params: dict[str, Any]) -> None:
        """Begin an answer, where that is what is set. Nothing else that Asterisk may set is of use here."""
        asked = params.get(ASK)
        if not isinstance(asked, str):
            return
        self._end()
        switchboard = self._switchboard
        question = switchboard.take(asked)
        switchboard.counts.asked += 1
        if question is None:
            log.error("unknown_question")
        self._number = asked
        self._kind = question.vocabulary.kind if question is not None else ""
        self._answering = Answering(
            question, switchboard.pool, switchboard.is_speech, self._deliver, self._spoke
        )
        if len(switchboard.listening) >= MOST_LISTENING:
            self._answering.refuse()
        switchboard.listening[asked] = self

    def _deliver(self, answer: Heard | Nothing) -> None:
        self._forget()
        self._switchboard.counts.answered(answer)
        if self._kind:
            self._switchboard.trouble.answered(answer, asyncio.get_running_loop().time())
        _log(self._kind, answer)
        confidence = answer.confidence if isinstance(answer, Heard) else 0.0
        self._result(to_text(answer), round(100 * confidence))

    def _spoke(self) -> None:
        self._switchboard.counts.spoke += 1
        self._result(SPOKE, 100)

    def _result(self, text: str, score: int) -> None:
        message = {
            "request": "set",
            "id": str(next(self._ids)),
            "params": {ASK: self._number, "results": [{"text": text, "score": score}]},
        }
        sending = asyncio.create_task(self._send(orjson.dumps(message).decode()))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _send(self, message: str) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed:
            log.info("caller_gone")

    def _end(self) -> None:
        if self._answering is not None:
            self._answering.close()
            self._switchboard.counts.unwanted += 1
            self._forget()

    def _forget(self) -> None:
        self._answering = None
        if self._switchboard.listening.get(self._number) is self:
            del self._switchboard.listening[self._number]


async def serve_controller(connection: ServerConnection, switchboard: Switchboard) -> None:
    """Take in its questions, and give it signs of life, until it goes."""
    beating = asyncio.create_task(_beat(connection))
    try:
        async for message in connection:
            try:
                _take(orjson.loads(message), switchboard)
            except (ValueError, KeyError, TypeError) as error:
                log.error("controller_not_understood", error=str(error)[:200])
    finally:
        beating.cancel()


async def _beat(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        for number in itertools.count(1):
            await connection.send(f'{{"beat": {number}}}')
            await asyncio.sleep(BEAT_S)


def _take(said: dict[str, Any], switchboard: Switchboard) -> None:
    if "ask" in said:
        switchboard.ask(_checked(question_from_json(said["ask"])))
    elif isinstance(said["drop"], str):
        switchboard.drop(said["drop"])


def _checked(question: Question) -> Question:
    for seconds, longest in (
        (question.prompt_s, LONGEST_PROMPT_S),
        (question.wait_s, LONGEST_WAIT_S),
    ):
        if not math.isfinite(seconds) or not 0 <= seconds <= longest:
            raise ValueError(f"a question of {seconds} s")
    vocabulary = question.vocabulary
    phrases = (*vocabulary.options, *vocabulary.places)
    if not all(isinstance(one.text, str) and isinstance(one.value, str) for one in phrases):
        raise ValueError("a phrase that is no text")
    if vocabulary.kind not in KINDS or len(question.id) > LONGEST_ID:
        raise ValueError("no such kind of question, or an id too long")
    return question


def _refusal(request: str, why: str) -> dict[str, Any]:
    log.error("request_refused", request=request, why=why)
    return {"response": request, "error_msg": why}


def _log(kind: str, answer: Heard | Nothing) -> None:
    """What was said is personal, and so are digits and places: only a choice is logged for what it is."""
    if isinstance(answer, Heard):
        log.info(
            "heard",
            kind=kind,
            option=answer.option if kind in CHOICES else bool(answer.option),
            confidence=round(answer.confidence, 3),
            place=bool(answer.place),
            engine=answer.engine,
        )
    else:
        log.info("nothing_heard", kind=kind, reason=answer.reason)
