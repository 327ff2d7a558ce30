"""A live call in which the caller speaks: the real engine, the real server, a real socket."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from protocol.fake_asterisk import UNIQUEID, CallerChannel
from structlog.testing import capture_logs
from unit.test_live import AREAS, ARGUMENTS, KECAMATAN, House, small_house, whole_call, within_time

from ivr.calls.host import Host
from ivr.flow.events import DigitsEntered, NoInput, SpeechHeard
from ivr.flow.spoken import Heard, Nothing, Vocabulary
from ivr.platforms.asterisk.listening import Hearing
from ivr.platforms.asterisk.perform import TOKEN
from ivr.prompts.sounds import Sound
from ivr.speech.wire import to_text
from routing.model import Location

FIRE = Heard("rumah saya terbakar", "1", 0.95, engine="test")
DEEP = Location(code="14.03.09", source="sip_pidf", lat=1.28, lon=101.19, confidence=0.9)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


class Listener:
    """Somebody who listens, as far as the dialogue is concerned."""

    def listens(self) -> bool:
        return True

    def ask(self, vocabulary: Vocabulary, prompt_s: float, wait_s: float, *, bargein: bool) -> str:
        return "question"

    def drop(self, question_id: str) -> None:
        assert question_id == "question"


@dataclass
class HearingHouse(House):
    """A house in which callers are listened to."""

    joined: list[tuple[str, ...]] = field(default_factory=list)
    speech: list[Mapping[str, object]] = field(default_factory=list)

    def host(self) -> Host:
        return replace(
            super().host(),
            hearing=lambda: Hearing(Listener(), lambda paths: Sound("+".join(paths), 1.0, "")),
            join=self._join,
        )

    async def _join(self, paths: Sequence[str]) -> None:
        self.joined.append(tuple(paths))

    def _observe(self, call_id: str, kind: str, body: Mapping[str, object]) -> None:
        if kind == "speech":
            self.speech.append(body)
        else:
            super()._observe(call_id, kind, body)


def hearing_house() -> HearingHouse:
    house = small_house()
    return HearingHouse(house.dialplan, house.directory)


@within_time
async def test_what_a_caller_says_is_an_event_and_leads_on() -> None:
    house = hearing_house()
    nothing = to_text(Nothing("noise"))
    channel = CallerChannel(said=[nothing, to_text(FIRE)], pressed={AREAS: "1", KECAMATAN: "1"})
    peer = await whole_call(house, channel, *ARGUMENTS)
    assert SpeechHeard(FIRE) in house.events[UNIQUEID]
    assert channel.variables["SIAGA_INCIDENT"] == "kebakaran"
    assert channel.variables[TOKEN] == UNIQUEID
    verbs = [" ".join(command[:2]) for command in peer.commands]
    assert verbs.count("SPEECH CREATE") == 1
    assert verbs[-1] == "SET VARIABLE", "the token is the very last"
    assert "SPEECH DESTROY" in verbs


@within_time
async def test_the_record_says_what_was_heard_how_surely_and_why_nothing_was() -> None:
    house = hearing_house()
    said = [to_text(Nothing("noise")), to_text(FIRE)]
    await whole_call(house, CallerChannel(said=said), *ARGUMENTS)
    noise, heard = house.speech[:2]
    assert noise["reason"] == "noise"
    assert {name: heard[name] for name in ("text", "option", "confidence", "engine")} == {
        "text": FIRE.text,
        "option": "1",
        "confidence": 0.95,
        "engine": "test",
    }
    assert isinstance(heard["after_s"], float)


@within_time
async def test_the_greeting_and_the_first_question_are_made_one_sound_before_they_play() -> None:
    house = hearing_house()
    peer = await whole_call(house, CallerChannel(said=[to_text(FIRE)]), *ARGUMENTS)
    assert len(house.joined[1]) > 1
    played = next(c[2] for c in peer.commands if c[:2] == ["SPEECH", "RECOGNIZE"])
    assert played == "+".join(house.joined[1])


@within_time
async def test_a_place_that_is_learned_at_the_same_moment_does_not_undo_what_was_said() -> None:
    house = hearing_house()
    there = Heard("di bathin solapan", place="14.03.16", place_confidence=0.95)
    channel = CallerChannel(said=[to_text(FIRE), to_text(there)])

    def arrive(argv: list[str]) -> None:
        if argv[:2] == ["SPEECH", "RECOGNIZE"] and channel.variables.get("SIAGA_INCIDENT"):
            house.whereabouts.arrived(UNIQUEID, DEEP)

    channel.meanwhile = arrive
    await whole_call(house, channel, *ARGUMENTS)
    assert SpeechHeard(there) in house.events[UNIQUEID]


@within_time
async def test_a_place_that_is_learned_while_nobody_says_anything_spares_the_question() -> None:
    house = hearing_house()
    channel = CallerChannel(said=[to_text(FIRE), to_text(Nothing("silence"))])

    def arrive(argv: list[str]) -> None:
        if argv[:2] == ["SPEECH", "RECOGNIZE"] and channel.variables.get("SIAGA_INCIDENT"):
            house.whereabouts.arrived(UNIQUEID, DEEP)

    channel.meanwhile = arrive
    await whole_call(house, channel, *ARGUMENTS)
    assert NoInput() not in house.events[UNIQUEID]
    assert channel.variables[TOKEN] == UNIQUEID


@pytest.mark.parametrize("key", ["1", "0"])
def test_the_key_of_what_was_said_answers_no_other_question_and_0_always_does(key: str) -> None:
    @within_time
    async def call() -> None:
        house = hearing_house()
        channel = CallerChannel(said=[to_text(FIRE)])
        pressed = iter([key])

        def press(argv: list[str]) -> None:
            if argv[:2] == ["SET", "VARIABLE"] and argv[2] == "SIAGA_INCIDENT":
                for digit in pressed:
                    house.keys[UNIQUEID].heard(digit, time.monotonic())

        channel.meanwhile = press
        await whole_call(house, channel, *ARGUMENTS)
        answers = [e for e in house.events[UNIQUEID] if isinstance(e, DigitsEntered)]
        assert answers == ([DigitsEntered("0")] if key == "0" else [])

    call()
