"""A live call from the first byte to the token: the real engine, the real server, a real socket."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from protocol.fake_asterisk import UNIQUEID, CallerChannel, Peer, calling, connected
from small_deployment import AGENCIES, DIALPLAN, PHRASES, TRUNKS, offered, shipped, small
from structlog.testing import capture_logs

from ivr.calls import live
from ivr.calls.host import Host
from ivr.calls.published import Published
from ivr.calls.whereabouts import Whereabouts
from ivr.commands.prompts import wanted
from ivr.deployment import Texts
from ivr.flow.engine import replay
from ivr.flow.events import (
    CallerHungUp,
    CallOffered,
    DialEnded,
    DigitsEntered,
    Event,
    HumanJoined,
    LocationLearned,
    NoInput,
    RouteDecided,
)
from ivr.flow.model import OPERATOR_ROUTE, Dialplan
from ivr.location.arrivals import Arrivals
from ivr.location.pidf import Pidf
from ivr.location.source import Asked, LocationSource
from ivr.platforms.asterisk import perform, signalling
from ivr.platforms.asterisk.fastagi import AgiSession, serve
from ivr.platforms.asterisk.keys import Keys
from ivr.platforms.asterisk.perform import TOKEN
from ivr.platforms.asterisk.targets import PLAYED
from ivr.prompts.sounds import Sound
from ivr.versions import VersionGone
from routing.decide import decide
from routing.geography import Geography, geography, surroundings
from routing.model import Directory, Location, Reason, Route, RouteDecision

GREETING = "anda-terhubung-ke-112"
MENU = "kebakaran-tekan-1"
AREAS = "duri-tekan-1"
KECAMATAN = "mandau-tekan-1"
FIRST = Route("damkar-mandau", "damkar-sip", "101", 20.0, "answer")
SECOND = Route("damkar-mandau", "jasnita", "ISI-NOMOR", 15.0, "press")
ARGUMENTS = ("abc@10.0.0.1", "telkomsel")
CONFIRM = "tekan-1-bila-benar"
OTHER_KEYS = "kebakaran-tekan-7"
SAID = "SIAGA_SAID"


def with_pidf(text: str) -> dict[str, str]:
    """The variable that extensions make of an INVITE with such a PIDF-LO."""
    return {SAID: f"pidf={quote(text)}&pidf.format=GML"}


def within_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that is a coroutine; what never comes fails it instead of hanging."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 10.0))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What fails here on purpose fails without a page of log."""
    with capture_logs():
        yield


@dataclass
class House:
    """What stands behind a Host here: lists, dictionaries and the real engine."""

    dialplan: Dialplan
    directory: Directory
    earlier: dict[str, tuple[Dialplan, Directory]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)  # what happened, one word each
    events: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    said: list[str] = field(default_factory=list)
    learned: list[Mapping[str, object]] = field(default_factory=list)
    without_audio: str = "?"
    sound_s: float = 1.0
    disk: Callable[[], Awaitable[None]] | None = None  # what a commit waits for
    route: Callable[[Directory, str | None, Location | None], RouteDecision] = decide
    keys: defaultdict[str, Keys] = field(default_factory=lambda: defaultdict(Keys))
    forgotten: dict[str, float] = field(default_factory=dict)  # after so many seconds
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # a session is over
    taken_by: str | None = None  # who has the caller when the dialogue is cut
    heard_s: float = 0.0  # how long a voice was heard on the last leg
    queue: str = "free"
    sources: tuple[LocationSource, ...] = (Pidf(),)
    arrivals: Arrivals = field(default_factory=Arrivals)
    someone_saw: asyncio.Event = field(default_factory=asyncio.Event)
    shown: list[Location] = field(default_factory=list)  # to people, because no dialogue took them

    def host(self) -> Host:
        return Host(
            current=lambda: self._published(self.dialplan, self.directory),
            published=self._of_version,
            commit=self._commit,
            record=self._record,
            observe=self._observe,
            events_of=self._events_of,
            recognise=lambda call_id, caller: None,
            decide=lambda call_id, *asked: self.route(*asked),
            queue=lambda: self.queue,
            recordings="/recordings",
            case_number=lambda at: f"BKS-{at:.0f}",
            joined=self._joined,
            heard_s=lambda call_id, who, now: self.heard_s,
            keys_of=self.keys.__getitem__,
            knows=self.keys.__contains__,
            forget=self.forgotten.__setitem__,
            whereabouts=self.whereabouts,
            clock=lambda: 1_750_000_000.0,
            monotonic=asyncio.get_running_loop().time,
            hearing=lambda: None,
            join=self._join,
        )

    async def _join(self, paths: Sequence[str]) -> None:
        raise AssertionError("nobody listens here")

    @cached_property
    def whereabouts(self) -> Whereabouts:
        return Whereabouts(
            self.sources,
            self.arrivals,
            record=self._record,
            on_record=self._events_of,
            is_over=lambda call_id: False,
            forget=lambda call_id: None,
            show=self._shown,
            geography=lambda: self.geography,
        )

    @property
    def geography(self) -> Geography:
        return geography(surroundings(self.directory.places))

    async def _shown(self, call_id: str, location: Location) -> None:
        self.shown.append(location)
        self.someone_saw.set()

    async def _joined(self, call_id: str) -> str | None:
        return self.taken_by

    def _published(self, dialplan: Dialplan, directory: Directory) -> Published:
        """With a sound for every sentence but those that have none."""
        silent = Published(dialplan, directory, Texts(Path(), {}, dialplan.version))
        sounds = {
            prompt.name: Sound(prompt.name, self.sound_s, "a voice")
            for prompt in wanted(silent)
            if not prompt.text.startswith(self.without_audio)
        }
        return replace(silent, sounds=sounds, geography=self.geography)

    async def _of_version(self, version: str) -> Published:
        if version == self.dialplan.version:
            return self._published(self.dialplan, self.directory)
        if version not in self.earlier:
            raise VersionGone(version)
        return self._published(*self.earlier[version])

    async def _commit(self, call_id: str, event: Event) -> None:
        self.events[call_id].append(event)
        self.order.append(f"handed {type(event).__name__}")
        if self.disk is not None:
            await self.disk()
        self.order.append(f"on disk {type(event).__name__}")

    def _record(self, call_id: str, event: Event) -> None:
        self.events[call_id].append(event)
        self.order.append(f"record {type(event).__name__}")

    def _observe(self, call_id: str, kind: str, body: Mapping[str, object]) -> None:
        if kind == "said":
            texts = body["texts"]
            assert isinstance(texts, list)
            self.said += texts
        else:
            self.learned.append(body)

    async def _events_of(self, call_id: str) -> Sequence[Event]:
        return tuple(self.events.get(call_id, ()))


