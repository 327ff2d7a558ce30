"""Eight callers who speak at once: each is answered, or handed to the keys, within 2.5 s of the last word.

With the real engine, the real voice detector and recordings, packet by packet as a telephone sends them,
on however busy a machine. They are timed so that all of them end in the same moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
from speech_world import Asterisk, question, silence, within_time, world
from whisper_weights import FETCHES, whisper_folder

from ivr import config
from ivr.calls.published import load
from ivr.flow.spoken import Heard, Nothing
from ivr.speech import line, manifest
from ivr.speech.asked import vocabularies
from ivr.speech.recogniser import RATE, Samples
from ivr.speech.server import Detector
from ivr.speech.worker import ENGINES

pytestmark = FETCHES

CALLERS = 8
PROMISED_S = 2.5
SET_OFF_S = 0.6
"""Quiet before the longest of them begins."""

AFTER_S = PROMISED_S + 1.0
"""So long they stay on the line, in silence, and a second answer would be seen."""

SMALL = Path(__file__).parent.parent / "speech/small"
PACKET_S = line.FRAME / RATE


def utterances() -> list[line.Sound]:
    """Up to the last loud packet of each, from as many voices as there are."""
    rows = [row for row in manifest.read(SMALL / "manifest.tsv") if row.menu == "kejadian"]
    voices: dict[str, list[manifest.Labelled]] = {}
    for row in rows:
        if row.option:
            voices.setdefault(row.voice, []).append(row)
    by_turns = [row for turn in itertools.zip_longest(*voices.values()) for row in turn if row]
    sounds = [line.recording(SMALL / row.file) for row in by_turns[:CALLERS]]
    return [sound[: line.speech_end(sound)] for sound in sounds]


def ending_together(sounds: list[line.Sound]) -> list[Samples]:
    """Each with silence before it, so that the last word of all of them is in the same packet."""
    longest = max(map(len, sounds)) + round(SET_OFF_S * RATE)
    longest += -longest % line.FRAME
    return [line.coded(np.concatenate((np.zeros(longest - len(sound)), sound))) for sound in sounds]


async def call(caller: Asterisk, said: Samples, begin: float) -> tuple[Heard | Nothing, float]:
    """Speak as a telephone does; the answer, and the seconds from the last word to it."""
    loop = asyncio.get_running_loop()
    ended_at = loop.create_future()

    async def speak() -> None:
        sound = np.concatenate((said, silence(AFTER_S)))
        for number in range(len(sound) // line.FRAME):
            await asyncio.sleep(begin + number * PACKET_S - loop.time())
            await caller.say(sound[number * line.FRAME : (number + 1) * line.FRAME])
            if (number + 1) * line.FRAME == len(said):
                ended_at.set_result(loop.time())

    speaking = asyncio.create_task(speak())
    answer, _ = await caller.result()
    answered_at = loop.time()
    await speaking
    return answer, answered_at - await ended_at


@contextlib.asynccontextmanager
async def loaded() -> AsyncIterator[Detector]:
    detector = Detector()
    try:
        await detector.load()
        yield detector
    finally:
        detector.close()


@within_time
async def test_eight_callers_at_once_are_answered_or_have_their_keys_within_the_promised_time() -> (
    None
):
    whisper_folder()
    vocabulary = vocabularies(load(config.read({})).dialplan)["kejadian"]
    said = ending_together(utterances())
    assert len(said) == CALLERS
    async with (
        loaded() as detector,
        world(2, engine=ENGINES, detector=detector) as speech,
        contextlib.AsyncExitStack() as calls,
    ):
        callers = [await calls.enter_async_context(speech.asterisk()) for _ in said]
        await speech.asked(*(question(str(n), vocabulary, wait_s=20.0) for n in range(CALLERS)))
        for number, caller in enumerate(callers):
            await caller.ask(str(number))
        begin = asyncio.get_running_loop().time()
        met = await asyncio.gather(
            *(call(caller, one, begin) for caller, one in zip(callers, said, strict=True))
        )
        for caller in callers:
            await caller.ask("next")
            assert caller.forgotten == 0, "a second answer"
    for answer, seconds in met:
        assert isinstance(answer, Heard) or answer.reason in ("busy", "late")
        assert seconds <= PROMISED_S, met
