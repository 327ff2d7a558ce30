"""Between Asterisk and the speech process: both ends here are real websockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs
from tcp import free_port
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from ivr.flow.spoken import Heard, Nothing, Phrase, Vocabulary
from ivr.speech import ear as beats
from ivr.speech import relay
from ivr.speech.ear import Ear
from ivr.speech.relay import Relay
from ivr.speech.wire import (
    ASTERISK,
    BEAT_S,
    CONTROLLER,
    SPOKE,
    Question,
    from_text,
    question_from_json,
    to_text,
)

VOCABULARY = Vocabulary("menu", (Phrase("kebakaran", "1"),))
FIRE = Heard("kebakaran", "1", 0.9)
AUDIO = bytes(320)
KEY = "ours"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What fails here on purpose fails without a page of log."""
    with capture_logs():
        yield


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time to connect; what happens is in question here, and in which order."""
    monkeypatch.setattr(relay, "OPEN_S", 5.0)


@pytest.fixture
def _listens_with_audio_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk is never taken to listen because time went by."""
    monkeypatch.setattr(relay, "LISTENS_S", 60.0)


@pytest.fixture
def _no_beat_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a beat waits longer than any test."""
    monkeypatch.setattr(beats, "SILENT_S", 60.0)


def within_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 10.0))

    run.__name__ = test.__name__
    return run


@dataclass
class Speech:
    """A speech process that does what a test tells it to."""

    questions: dict[str, Question] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    last: str = ""
    asked: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    audio: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    taken: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    beats: bool = True
    lines: list[ServerConnection] = field(default_factory=list)

    async def serve(self, connection: ServerConnection) -> None:
        if connection.subprotocol == CONTROLLER:
            await self._controller(connection)
            return
        self.lines.append(connection)
        async for message in connection:
            if isinstance(message, bytes):
                self.audio.put_nowait(message)
                continue
            said = json.loads(message)
            if said.get("request") == "set":
                self.last = said["params"]["ask"]
                self.asked.put_nowait(self.last)
            if said.get("response") == "set":
                self.taken.put_nowait(said["id"])
            if "request" in said:
                await connection.send(json.dumps({"response": said["request"], "id": said["id"]}))

    async def _controller(self, connection: ServerConnection) -> None:
        async def beat() -> None:
            while True:
                if self.beats:
                    await connection.send(json.dumps({"beat": 1}))
                await asyncio.sleep(BEAT_S)

        beating = asyncio.create_task(beat())
        try:
            async for message in connection:
                said = json.loads(message)
                if "ask" in said:
                    question = question_from_json(said["ask"])
                    self.questions[question.id] = question
                else:
                    self.dropped.append(said["drop"])
        finally:
            beating.cancel()

    async def result(self, text: str, question_id: str | None = None) -> None:
        """Say it; back when the relay has taken it."""
        results = [{"text": text, "score": 9}]
        params = {"ask": question_id or self.last, "results": results}
        said = {"request": "set", "id": "r", "params": params}
        await self.lines[-1].send(json.dumps(said))
        await self.taken.get()


@dataclass
class Asterisk:
    """The side of ``res_speech_aeap``."""

    line: ClientConnection

    async def told(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(await self.line.recv())
        return said

    async def request(self, **said: Any) -> dict[str, Any]:
        await self.line.send(json.dumps({"id": "a1", **said}))
        return await self.told()

    async def asks(self, question_id: str) -> None:
        answer = await self.request(request="set", params={"ask": question_id})
        assert answer == {"response": "set", "id": "a1"}

    async def hears(self) -> None:
        await self.line.send(AUDIO)

    async def no_result(self) -> None:
        """None is on its way: whatever was sent before comes before the answer to a request."""
        said = await self.request(request="get", params=["results"])
        assert said.get("response") == "get"

    async def result(self) -> str:
        """The next result, acknowledged."""
        said = await self.told()
        assert said["request"] == "set"
        await self.line.send(json.dumps({"response": "set", "id": said["id"]}))
        (result,) = said["params"]["results"]
        return str(result["text"])


@dataclass
class House:
    speech: Speech
    ear: Ear
    relay: Relay
    relay_port: int
    stop_speech: Callable[[], Awaitable[None]]

    @contextlib.asynccontextmanager
    async def asterisk(self, key: str = KEY) -> AsyncIterator[Asterisk]:
        address = f"ws://127.0.0.1:{self.relay_port}/{key}"
        async with connect(
            address,
            subprotocols=[ASTERISK],
            compression=None,
            proxy=None,  # type: ignore[list-item]
        ) as line:
            asterisk = Asterisk(line)
            codecs = [{"name": "slin"}]
            setup = await asterisk.request(request="setup", version="0.1.0", codecs=codecs)
            assert setup == {"response": "setup", "id": "a1", "codecs": codecs}
            yield asterisk

    def ask(self, prompt_s: float = 1.0, wait_s: float = 4.0) -> str:
        return self.ear.ask(VOCABULARY, prompt_s, wait_s, bargein=True)


@contextlib.asynccontextmanager
async def house(**limits: Any) -> AsyncIterator[House]:
    speech, speech_port, relay_port = Speech(), free_port(), free_port()
    ear = Ear(speech_port)
    lines = Relay(ear, speech_port, key=KEY, **limits)
    server = await serve(
        speech.serve,
        "127.0.0.1",
        speech_port,
        subprotocols=[ASTERISK, CONTROLLER],  # type: ignore[list-item]
        close_timeout=0.1,
    )

    async def stop_speech() -> None:
        for connection in list(server.connections):
            connection.transport.abort()
        server.close()
        await server.wait_closed()

    following = asyncio.create_task(ear.follow())
    async with lines.serving(relay_port):
        await until(ear.listens)
        yield House(speech, ear, lines, relay_port, stop_speech)
    following.cancel()
    await stop_speech()


async def until(found: Callable[[], bool]) -> None:
    for _ in range(600):
        if found():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come about within 3 s")


@within_time
async def test_a_question_and_its_audio_go_there_and_the_answer_comes_back() -> None:
    async with house() as at, at.asterisk() as asterisk:
        question = at.ask()
        await asterisk.asks(question)
        assert await at.speech.asked.get() == question
        await until(lambda: question in at.speech.questions)
        assert at.speech.questions[question] == Question(question, VOCABULARY, 1.0, 4.0, True)
        await asterisk.hears()
        assert await at.speech.audio.get() == AUDIO
        await at.speech.result(to_text(FIRE))
        assert from_text(await asterisk.result()) == FIRE
        at.ear.drop(question)
        await until(lambda: at.speech.dropped == [question])


@pytest.mark.usefixtures("_listens_with_audio_alone")
@within_time
async def test_an_answer_that_comes_before_asterisk_listens_is_kept_for_it() -> None:
    async with house() as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask())
        await at.speech.asked.get()
        await at.speech.result(to_text(Nothing("busy")))
        await asterisk.no_result()
        await asterisk.hears()
        assert from_text(await asterisk.result()) == Nothing("busy")


@pytest.mark.usefixtures("_listens_with_audio_alone")
@within_time
async def test_the_word_that_somebody_speaks_comes_first_and_the_answer_when_asterisk_listens_again() -> (
    None
):
    async with house() as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask())
        await at.speech.asked.get()
        await asterisk.hears()
        await at.speech.result(SPOKE)
        assert await asterisk.result() == SPOKE
        await at.speech.result(to_text(FIRE))
        await asterisk.no_result()
        await asterisk.hears()
        assert from_text(await asterisk.result()) == FIRE


@pytest.mark.usefixtures("_listens_with_audio_alone")
@within_time
async def test_a_second_answer_to_one_question_is_none() -> None:
    async with house() as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask())
        await asterisk.hears()
        await at.speech.audio.get()
        await at.speech.result(to_text(FIRE))
        await at.speech.result(to_text(Nothing("noise")))
        assert from_text(await asterisk.result()) == FIRE
        await asterisk.hears()
        await asterisk.no_result()


@pytest.mark.usefixtures("_no_beat_is_missed")
@within_time
async def test_a_speech_process_that_dies_is_answered_for_at_once() -> None:
    async with house() as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask())
        await asterisk.hears()
        await at.speech.audio.get()
        await at.stop_speech()
        assert from_text(await asterisk.result()) == Nothing("failed")
        await until(lambda: not at.ear.listens())


@within_time
async def test_one_that_hangs_is_answered_for_within_three_tenths_of_a_second() -> None:
    async with house() as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask())
        await asterisk.hears()
        await at.speech.audio.get()
        hung = time.monotonic()
        at.speech.beats = False
        assert from_text(await asterisk.result()) == Nothing("failed")
        assert time.monotonic() - hung < 2.0  # long before its question would be over
        assert at.ear.losses == 1
    assert beats.SILENT_S + beats.LATE_BEAT_S <= 0.3, "and on an idle machine no later than this"


@within_time
async def test_a_line_outlives_the_speech_process_and_the_next_question_is_heard() -> None:
    async with house() as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask())
        await asterisk.hears()
        await at.speech.audio.get()
        at.speech.beats = False
        await asterisk.result()
        at.speech.beats = True
        await until(at.ear.listens)
        question = at.ask()
        await asterisk.asks(question)
        while await at.speech.asked.get() != question:
            pass
        await asterisk.hears()
        await at.speech.audio.get()
        await at.speech.result(to_text(FIRE))
        assert from_text(await asterisk.result()) == FIRE


@within_time
async def test_a_question_to_a_speech_process_that_has_just_gone_is_answered_as_failed() -> None:
    async with house() as at, at.asterisk() as asterisk:
        question = at.ask()
        await at.stop_speech()
        await asterisk.asks(question)
        await asterisk.hears()
        assert from_text(await asterisk.result()) == Nothing("failed")


@within_time
async def test_an_answer_that_is_overdue_is_given_up() -> None:
    async with house(answer_s=0.1) as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask(0.0, 0.1))
        await asterisk.hears()
        assert from_text(await asterisk.result()) == Nothing("late")
        assert at.ear.unanswered == 1
        await at.speech.audio.get()
        await at.speech.result(to_text(FIRE))  # too late: nobody waits for it
        await asterisk.hears()
        await asterisk.no_result()


@within_time
async def test_where_nobody_listens_asterisk_is_told_so_at_once() -> None:
    async with house() as at:
        await at.stop_speech()
        await until(lambda: not at.ear.listens())
        with pytest.raises(InvalidStatus):
            async with at.asterisk():
                pass
        assert at.relay.refused == 1


@within_time
async def test_what_asterisk_asks_when_a_result_was_empty_is_answered() -> None:
    async with house() as at, at.asterisk() as asterisk:
        said = await asterisk.request(request="get", params=["results"])
        assert said == {"response": "get", "id": "a1", "params": {"results": []}}


@within_time
async def test_more_callers_than_the_loop_should_carry_have_their_keys() -> None:
    async with house(most_callers=1) as at:
        async with at.asterisk():
            with pytest.raises(InvalidStatus):
                async with at.asterisk():
                    pass
        async with at.asterisk():
            pass


@within_time
async def test_an_asterisk_of_another_engine_is_sent_away() -> None:
    async with house() as at:
        with pytest.raises(InvalidStatus):
            async with at.asterisk("theirs"):
                pass


@within_time
async def test_an_answer_reaches_a_line_without_audio_too() -> None:
    async with house() as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask())
        await at.speech.asked.get()
        await at.speech.result(to_text(Nothing("silence")))
        assert from_text(await asterisk.result()) == Nothing("silence")


@within_time
async def test_an_overdue_answer_of_a_line_without_audio_is_given_up() -> None:
    async with house(answer_s=0.1) as at, at.asterisk() as asterisk:
        await asterisk.asks(at.ask(0.0, 0.1))
        assert from_text(await asterisk.result()) == Nothing("late")


@within_time
async def test_an_answer_to_an_earlier_question_is_none_to_this_one() -> None:
    async with house() as at, at.asterisk() as asterisk:
        first, second = at.ask(), at.ask()
        await asterisk.asks(first)
        await asterisk.asks(second)
        while await at.speech.asked.get() != second:
            pass
        await asterisk.hears()
        await at.speech.result(to_text(Nothing("noise")), first)
        await at.speech.result(to_text(FIRE), second)
        assert from_text(await asterisk.result()) == FIRE


@within_time
async def test_a_question_of_another_controller_is_given_up_some_time_too() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay, "UNKNOWN_S", 0.1)
        async with house(answer_s=0.1) as at, at.asterisk() as asterisk:
            await asterisk.asks("theirs")
            await asterisk.hears()
            assert from_text(await asterisk.result()) == Nothing("late")


@within_time
async def test_who_leaves_the_port_to_another_hears_its_own_callers_out() -> None:
    async with house() as at, at.asterisk() as asterisk:
        at.relay.leave_to_another()
        with pytest.raises(OSError):
            async with at.asterisk():
                pass
        await asterisk.asks(at.ask())
        await asterisk.hears()
        await at.speech.audio.get()
        await at.speech.result(to_text(FIRE))
        assert from_text(await asterisk.result()) == FIRE