def small_house(**files: str) -> House:
    dialplan, directory = small(**files)
    return House(dialplan, directory)


@asynccontextmanager
async def at_work(house: House) -> AsyncIterator[int]:
    """The server of a controller with this house behind it; its port."""
    host = house.host()

    async def handler(session: AgiSession) -> None:
        try:
            await live.handle(session, host)
        finally:
            house.ended.set()

    server = await serve("127.0.0.1", 0, handler)
    try:
        yield server.port
    finally:
        await server.close()


async def whole_call(house: House, channel: CallerChannel, *arguments: str) -> Peer:
    """A call that is played until the controller has nothing more to say."""
    async with at_work(house) as port, calling(port, "call", *arguments) as peer:
        await peer.play(channel)
        return peer


def assigned(peer: Peer) -> list[str]:
    """The variables that were set, in order."""
    return [argv[2] for argv in peer.commands if argv[:2] == ["SET", "VARIABLE"]]


def heard(channel: CallerChannel) -> list[str]:
    """The prompts in order, each by the words it begins with."""
    return [path.rpartition("-")[0] for path in channel.heard]


# Going on with a call that another controller began


async def resumed(house: House, *arguments: str, **pressed: str) -> tuple[CallerChannel, Peer]:
    channel = CallerChannel(pressed=pressed)
    async with at_work(house) as port, calling(port, "resume", *ARGUMENTS, *arguments) as peer:
        await peer.play(channel)
        return channel, peer


def begun(house: House, *events: Event) -> House:
    first = replace(offered(), call_id=UNIQUEID, dialplan_version=house.dialplan.version)
    house.events[UNIQUEID] = [first, *events]
    return house


@within_time
async def test_a_call_goes_on_with_the_question_it_stood_at_and_not_from_the_start() -> None:
    house = begun(small_house(), DigitsEntered("1"), DigitsEntered("1"))
    channel, peer = await resumed(house, "", "", **{KECAMATAN: "2"})
    played = [command[2] for command in peer.commands if command[:2] == ["STREAM", "FILE"]]
    assert [name for name in played if MENU in name or AREAS in name] == []
    assert channel.variables["SIAGA_PLACE"] == "14.03.16"
    assert channel.variables[TOKEN] == UNIQUEID
    assert [type(e) for e in house.events[UNIQUEID][3:]] == [DigitsEntered, RouteDecided]


@within_time
async def test_between_the_decision_and_the_token_only_the_targets_are_left_again() -> None:
    house = dialled(small_house())
    channel, peer = await resumed(house)
    assert not [command for command in peer.commands if command[0] in ("STREAM", "WAIT")]
    assert channel.variables["SIAGA_TARGETS"] == "2"
    assert channel.variables[TOKEN] == UNIQUEID
    assert len(house.events[UNIQUEID]) == 5, "nothing happened anew"


@within_time
async def test_a_key_pressed_while_the_controller_was_away_is_not_lost() -> None:
    house = begun(small_house(), DigitsEntered("1"), DigitsEntered("1"))
    channel, _ = await resumed(house, "", "", "2")
    assert channel.variables["SIAGA_PLACE"] == "14.03.16"


@within_time
async def test_a_call_that_was_never_recorded_begins() -> None:
    house = small_house()
    await resumed(house, "", "", **{MENU: "1", AREAS: "1", KECAMATAN: "2"})
    assert isinstance(house.events[UNIQUEID][0], CallOffered)


def with_an_earlier_version(house: House) -> House:
    """In the earlier version fire is key 7, its menu says so, and the post is reached by its mobile first."""
    dialplan = DIALPLAN.replace("Kebakaran tekan 1", "Kebakaran tekan 7").replace(
        "1: {inc", "7: {inc"
    )
    agencies = AGENCIES.replace('- {via: damkar-sip, number: "101", accept: answer}\n    ', "")
    older, directory = small(dialplan=dialplan, agencies=agencies)
    house.earlier["older"] = (replace(older, version="older"), directory)
    return house


