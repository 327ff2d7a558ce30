"""Callers who say things, on a real Asterisk with a real recogniser: over prompts, in noise, with loss.

The voices are synthetic and speak no prompt (tests/speech). What is heard depends on how busy the machine
is: an answer that comes late is none. So a caller who was not heard in time calls again, as people do.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from laboratory import Engine, eventually, lab_deployment

from ivr.config import PROJECT
from ivr.prompts import audio
from ivr.softphone.phone import Phone, caller
from ivr.softphone.rtp import Samples
from ivr.softphone.voice import frames

VOICES = PROJECT / "tests/speech/small"
FIRE_IN_DURI = VOICES / "alpha-pelan/tolong-ada-kebakaran-di-duri.wav"
FIRE = VOICES / "alpha-pelan/kebakaran.wav"
CRASH = VOICES / "nezumi-rendah/pak-ada-orang-kecelakaan-di-jalan-lintas.wav"
TIGER = VOICES / "alpha-pelan/harimau.wav"
RUPAT_UTARA = VOICES / "alpha-pelan/rupat-utara.wav"

TRIES = 3
GREETING = "say: Anda terhubung ke 112 Bengkalis. Jangan tutup telepon. Panggilan direkam."
NOISE_DB = 20.0
LOST = 0.05


def recording(file: Path) -> Samples:
    samples = audio.to_samples(audio.telephone(audio.read(file)))
    return (samples * 32767).astype(np.int16)


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The shipped deployment with a greeting of one word, and somebody who listens."""
    home = tmp_path_factory.mktemp("hearing")
    changes = {"dialplan.yaml": {GREETING: "say: Mandau"}}
    engine = Engine(home, lab_deployment(home / "deployment", changes), speech=True)
    try:
        engine.started()
        asyncio.run(eventually(lambda: speech_of(engine) == "running", 60, "a recogniser"))
        yield engine
    finally:
        engine.down()


def speech_of(engine: Engine) -> str:
    return str(engine.json("status")["speech"]["state"])


async def record_of(
    engine: Engine, phone: Phone, found: Callable[[dict[str, Any]], object], seconds: float
) -> dict[str, Any]:
    """The record of this call once it says so."""

    def look() -> dict[str, Any] | None:
        record = engine.record_of(phone.call_id)
        return record if record and found(record) else None

    record: dict[str, Any] = await eventually(look, seconds, "what the record should say")
    return record


def lines(record: dict[str, Any]) -> str:
    return "\n".join(record["transcript"])


def _is_answered(record: dict[str, Any]) -> bool:
    """Whether something follows what the caller said, or did not say."""
    return "> " in "\n".join(record["transcript"][:-1])


