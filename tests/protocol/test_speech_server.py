"""The speech process as Asterisk and a controller meet it: one answer to each question, and in time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech_world import (
    FALLS,
    HEAVY,
    HEAVY_S,
    MENU,
    NOISE,
    RAISES,
    SLOW,
    Asterisk,
    World,
    question,
    silence,
    voice,
    within_time,
    world,
)
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from ivr.flow.spoken import ANSWER_S, Heard, Nothing, Phrase, Vocabulary
from ivr.flow.vocabulary import HELP_ONLY
from ivr.speech.lines import MOST_QUESTIONS
from ivr.speech.pool import DEADLINE_S, MOST_OPEN, Listening
from ivr.speech.recogniser import RATE
from ivr.speech.trouble import FAILED, MANY
from ivr.speech.wire import ASTERISK, question_to_json

SENTENCE = (silence(0.6), voice(1.0), silence(0.8))


async def answered(caller: Asterisk, *sounds: np.ndarray) -> Heard | Nothing:
    await caller.say(*sounds)
    answer, score = await caller.result()
    assert score == (round(100 * answer.confidence) if isinstance(answer, Heard) else 0)
    return answer


@contextlib.asynccontextmanager
async def bare(speech: World) -> AsyncIterator[ClientConnection]:
    async with connect(speech.url, subprotocols=[Subprotocol(ASTERISK)]) as connection:
        yield connection


async def back(speech: World) -> None:
    """Until a worker is there again."""
    async with speech.controller() as controller:
        while not isinstance(ear := speech.switchboard.pool.listen(MENU), Listening):
            await controller.recv()  # a beat
    ear.drop()


async def quiet(caller: Asterisk, number: str = "next") -> None:
    """Nothing more is on its way: what is asked next is answered next."""
    await caller.ask(number)
    assert caller.forgotten == 0
    answer = await answered(caller, silence(0.02))
    assert answer == Nothing("failed"), "nobody asked that"


@within_time
async def test_what_is_said_after_a_question_is_its_answer_and_the_only_one() -> None:
    async with world() as speech, speech.asterisk() as caller:
        await speech.asked(question("a"))
        await caller.ask("a")
        answer = await answered(caller, *SENTENCE)
        assert isinstance(answer, Heard)
        assert answer.option == "1"
        assert 1.2 * RATE <= int(answer.text) <= 1.8 * RATE, "the sentence, and a little around it"
        await caller.say(*SENTENCE)  # he goes on, and nobody asked
        await quiet(caller)
        assert speech.switchboard.counts.heard == 1


@within_time
async def test_a_connection_serves_one_question_after_the_other() -> None:
    async with world() as speech, speech.asterisk() as caller:
        for number in ("a", "b", "c"):
            await speech.asked(question(number))
            await caller.ask(number)
            assert isinstance(await answered(caller, *SENTENCE), Heard)


@within_time
@pytest.mark.parametrize(
    ("kind", "logged"), [("menu", "1"), ("yes_no", "1"), ("digits", True), ("place", True)]
)
async def test_only_a_choice_is_logged_for_what_it_is(kind: str, logged: object) -> None:
    vocabulary = replace(MENU, kind=kind, places=(Phrase("area saya", "area:1"),))
    async with world() as speech, speech.asterisk() as caller:
        await speech.asked(question("a", vocabulary))
        await caller.ask("a")
        with capture_logs() as logs:
            assert isinstance(await answered(caller, *SENTENCE), Heard)
    (heard,) = (line for line in logs if line["event"] == "heard")
    assert (heard["option"], heard["kind"]) == (logged, kind)


@within_time
@pytest.mark.parametrize("codec", ["slin", "ulaw"])
async def test_asterisk_may_agree_on_what_it_sends_as_signed_linear_anyway(codec: str) -> None:
    async with world() as speech, bare(speech) as connection:
        said = await Asterisk(connection).set_up(codec)
        assert said["codecs"] == [{"name": codec}]


@within_time
@pytest.mark.parametrize(("codec", "version"), [("opus", "0.1.0"), ("slin", "1.0.0"), ("slin", "")])
async def test_another_codec_or_protocol_is_refused_and_so_is_what_follows(
    codec: str, version: str
) -> None:
    async with world() as speech, bare(speech) as connection:
        caller = Asterisk(connection)
        assert "error_msg" in await caller.set_up(codec, version)
        assert "error_msg" in await caller.request("set", params={"ask": "a"})


@within_time
async def test_whoever_says_nothing_is_answered_for_when_the_time_is_over_with_or_without_audio() -> (
    None
):
    async with world() as speech, speech.asterisk() as one, speech.asterisk() as other:
        loop = asyncio.get_running_loop()
        await speech.asked(*(question(n, prompt_s=0.2, wait_s=0.3) for n in ("a", "b")))
        begun = loop.time()
        await asyncio.gather(one.ask("a"), other.ask("b"))
        await one.say(silence(0.4))
        for caller in (one, other):
            assert await caller.result() == (Nothing("silence"), 0)
            assert 0.5 <= loop.time() - begun < 0.5 + ANSWER_S


@within_time
async def test_an_unknown_question_is_answered_as_soon_as_asterisk_listens_and_not_before() -> None:
    """A result that comes before SPEECH RECOGNIZE is forgotten by it."""
    async with world() as speech, speech.asterisk() as caller:
        await caller.ask("never asked")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(caller.connection.recv(), 0.2)
        assert await answered(caller, silence(0.02)) == Nothing("failed")


@within_time
async def test_a_voice_over_the_prompt_stops_it_and_the_answer_follows() -> None:
    async with world() as speech, speech.asterisk() as caller:
        await speech.asked(question("a", prompt_s=20.0))
        await caller.ask("a")
        await caller.say(*SENTENCE)
        assert await caller.spoke()
        answer, _ = await caller.result()
        assert isinstance(answer, Heard)


@within_time
async def test_where_only_a_cry_for_help_counts_no_other_word_stops_the_prompt_or_answers() -> None:
    async with world() as speech, speech.asterisk() as caller:
        await speech.asked(question("a", HELP_ONLY, prompt_s=1.5, wait_s=0.8))
        await caller.ask("a")
        answer = await answered(caller, silence(0.6), voice(0.45), silence(0.8))
        assert answer == Nothing("noise"), "when its time is over, and not before"
        await speech.asked(question("b", HELP_ONLY, prompt_s=20.0))
        await caller.ask("b")
        answer = await answered(caller, *SENTENCE)
        assert isinstance(answer, Heard), "and not that somebody speaks"
        assert answer.option == "0"


@within_time
async def test_without_bargein_a_voice_over_the_prompt_is_nothing() -> None:
    async with world() as speech, speech.asterisk() as caller:
        await speech.asked(question("a", prompt_s=2.4, wait_s=9.0, bargein=False))
        await caller.ask("a")
        await caller.say(*SENTENCE)
        answer = await answered(caller, *SENTENCE)  # the prompt has ended by now
        assert isinstance(answer, Heard)
        assert int(answer.text) < 1.8 * RATE


@within_time
async def test_what_is_no_voice_answers_nothing_and_stops_no_prompt() -> None:
    """The detector finds nobody, twice: early, and when the noise has ended."""
    async with world(noise=(0, 1)) as speech, speech.asterisk() as caller:
        await speech.asked(question("a", prompt_s=20.0))
        await caller.ask("a")
        await caller.say(*SENTENCE, voice(1.0, level=18000.0), silence(0.8))
        assert await caller.spoke(), "the second one was somebody"
        assert isinstance((await caller.result())[0], Heard)


@within_time
async def test_noise_alone_is_said_to_have_been_noise() -> None:
    async with world() as speech, speech.asterisk() as caller:
        await speech.asked(question("a", NOISE, wait_s=0.8))
        await caller.ask("a")
        assert await answered(caller, *SENTENCE) == Nothing("noise")


@within_time
async def test_noise_that_stopped_the_prompt_is_told_at_once_so_that_the_prompt_goes_on() -> None:
    async with world() as speech, speech.asterisk() as caller:
        await speech.asked(question("a", NOISE, prompt_s=60.0, wait_s=60.0))
        await caller.ask("a")
        await caller.say(*SENTENCE)
        assert await caller.spoke()
        assert await caller.result() == (Nothing("noise"), 0)


@within_time
async def test_whoever_speaks_when_the_time_is_over_is_heard_out() -> None:
    async with world() as speech, speech.asterisk() as caller, speech.controller() as controller:
        loop = asyncio.get_running_loop()
        await speech.asked(question("a", wait_s=0.3))
        await caller.ask("a")
        over = loop.time() + 0.3
        await caller.say(silence(0.6), voice(1.0))
        while loop.time() < over:
            await controller.recv()  # a beat
        answer = await answered(caller, silence(0.8))
        assert isinstance(answer, Heard)
        assert over < loop.time() < over + ANSWER_S


@within_time
async def test_whoever_does_not_stop_speaking_is_answered_while_somebody_waits_for_it() -> None:
    async with world() as speech, speech.asterisk() as caller:
        loop = asyncio.get_running_loop()
        await speech.asked(question("a", wait_s=0.3))
        await caller.ask("a")
        until = loop.time() + 0.3 + ANSWER_S
        speaking = asyncio.create_task(
            caller.say(silence(0.6), *[voice(1.0, seed=n) for n in range(5)])
        )
        answer, _ = await caller.result()
        assert isinstance(answer, Heard)
        assert loop.time() < until
        await speaking


@within_time
@pytest.mark.parametrize("gone", ["drop", "next", "hangup"])
async def test_an_answer_that_nobody_wants_any_more_is_not_sent(gone: str) -> None:
    async with world() as speech, speech.controller() as controller:
        async with speech.asterisk() as caller:
            await speech.asked(question("a", wait_s=0.4))
            await caller.ask("a")
            await caller.say(silence(0.6), voice(0.6))
            if gone == "drop":
                await speech.said(controller, {"drop": "a"})
            if gone != "hangup":
                await quiet(caller)
        while speech.switchboard.listening:
            await controller.recv()
        assert speech.switchboard.counts.unwanted == 1
        assert speech.switchboard.counts.heard == 0


@within_time
@pytest.mark.parametrize("vocabulary", [RAISES, FALLS], ids=["raises", "falls"])
async def test_an_engine_that_falls_costs_the_utterance_and_nothing_else(
    vocabulary: Vocabulary,
) -> None:
    async with world(2) as speech, speech.asterisk() as one, speech.asterisk() as other:
        await speech.asked(question("a", vocabulary), question("b", wait_s=30.0))
        await one.ask("a")
        await other.ask("b")
        assert await answered(one, *SENTENCE) == Nothing("failed")
        await back(speech)  # the second worker may only just have been started
        assert isinstance(await answered(other, *SENTENCE), Heard)


@within_time
async def test_a_worker_that_hangs_is_late_and_is_replaced() -> None:
    async with world() as speech, speech.asterisk() as caller:
        loop = asyncio.get_running_loop()
        await speech.asked(question("a", SLOW), question("b", wait_s=30.0))
        await caller.ask("a")
        begun = loop.time()
        assert await answered(caller, *SENTENCE) == Nothing("late")
        assert loop.time() - begun < DEADLINE_S + 1.0
        await back(speech)
        await caller.ask("b")
        assert isinstance(await answered(caller, *SENTENCE), Heard)
        assert speech.switchboard.pool.restarts == 1


@within_time
async def test_whoever_goes_on_after_a_pause_waits_no_longer_for_it() -> None:
    """The guess that his pause set off is still being made when he has said the rest."""
    async with world() as speech, speech.asterisk() as caller:
        loop = asyncio.get_running_loop()
        await speech.asked(question("a", HEAVY, wait_s=30.0))
        await caller.ask("a")
        await caller.say(silence(0.6), voice(1.0), silence(0.4), voice(0.6))
        said = loop.time()
        await caller.say(silence(0.8))
        assert await caller.result() == (Nothing("late"), 0)
        assert HEAVY_S < loop.time() - said < 2 * HEAVY_S


@within_time
async def test_answers_that_all_fail_are_trouble_until_somebody_is_heard() -> None:
    async with world() as speech, speech.asterisk() as caller:
        trouble = speech.switchboard.trouble
        for number in range(MANY):
            assert trouble.why == ""
            await speech.asked(question(f"{number}", RAISES))
            await caller.ask(f"{number}")
            assert await answered(caller, *SENTENCE) == Nothing("failed")
        assert trouble.why == FAILED
        await caller.ask("nobody asked this")
        assert await answered(caller, silence(0.02)) == Nothing("failed")
        await speech.asked(question("good"))
        await caller.ask("good")
        assert isinstance(await answered(caller, *SENTENCE), Heard)
        assert trouble.why == ""


@within_time
async def test_where_no_worker_has_room_the_caller_has_his_keys_at_once_and_it_is_counted() -> None:
    """A worker is not given more to listen to than it can answer in time."""
    async with world() as speech, contextlib.AsyncExitStack() as calls:
        callers = [await calls.enter_async_context(speech.asterisk()) for _ in range(MOST_OPEN + 1)]
        await speech.asked(*(question(str(n), wait_s=30.0) for n in range(len(callers))))
        for number, caller in enumerate(callers):
            await caller.ask(str(number))
        for caller in callers[:-1]:
            await caller.say(silence(0.6), voice(1.0))
        async with speech.controller() as controller:
            while isinstance(ear := speech.switchboard.pool.listen(MENU), Listening):
                ear.drop()
                await controller.recv()  # a beat
        assert await answered(callers[-1], *SENTENCE) == Nothing("busy")
        for caller in callers[:-1]:
            assert isinstance(await answered(caller, silence(0.8)), Heard)
        assert speech.switchboard.counts.nothing == {"busy": 1}


NONSENSE = [
    "",
    "{",
    "[]",
    "1",
    "null",
    "{}",
    '{"request": 1, "id": "x"}',
    '{"request": "setup", "id": 1}',
    '{"request": "setup"}',
    json.dumps({"request": "set", "id": "x" * 101}),
    "[" * 5000,
    "x" * 20_000,
    b"\x00",
    b"\x00" * 321,
    b"\x00" * 8002,
    b"\x00" * 600_000,
]


@within_time
@pytest.mark.parametrize("said", NONSENSE, ids=lambda said: repr(said[:20]))
async def test_what_asterisk_would_never_say_ends_that_connection_and_no_other(
    said: str | bytes,
) -> None:
    async with world() as speech, speech.asterisk() as other:
        async with speech.asterisk() as caller:
            await caller.connection.send(said)
            with pytest.raises(ConnectionClosed):
                await caller.connection.recv()
        await quiet(other)


@within_time
async def test_a_controllers_nonsense_is_passed_over() -> None:
    asked = question_to_json(question("a"))
    bad: list[object] = [
        "{",
        [],
        1,
        {},
        {"ask": 1},
        {"ask": {}},
        {"drop": 1},
        {"drop": "unknown"},
        {"ask": {**asked, "wait_s": -1}},
        {"ask": {**asked, "wait_s": 1e9}},
        {"ask": {**asked, "prompt_s": "nan"}},
        {"ask": {**asked, "id": "x" * 200}},
        {"ask": {**asked, "vocabulary": {**asked["vocabulary"], "kind": "song"}}},
        {
            "ask": {
                **asked,
                "vocabulary": {**asked["vocabulary"], "options": [{"text": 1, "value": "1"}]},
            }
        },
    ]
    async with world() as speech, speech.controller() as controller:
        await speech.said(controller, *bad, {"ask": asked})
        assert speech.switchboard.take("a") == question("a")


@within_time
async def test_no_more_questions_are_remembered_than_there_can_be_callers() -> None:
    async with world() as speech:
        await speech.asked(*(question(str(n)) for n in range(MOST_QUESTIONS - 1)))
        async with speech.controller() as controller:
            await speech.said(controller)  # its seal is the last that has room
            for number in ("x", "y"):
                await controller.send(json.dumps({"ask": question_to_json(question(number))}))
            await controller.send(json.dumps({"drop": "0"}))
            await speech.said(controller)
        assert speech.switchboard.take("y") is None
        assert speech.switchboard.take("1") is not None


@within_time
async def test_a_controller_gets_signs_of_life_in_order() -> None:
    async with world() as speech, speech.controller() as controller:
        beats = [json.loads(await controller.recv())["beat"] for _ in range(5)]
        assert beats == [1, 2, 3, 4, 5]


@within_time
async def test_a_page_in_a_browser_and_a_client_of_no_kind_are_turned_away() -> None:
    async with world() as speech:
        for more in ({"origin": "http://evil.example"}, {}):
            protocols = [Subprotocol(ASTERISK)] if more else None
            with pytest.raises((InvalidStatus, ConnectionClosed)):
                async with connect(speech.url, subprotocols=protocols, **more) as connection:
                    await connection.recv()


TURNS = st.tuples(
    st.sampled_from((MENU, MENU, RAISES, NOISE)),
    st.sampled_from((0.0, 0.3)),
    st.sampled_from((0.0, 0.1, 0.5)),
    st.booleans(),
    st.lists(
        st.tuples(st.sampled_from((silence, voice)), st.sampled_from((0.02, 0.31, 0.8, 1.5))),
        max_size=5,
    ),
    st.sampled_from(("wait", "wait", "drop", "next")),
)


@settings(max_examples=6)
@given(st.lists(TURNS, min_size=1, max_size=5))
def test_whatever_is_said_each_question_gets_one_answer_and_within_its_time(turns: list) -> None:  # type: ignore[type-arg]
    asyncio.run(asyncio.wait_for(_conversation(turns), 120.0))


async def _conversation(turns: list) -> None:  # type: ignore[type-arg]
    async with world() as speech, speech.asterisk() as caller, speech.controller() as controller:
        loop = asyncio.get_running_loop()
        for number, (vocabulary, prompt_s, wait_s, bargein, sounds, then) in enumerate(turns):
            name = str(number)
            await speech.asked(
                question(name, vocabulary, prompt_s=prompt_s, wait_s=wait_s, bargein=bargein)
            )
            await caller.ask(name)
            until = loop.time() + prompt_s + wait_s + ANSWER_S
            for make, seconds in sounds:
                await caller.say(make(seconds))
            if then == "wait":
                if await caller.spoke():
                    await caller.result()
                assert loop.time() <= until
            elif then == "drop":
                await speech.said(controller, {"drop": name})
        counts = speech.switchboard.counts
        answered_or_not = counts.heard + counts.nothing.total() + counts.unwanted
        assert counts.asked == answered_or_not + len(speech.switchboard.listening)