def begun_in(house: House, version: str, *events: Event) -> House:
    first = replace(offered(), call_id=UNIQUEID, dialplan_version=version)
    house.events[UNIQUEID] = [first, *events]
    return house


@within_time
async def test_a_call_that_is_resumed_after_a_swap_goes_on_in_its_own_version() -> None:
    house = begun_in(with_an_earlier_version(small_house()), "older")
    channel, _ = await resumed(house, "", "newer", **{OTHER_KEYS: "7", AREAS: "1", KECAMATAN: "1"})
    assert [path for path in channel.heard if path.startswith(MENU)] == []
    assert channel.variables["SIAGA_INCIDENT"] == "kebakaran"
    assert channel.variables["SIAGA_T1_ID"] == "damkar-mandau/jasnita"
    assert channel.variables[TOKEN] == UNIQUEID


@within_time
async def test_what_follows_a_dial_is_played_in_the_version_of_the_call() -> None:
    """The earlier dialplan rings agencies for ten seconds in all."""
    house = small_house()
    older, directory = small(dialplan=DIALPLAN.replace("wait: 4s", "wait: 4s, budget: 10s"))
    house.earlier["older"] = (replace(older, version="older"), directory)
    decided = RouteDecided((FIRST, SECOND, OPERATOR_ROUTE), (Reason("x", "x"),))
    keys = (DigitsEntered("1"), DigitsEntered("1"), DigitsEntered("1"))
    begun_in(house, "older", *keys, decided)
    told = {**result("damkar-mandau/damkar-sip", "failed"), "RUNG": "12"}
    channel, _ = await next_session(house, **told)
    assert channel.variables["SIAGA_TARGETS"] == "0", "the budget is spent"
    assert channel.variables[TOKEN] == UNIQUEID


@within_time
async def test_a_call_begins_with_the_version_that_extensions_name() -> None:
    house = with_an_earlier_version(small_house())
    channel = CallerChannel(pressed={OTHER_KEYS: "7", AREAS: "1", KECAMATAN: "1"})
    await whole_call(house, channel, *ARGUMENTS, "", "older")
    first = house.events[UNIQUEID][0]
    assert isinstance(first, CallOffered)
    assert first.dialplan_version == "older"
    assert [path for path in channel.heard if path.startswith(MENU)] == []
    assert channel.variables["SIAGA_T1_ID"] == "damkar-mandau/jasnita"


@within_time
async def test_a_version_that_cannot_be_had_costs_no_caller_the_dialogue() -> None:
    house = small_house()
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    await whole_call(house, channel, *ARGUMENTS, "", "gone")
    first = house.events[UNIQUEID][0]
    assert isinstance(first, CallOffered)
    assert first.dialplan_version == house.dialplan.version, "what he really hears is on record"
    assert channel.variables[TOKEN] == UNIQUEID


@within_time
async def test_a_running_call_whose_version_is_gone_is_left_to_people() -> None:
    """Its keys meant something else."""
    house = begun_in(small_house(), "gone", DigitsEntered("1"))
    channel, _ = await resumed(house)
    assert TOKEN not in channel.variables


@within_time
async def test_a_caller_whom_an_operator_took_did_not_hang_up() -> None:
    house = small_house()
    house.taken_by = "operator/pusat-sip"
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
        await peer.play_until(CallerChannel(), "STREAM", "FILE")
        peer.hang_up()
        await house.ended.wait()
    assert house.events[UNIQUEID][-1] == HumanJoined("operator/pusat-sip")


# From the offered call to the token


@within_time
async def test_a_caller_who_answers_is_led_from_the_greeting_to_the_token() -> None:
    house = small_house(trunks=TRUNKS.replace("ISI-ALAMAT", "127.0.0.1:5070"))
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    peer = await whole_call(house, channel, *ARGUMENTS)
    assert [path[:12] for path in channel.heard] == [
        name[:12] for name in (GREETING, MENU, AREAS, KECAMATAN)
    ]
    found = channel.variables
    assert (found["SIAGA_INCIDENT"], found["SIAGA_PLACE"]) == ("kebakaran", "14.03.09")
    assert found["SIAGA_TARGETS"] == "2"
    assert found["SIAGA_T1"] == "PJSIP/101@damkar-sip"
    assert found["SIAGA_T1_ID"] == "damkar-mandau/damkar-sip"
    assert found["SIAGA_T2"] == PLAYED
    assert "mandau" in found["SIAGA_WHISPER"]
    assert found[TOKEN] == UNIQUEID
    assert peer.commands[-1] == ["SET", "VARIABLE", TOKEN, UNIQUEID], "the token comes last"
    assert assigned(peer).count(TOKEN) == 1