def heard_at_last(call: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """The record of the first call in which the recogniser was in time."""
    for _ in range(TRIES):
        record = asyncio.run(call())  # type: ignore[arg-type]
        if '> "' in lines(record):
            return record
    raise AssertionError(f"nobody was heard in {TRIES} calls; the last one: {lines(record)}")


async def said(
    engine: Engine, sipp: tuple[str, ...], sound: Iterator[bytes], *, after: bool = False
) -> dict[str, Any]:
    """A caller who says this once something is heard, or after it; the record once it has an answer."""
    async with caller(sipp, "127.0.0.1", engine.sip_port) as phone:
        await phone.answered(5)
        await asyncio.wait_for(phone.rtp.audible.wait(), 5)
        if after:
            await asyncio.wait_for(phone.rtp.quiet(0.6), 15)
        phone.rtp.play(sound)
        record = await record_of(engine, phone, _is_answered, 30)
        await phone.hang_up()
        return record


def test_a_caller_who_only_speaks_is_bridged_to_the_post_of_what_and_where(
    hearing: Engine,
) -> None:
    for _ in range(TRIES):
        call = hearing.json("call", "--say", str(FIRE), "--say", str(RUPAT_UTARA))
        if call["bridged_to"] != "operator":
            break
    assert call["bridged_to"] == "damkar-rupat", call["transcript"]
    assert call["incident"] == "kebakaran"
    assert call["location"]["code"] == "14.03.11"
    answers = [line.split("> ", 1)[1] for line in call["transcript"] if "> " in line]
    assert any(answer.startswith('"') for answer in answers)
    assert not any(answer.isdigit() for answer in answers), "not one key was pressed"


def test_one_sentence_with_what_and_where_is_bridged_without_a_key(hearing: Engine) -> None:
    for _ in range(TRIES):
        call = hearing.json("call", "--say", "tolong ada kebakaran di duri")
        if call["bridged_to"] != "operator":
            break
    assert call["bridged_to"] == "damkar-mandau", call["transcript"]
    assert call["incident"] == "kebakaran"
    assert call["location"]["code"] == "14.03.09"
    assert call["location"]["source"] == "ivr_speech"
    answers = [line.split("> ", 1)[1] for line in call["transcript"] if "> " in line]
    assert not any(answer.isdigit() for answer in answers), "not one key was pressed"


def test_one_sentence_says_what_happened_and_is_on_record_as_it_was_heard(
    hearing: Engine, sipp: tuple[str, ...]
) -> None:
    record = heard_at_last(lambda: said(hearing, sipp, frames(recording(FIRE_IN_DURI))))
    asked_back = any(line.endswith("< Kebakaran") for line in record["transcript"])
    assert asked_back or record["incident"] == "kebakaran", lines(record)


def test_the_prompt_stops_for_somebody_who_speaks(hearing: Engine, sipp: tuple[str, ...]) -> None:
    async def call() -> float:
        async with caller(sipp, "127.0.0.1", hearing.sip_port) as phone:
            await phone.answered(5)
            await asyncio.wait_for(phone.rtp.audible.wait(), 5)
            await asyncio.sleep(1.5)
            began = time.monotonic()
            phone.rtp.play(frames(recording(CRASH)))
            await asyncio.wait_for(phone.rtp.quiet(0.5), 6)
            stopped = phone.rtp.last_sound_at - began
            await phone.hang_up()
            return stopped

    stopped = [asyncio.run(call()) for _ in range(TRIES)]
    assert min(stopped) < 2.0, "seconds into what he said, which takes longer"


def test_speech_is_understood_on_a_line_with_noise_and_loss(
    hearing: Engine, sipp: tuple[str, ...]
) -> None:
    def call() -> Awaitable[dict[str, Any]]:
        chance = np.random.default_rng(112)
        samples = recording(TIGER).astype(np.float64)
        level = np.sqrt(np.mean(np.square(samples[np.abs(samples) > 500])))
        quiet = np.zeros(4000)
        samples = np.concatenate((quiet, samples, np.zeros(16_000)))
        samples += chance.normal(0.0, level / 10 ** (NOISE_DB / 20), len(samples))
        noisy = frames(np.clip(samples, -32768, 32767).astype(np.int16))
        lossy = (b"" if chance.random() < LOST else frame for frame in noisy)
        return said(hearing, sipp, lossy, after=True)

    record = heard_at_last(call)
    asked_back = any(line.endswith("< hewan liar") for line in record["transcript"])
    assert asked_back or record["incident"] == "hewan-liar", lines(record)


def test_a_key_beats_speech(hearing: Engine, sipp: tuple[str, ...]) -> None:
    async def call() -> dict[str, Any]:
        async with caller(sipp, "127.0.0.1", hearing.sip_port) as phone:
            await phone.answered(5)
            await asyncio.wait_for(phone.rtp.audible.wait(), 5)
            phone.rtp.play(frames(recording(CRASH)))
            await asyncio.sleep(0.3)
            phone.rtp.press("1")
            record = await record_of(hearing, phone, lambda found: found["incident"], 15)
            await phone.hang_up()
            return record

    record = asyncio.run(call())
    assert record["incident"] == "kebakaran", lines(record)
    assert "> 1" in lines(record)
    assert '> "' not in lines(record)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda n: n.name)
def test_a_speech_process_that_dies_or_hangs_costs_nobody_anything_but_the_shortcut(
    hearing: Engine, sipp: tuple[str, ...], number: signal.Signals
) -> None:
    async def call() -> tuple[dict[str, Any], float]:
        pid = hearing.pid("speech")
        async with caller(sipp, "127.0.0.1", hearing.sip_port) as phone:
            await phone.answered(5)
            await asyncio.wait_for(phone.rtp.audible.wait(), 5)
            phone.rtp.play(frames(recording(CRASH)))
            await asyncio.sleep(0.2)  # he has begun to speak, and nothing has stopped for it yet
            os.kill(pid, number)
            gap = await _longest_gap(phone, 2.0)
            phone.rtp.press("2")
            record = await record_of(hearing, phone, lambda found: found["incident"], 5)
            await phone.hang_up()
            return record, gap

    async def next_call() -> dict[str, Any]:
        async with caller(sipp, "127.0.0.1", hearing.sip_port) as phone:
            await phone.answered(5)
            await asyncio.wait_for(phone.rtp.audible.wait(), 5)
            phone.rtp.press("1")
            record = await record_of(hearing, phone, lambda found: found["incident"], 5)
            await phone.hang_up()
            return record

    record, gap = asyncio.run(call())
    assert record["incident"] == "kecelakaan", lines(record)
    assert gap < 0.6, "the prompt goes on: no pause of it is so long"
    assert asyncio.run(next_call())["incident"] == "kebakaran", "nobody listens, and keys work"
    asyncio.run(eventually(lambda: speech_of(hearing) == "running", 60, "the speech process again"))


async def _longest_gap(phone: Phone, seconds: float) -> float:
    """How long at most nothing was to be heard, from now on."""
    longest, until = 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(0.02)
        longest = max(longest, time.monotonic() - phone.rtp.last_sound_at)
    return longest