@within_time
async def test_the_record_tells_the_whole_call() -> None:
    house = small_house()
    await whole_call(
        house, CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "2"}), *ARGUMENTS
    )
    first, *answers, decided = house.events[UNIQUEID]
    assert first == replace(
        offered(),
        call_id=UNIQUEID,
        case_number="BKS-1750000000",
        dialplan_version=house.dialplan.version,
        sip_call_id=ARGUMENTS[0],
    )
    assert answers == [DigitsEntered("1"), DigitsEntered("1"), DigitsEntered("2")]
    assert isinstance(decided, RouteDecided)
    assert decided.routes[-1].agency == "operator"
    assert house.said[0] == "Anda terhubung ke 112."
    assert house.learned == [
        {"incident": "kebakaran"},
        {"place": "14.03.16", "confidence": 0.9, "source": "ivr_dtmf"},
    ]


@within_time
async def test_the_offered_call_is_on_disk_before_the_first_prompt() -> None:
    house = small_house()

    async def disk() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    house.disk = disk
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
        await peer.command()
        house.order.append("first command")
    assert house.order[:3] == ["handed CallOffered", "on disk CallOffered", "first command"]


@within_time
async def test_keys_are_wanted_from_the_first_moment_and_not_for_ever() -> None:
    house = small_house()
    host = house.host()
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS, "1") as peer:
        await peer.expect("GET", "FULL", "VARIABLE")
        assert host.knows(UNIQUEID), "AMI may already hear a key"
        peer.send("200 result=0\n")
        await peer.command()
        assert house.forgotten == {UNIQUEID: live.LONGEST_S}


@within_time
async def test_the_decision_is_on_disk_before_the_token() -> None:
    house = small_house()
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
        await peer.play_until(channel, "SET", "VARIABLE", TOKEN)
        assert house.order[-1] == "on disk RouteDecided"


@within_time
async def test_every_turn_arms_the_absolute_timeout_before_it_plays_or_waits() -> None:
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    peer = await whole_call(small_house(), channel, *ARGUMENTS)
    assert [command[2] for command in peer.commands[:2]] == ["SIAGA_NUMBER", "TIMEOUT(absolute)"]
    # Three questions, the decision, the dial.
    assert assigned(peer).count("TIMEOUT(absolute)") == 5


@within_time
async def test_the_shipped_dialplan_leads_a_caller_to_its_targets() -> None:
    house = House(*shipped())
    area, (key, place) = next(
        (area, next(iter(found.kecamatan.items())))
        for area, found in house.dialplan.places.areas.items()
    )
    prompts = house.dialplan.places
    channel = CallerChannel(
        pressed={
            "kebakaran-tekan": "1",
            prompts.prompt.name: area,
            prompts.areas[area].prompt.name: key,
        }
    )
    peer = await whole_call(house, channel, *ARGUMENTS)
    assert channel.variables["SIAGA_PLACE"] == place
    assert int(channel.variables["SIAGA_TARGETS"]) >= 1
    assert peer.commands[-1] == ["SET", "VARIABLE", TOKEN, UNIQUEID]


@pytest.mark.parametrize("deployment", ["small", "shipped"])
def test_a_silent_caller_reaches_the_operator(deployment: str) -> None:
    @within_time
    async def run() -> None:
        house = small_house() if deployment == "small" else House(*shipped())
        channel = CallerChannel()
        peer = await whole_call(house, channel, *ARGUMENTS)
        assert channel.variables["SIAGA_TARGETS"] == "0"
        assert house.events[UNIQUEID][1:] == [NoInput(), NoInput()]
        assert peer.commands[-1] == ["SET", "VARIABLE", TOKEN, UNIQUEID]

    run()


@within_time
async def test_zero_during_the_greeting_reaches_the_operator_and_nothing_more_is_played() -> None:
    house = small_house()
    channel = CallerChannel(pressed={GREETING: "0"})
    peer = await whole_call(house, channel, *ARGUMENTS)
    assert heard(channel) == [GREETING]
    assert house.events[UNIQUEID][1:] == [DigitsEntered("0")]
    assert channel.variables["SIAGA_TARGETS"] == "0"
    assert peer.commands[-1] == ["SET", "VARIABLE", TOKEN, UNIQUEID]
    assert not [argv for argv in peer.commands if argv[0] == "WAIT"]


@pytest.mark.parametrize("where", [MENU, AREAS, KECAMATAN])
def test_zero_reaches_the_operator_from_every_question(where: str) -> None:
    @within_time
    async def run() -> None:
        house = small_house()
        pressed = {MENU: "1", AREAS: "1", KECAMATAN: "1"} | {where: "0"}
        channel = CallerChannel(pressed=pressed)
        await whole_call(house, channel, *ARGUMENTS)
        assert channel.variables["SIAGA_TARGETS"] == "0"
        assert channel.variables[TOKEN] == UNIQUEID

    run()


@within_time
async def test_a_key_pressed_in_the_wait_after_the_question_counts() -> None:
    house = small_house()
    channel = CallerChannel(waited=deque(["1", "", "1", "1"]))
    await whole_call(house, channel, *ARGUMENTS)
    assert house.events[UNIQUEID][1:5] == [
        DigitsEntered("1"),
        NoInput(),
        DigitsEntered("1"),
        DigitsEntered("1"),
    ]


@within_time
async def test_a_key_that_only_ami_heard_between_two_prompts_becomes_the_answer() -> None:
    house = small_house()
    channel = CallerChannel()
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
        greeting = await peer.play_until(channel, "STREAM", "FILE")
        long_ago = asyncio.get_running_loop().time() - 1.0
        house.keys[UNIQUEID].heard("0", long_ago)
        peer.send(channel.answer(greeting))
        await peer.play(channel)
    assert house.events[UNIQUEID][1:] == [DigitsEntered("0")]
    assert heard(channel) == [GREETING]


# Prompts that cannot be played


@within_time
async def test_a_missing_sound_file_is_skipped_and_reported_and_the_dialogue_goes_on() -> None:
    channel = CallerChannel(missing=frozenset({GREETING}), pressed={MENU: "0"})
    with capture_logs() as logs:
        await whole_call(small_house(), channel, *ARGUMENTS)
    silent = [line["prompt"] for line in logs if line["event"] == "prompt_without_audio"]
    assert [name.rpartition("-")[0] for name in silent] == [GREETING]
    assert channel.variables[TOKEN] == UNIQUEID


@within_time
async def test_without_any_audio_a_caller_still_reaches_a_person() -> None:
    house = small_house()
    house.without_audio = ""
    channel = CallerChannel()
    with capture_logs() as logs:
        await whole_call(house, channel, *ARGUMENTS)
    assert [line for line in logs if line["event"] == "prompt_without_audio"]
    assert channel.variables["SIAGA_TARGETS"] == "0"
    assert channel.variables[TOKEN] == UNIQUEID


# Callers who go


@pytest.mark.parametrize("how", ["hang_up", "end", "drop"])
@pytest.mark.parametrize("during", [("STREAM", "FILE"), ("WAIT", "FOR", "DIGIT")])
def test_a_caller_who_goes_in_mid_dialogue_is_recorded(how: str, during: tuple[str, ...]) -> None:
    @within_time
    async def run() -> None:
        house = small_house()
        async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
            await peer.play_until(CallerChannel(), *during)
            getattr(peer, how)()
            await house.ended.wait()
        assert house.events[UNIQUEID][-1] == CallerHungUp()
        assert not any(TOKEN in argv for argv in peer.commands)
        assert replay(house.dialplan, house.events[UNIQUEID]).ended

    run()


@within_time
async def test_a_dead_channel_is_recorded_as_a_caller_who_went() -> None:
    house = small_house()
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
        await peer.command()
        peer.send("511 Command Not Permitted on a dead channel or intercept routine\n")
        await house.ended.wait()
    assert [type(event) for event in house.events[UNIQUEID]] == [CallOffered, CallerHungUp]


@pytest.mark.parametrize("said", ["", "junk\n", "200 result=0\n200 result=0\n"])
def test_a_caller_whose_session_fails_is_not_recorded_as_gone(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Extensions lead that caller to a person: the call is not over."""
    monkeypatch.setattr(perform, "COMMAND_S", 0.01)

    @within_time
    async def run() -> None:
        house = small_house()
        house.sound_s = 0.01
        async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
            await peer.play_until(CallerChannel(), "STREAM", "FILE")
            peer.send(said)
            assert await peer.rest() == b""
            await house.ended.wait()
        assert [type(event) for event in house.events[UNIQUEID]] == [CallOffered]

    run()


@within_time
async def test_a_caller_whom_a_stopping_controller_gives_back_is_not_recorded_as_gone() -> None:
    house = small_house()
    async with AsyncExitStack() as stack:
        async with at_work(house) as port:
            peer = await stack.enter_async_context(calling(port, "call", *ARGUMENTS))
            await peer.play_until(CallerChannel(), "STREAM", "FILE")
        assert await peer.rest() == b""
        await house.ended.wait()
    assert [type(event) for event in house.events[UNIQUEID]] == [CallOffered]


@within_time
async def test_a_caller_who_goes_before_the_location_is_known_is_still_a_call() -> None:
    house = small_house()
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS, "1") as peer:
        await peer.expect("GET", "FULL", "VARIABLE")
        peer.hang_up()
        await house.ended.wait()
    first, *rest = house.events[UNIQUEID]
    assert isinstance(first, CallOffered)
    assert (first.caller, first.location) == ("+6281276123456", None)
    assert rest == [CallerHungUp()]


def test_a_location_that_never_comes_does_not_cost_the_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signalling, "COMMAND_S", 0.01)

    @within_time
    async def run() -> None:
        house = small_house()
        async with at_work(house) as port, calling(port, "call", *ARGUMENTS, "1") as peer:
            await peer.expect("GET", "FULL", "VARIABLE")
            assert await peer.rest() == b"", "the caller goes to extensions"
            await house.ended.wait()
        assert isinstance(house.events[UNIQUEID][0], CallOffered)

    run()


@within_time
async def test_a_hang_up_in_mid_prompt_raises_no_alarm_about_the_prompt() -> None:
    house = small_house()
    with capture_logs() as logs:
        async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
            await peer.play_until(CallerChannel(), "STREAM", "FILE")
            peer.send("200 result=-1 endpos=4000\nHANGUP\n")
            await house.ended.wait()
    assert house.events[UNIQUEID][-1] == CallerHungUp()
    assert not [line for line in logs if line["event"] == "prompt_without_audio"]


@within_time
async def test_a_connection_that_only_opens_and_closes_is_no_call() -> None:
    house = small_house()
    async with at_work(house) as port:
        for _ in range(50):
            async with connected(port):
                pass
        channel = CallerChannel()
        async with calling(port, "call", *ARGUMENTS) as peer:
            await peer.play(channel)
    assert channel.variables[TOKEN] == UNIQUEID
    assert list(house.events) == [UNIQUEID]


# What is wrong in the house does not become the caller's trouble


@within_time
async def test_a_disk_that_never_answers_delays_the_first_prompt_by_its_bound_only() -> None:
    house = small_house()
    handed: list[float] = []

    async def disk() -> None:
        handed.append(asyncio.get_running_loop().time())
        await asyncio.Event().wait()

    house.disk = disk
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    with capture_logs() as logs:
        async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
            argv = await peer.command()
            waited = asyncio.get_running_loop().time() - handed[0]
            assert argv is not None
            peer.send(channel.answer(argv))
            await peer.play(channel)
    assert live.COMMIT_S == 0.05
    assert live.COMMIT_S * 0.9 <= waited < 1.0
    assert [line["what"] for line in logs if line["event"] == "commit_late"] == [
        "offered",
        "decision",
    ]
    assert not [word for word in house.order if word.startswith("on disk")]
    assert channel.variables["SIAGA_TARGETS"] == "2"
    assert channel.variables[TOKEN] == UNIQUEID


@within_time
async def test_a_disk_that_fails_costs_an_alarm_and_no_call() -> None:
    house = small_house()

    async def disk() -> None:
        raise OSError("no space left on device")

    house.disk = disk
    channel = CallerChannel()
    with capture_logs() as logs:
        await whole_call(house, channel, *ARGUMENTS)
    assert [line for line in logs if line["event"] == "commit_failed"]
    assert channel.variables[TOKEN] == UNIQUEID


@within_time
async def test_a_routing_that_raises_leaves_the_operator() -> None:
    house = small_house()

    def broken(
        directory: Directory, incident: str | None, location: Location | None
    ) -> RouteDecision:
        raise ZeroDivisionError

    house.route = broken
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    with capture_logs() as logs:
        await whole_call(house, channel, *ARGUMENTS)
    decided = house.events[UNIQUEID][-1]
    assert isinstance(decided, RouteDecided)
    assert decided.routes == (OPERATOR_ROUTE,)
    assert [reason.rule_id for reason in decided.because] == ["routing-failed"]
    assert channel.variables["SIAGA_TARGETS"] == "0"
    assert channel.variables[TOKEN] == UNIQUEID
    assert [line for line in logs if line["event"] == "routing_failed"]


@within_time
async def test_a_hostile_route_is_left_out_and_the_call_goes_on() -> None:
    house = small_house(trunks=TRUNKS.replace("ISI-ALAMAT", "127.0.0.1:5070"))
    hostile = replace(FIRST, target="101&PJSIP/999@jasnita")
    house.route = lambda directory, incident, location: RouteDecision(
        (hostile, FIRST, OPERATOR_ROUTE), (Reason("x", "x"),)
    )
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    await whole_call(house, channel, *ARGUMENTS)
    assert channel.variables["SIAGA_TARGETS"] == "1"
    assert channel.variables["SIAGA_T1"] == "PJSIP/101@damkar-sip"
    assert not [value for value in channel.variables.values() if "999" in value]


@within_time
async def test_a_session_without_a_call_in_it_ends_without_a_token() -> None:
    house = small_house()
    async with at_work(house) as port, connected(port) as peer:
        peer.send("agi_network: yes\nagi_network_script: call\n\n")
        assert await peer.rest() == b""
    assert not house.events


# What a caller sends


@pytest.mark.parametrize(
    ("number", "known"),
    [
        ("+6281276123456", "+6281276123456"),
        ("0765112", "0765112"),
        ("unknown", None),
        ("", None),
        ("anonymous", None),
        ('"; DROP TABLE', None),
        ("1" * 40, None),
    ],
)
def test_a_number_is_kept_and_what_is_none_is_not(number: str, known: str | None) -> None:
    @within_time
    async def run() -> None:
        house = small_house()
        async with (
            at_work(house) as port,
            calling(port, "call", *ARGUMENTS, callerid=number) as peer,
        ):
            await peer.play(CallerChannel())
        first = house.events[UNIQUEID][0]
        assert isinstance(first, CallOffered)
        assert first.caller == known

    run()


@within_time
async def test_a_location_from_the_network_stands_in_the_offered_call_and_routes_it() -> None:
    house = small_house()
    channel = CallerChannel(
        with_pidf('shape="Circle",crs="2d",pos="1.2690 101.2940",radius="50"'),
        pressed={MENU: "1", CONFIRM: "1"},
    )
    await whole_call(house, channel, *ARGUMENTS, "1")
    first = house.events[UNIQUEID][0]
    assert isinstance(first, CallOffered)
    assert first.location is not None
    assert first.location.code == "14.03.09"
    assert channel.variables["SIAGA_T1_ID"] == "damkar-mandau/damkar-sip"


@pytest.mark.parametrize("value", ['shape="Point",pos="nan 200"', "junk)", ")", "hangup", ""])
def test_a_location_that_is_none_changes_nothing(value: str) -> None:
    @within_time
    async def run() -> None:
        house = small_house()
        channel = CallerChannel(with_pidf(value))
        await whole_call(house, channel, *ARGUMENTS, "1")
        first = house.events[UNIQUEID][0]
        assert isinstance(first, CallOffered)
        assert first.location is None
        assert channel.variables[TOKEN] == UNIQUEID

    run()


# After a dial


def dialled(house: House) -> House:
    """A call for which two contacts of one agency are being dialled."""
    house.events[UNIQUEID] = [
        replace(offered(), call_id=UNIQUEID, dialplan_version=house.dialplan.version),
        DigitsEntered("1"),
        DigitsEntered("1"),
        DigitsEntered("1"),
        RouteDecided((FIRST, SECOND, OPERATOR_ROUTE), (Reason("x", "x"),)),
    ]
    return house


async def next_session(house: House, **results: str) -> tuple[CallerChannel, Peer]:
    channel = CallerChannel(
        {f"SIAGA_RESULT{'_' + name if name else ''}": value for name, value in results.items()}
    )
    async with at_work(house) as port, calling(port, "next") as peer:
        await peer.play(channel)
        return channel, peer


def result(who: str, status: str, cause: str = "", talk: str = "0") -> dict[str, str]:
    return {"ID": who, "": status, "CAUSE": cause, "TALK": talk}


@within_time
async def test_after_a_busy_target_the_remaining_ones_are_dialled() -> None:
    house = dialled(small_house())
    channel, peer = await next_session(
        house, **result("damkar-mandau/damkar-sip", "busy", "BUSY 17")
    )
    assert house.events[UNIQUEID][-1] == DialEnded(
        "damkar-mandau", "damkar-sip", "busy", "BUSY 17", 0.0
    )
    assert channel.variables["SIAGA_TARGETS"] == "1"
    assert channel.variables["SIAGA_T1_ID"] == "damkar-mandau/jasnita"
    assert peer.commands[-1] == ["SET", "VARIABLE", TOKEN, UNIQUEID]


@pytest.mark.parametrize(
    ("heard_s", "cause", "named"),
    [
        (0.0, "no-key", "silence"),
        (1.5, "no-key", "no-key"),
        (6.0, "no-key", "voicemail"),
        (6.0, "NOANSWER 0", "NOANSWER 0"),
    ],
)
def test_who_pressed_no_key_is_named_by_what_was_heard(
    heard_s: float, cause: str, named: str
) -> None:
    @within_time
    async def run() -> None:
        house = dialled(small_house())
        house.heard_s = heard_s
        said = {**result("damkar-mandau/damkar-sip", "no_answer", cause), "RUNG": "21"}
        await next_session(house, **said)
        assert house.events[UNIQUEID][-1] == DialEnded(
            "damkar-mandau", "damkar-sip", "no_answer", named, 0.0, 21.0
        )

    run()


@within_time
async def test_after_the_last_target_the_operator_is_left() -> None:
    house = dialled(small_house())
    channel, _ = await next_session(house, **result("damkar-mandau/jasnita", "no_answer"))
    assert channel.variables["SIAGA_TARGETS"] == "0"
    assert channel.variables[TOKEN] == UNIQUEID


@within_time
async def test_after_a_talk_that_the_agency_closed_the_operator_is_offered() -> None:
    house = dialled(small_house())
    channel, _ = await next_session(
        house, **result("damkar-mandau/damkar-sip", "answered", "ANSWER 16", "95")
    )
    assert heard(channel) == ["kalimat-talk-ended"]
    assert channel.variables["SIAGA_TARGETS"] == "0"


@within_time
async def test_after_a_talk_that_was_cut_off_the_next_target_is_dialled() -> None:
    house = dialled(small_house(**{"id": PHRASES}))
    channel, _ = await next_session(
        house, **result("damkar-mandau/damkar-sip", "answered", "ANSWER 41", "3")
    )
    assert channel.variables["SIAGA_T1_ID"] == "damkar-mandau/jasnita"


@pytest.mark.parametrize("status", ["", "exploded", "ANSWER"])
def test_a_status_that_nobody_knows_is_a_failure_and_the_next_target_is_dialled(
    status: str,
) -> None:
    @within_time
    async def run() -> None:
        house = dialled(small_house())
        channel, _ = await next_session(
            house, **result("damkar-mandau/damkar-sip", status, "x", "lama")
        )
        ended = house.events[UNIQUEID][-1]
        assert isinstance(ended, DialEnded)
        assert (ended.status, ended.talk_s) == ("failed", 0.0)
        assert channel.variables["SIAGA_TARGETS"] == "1"

    run()


@within_time
async def test_the_question_what_is_next_for_an_unknown_call_ends_without_a_token() -> None:
    house = small_house()
    channel, peer = await next_session(house, **result("damkar-mandau/damkar-sip", "busy"))
    assert TOKEN not in channel.variables
    assert peer.commands == []
    assert not house.events


@within_time
async def test_a_dial_that_nobody_asked_for_ends_without_a_token_and_without_a_record() -> None:
    house = dialled(small_house())
    before = list(house.events[UNIQUEID])
    channel, _ = await next_session(house, **result("lain/lain", "busy"))
    assert TOKEN not in channel.variables
    assert house.events[UNIQUEID] == before, "the record can still be replayed for the next target"
    channel, _ = await next_session(house, **result("damkar-mandau/damkar-sip", "busy"))
    assert channel.variables["SIAGA_TARGETS"] == "1"


def test_a_record_that_cannot_be_read_in_time_leaves_the_caller_to_extensions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "EVENTS_S", 0.01)

    @within_time
    async def run() -> None:
        house = small_house()

        async def never(call_id: str) -> Sequence[Event]:
            await asyncio.Event().wait()
            return ()

        host = replace(house.host(), events_of=never)
        server = await serve("127.0.0.1", 0, lambda session: live.handle(session, host))
        async with calling(server.port, "next") as peer:
            assert await peer.rest() == b""
        await server.close()

    run()


# A location that comes later


SURE_HERE = Location(
    "aml_https", "14.03.16", 1.325, 101.075, 20.0, 0.95, "gps", shape="circle", kind="inside"
)


class Later:
    """A source that tells what it knows when it is let go."""

    name = "aml_https"
    deadline_s = 5.0

    def __init__(self, location: Location) -> None:
        self.location = location
        self.go = asyncio.Event()

    async def find(self, asked: Asked) -> Sequence[Location]:
        await self.go.wait()
        return [self.location]


async def until(peer: Peer, channel: CallerChannel, prompt: str) -> list[str]:
    """Play the call up to the moment in which this prompt is asked for."""
    while True:
        command = await peer.command()
        if command[:2] == ["STREAM", "FILE"] and command[2].startswith(prompt):
            return command
        peer.send(channel.answer(command))


@within_time
async def test_a_location_that_comes_while_the_place_is_asked_for_spares_the_rest_of_the_question() -> (
    None
):
    house = small_house()
    channel = CallerChannel(pressed={MENU: "1"})
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
        command = await until(peer, channel, AREAS)
        house.whereabouts.arrived(UNIQUEID, SURE_HERE)
        peer.send(channel.answer(command))
        await peer.play(channel)
    assert channel.variables["SIAGA_PLACE"] == "14.03.16"
    assert channel.variables[TOKEN] == UNIQUEID
    kinds = [type(event) for event in house.events[UNIQUEID]]
    assert kinds == [CallOffered, DigitsEntered, LocationLearned, RouteDecided]
    assert replay(house.dialplan, house.events[UNIQUEID]).state.location == SURE_HERE
    assert house.shown == []


@within_time
async def test_whoever_answers_is_not_interrupted_by_what_his_phone_tells() -> None:
    house = small_house()
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    async with at_work(house) as port, calling(port, "call", *ARGUMENTS) as peer:
        command = await until(peer, channel, KECAMATAN)
        house.whereabouts.arrived(UNIQUEID, SURE_HERE)
        peer.send(channel.answer(command))
        await peer.play(channel)
    assert channel.variables["SIAGA_PLACE"] == "14.03.09"
    state = replay(house.dialplan, house.events[UNIQUEID]).state
    assert state.learned == SURE_HERE
    assert state.location is not None and state.location.code == "14.03.09"


@within_time
async def test_a_source_that_hangs_is_not_waited_for() -> None:
    house = small_house()
    house.sources = (Later(SURE_HERE),)
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    begun = asyncio.get_running_loop().time()
    await whole_call(house, channel, *ARGUMENTS)
    assert channel.variables[TOKEN] == UNIQUEID
    assert asyncio.get_running_loop().time() - begun < 2.0


@within_time
async def test_what_comes_while_an_agency_is_rung_is_on_record_and_shown_to_it() -> None:
    later = Later(SURE_HERE)
    house = small_house()
    house.sources = (later,)
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "1"})
    await whole_call(house, channel, *ARGUMENTS)
    later.go.set()
    await house.someone_saw.wait()
    assert house.shown == [replace(SURE_HERE, received_at=house.shown[0].received_at)]
    assert house.events[UNIQUEID][-1] == LocationLearned(house.shown[0])
    told = {**result("damkar-mandau/damkar-sip", "failed")}
    after, _ = await next_session(house, **told)
    assert after.variables["SIAGA_T1_ID"] == "damkar-mandau/jasnita", (
        "the call goes on all the same"
    )


@within_time
async def test_agencies_are_told_the_coordinate_of_a_phone_in_the_kecamatan_that_was_keyed_in() -> (
    None
):
    house = small_house()
    house.sources = (Now(SURE_HERE),)
    channel = CallerChannel(pressed={MENU: "1", AREAS: "1", KECAMATAN: "2"})
    await whole_call(house, channel, *ARGUMENTS)
    assert "1.325000 101.075000" in channel.variables["GEOLOC_PROFILE(location_info)"]


@within_time
async def test_what_came_in_the_invite_and_is_no_place_is_not_passed_on() -> None:
    house = small_house()
    channel = CallerChannel(with_pidf('shape="Point",pos="nan 200"'))
    await whole_call(house, channel, *ARGUMENTS, "1")
    assert channel.variables["GEOLOC_PROFILE(inheritable)"] == "false"


class Now:
    """A source that knows at once."""

    name = "aml_https"
    deadline_s = 1.0

    def __init__(self, location: Location) -> None:
        self.location = location

    async def find(self, asked: Asked) -> Sequence[Location]:
        return [self.location]
