"""A place that is learned late reaches the telephones of its call, and costs nothing where it cannot."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from fake_ami import Peer, fake_ami, message
from small_deployment import small
from structlog.testing import capture_logs
from test_ami import QUIET, within_time

from ivr.platforms.asterisk.ami import Listener, NotDone
from ivr.platforms.asterisk.show import Displays, line, safe
from routing.model import Location, Trunk

_, SMALL = small()
DIRECTORY = replace(
    SMALL,
    trunks={"pusat-sip": Trunk("pusat-sip", "x"), "pemda": Trunk("pemda", "x", location=True)},
)
CALL, OTHER = "siaga-17.1", "siaga-17.10"
KNOWN = "Kebakaran Mandau"
PLACE = Location("aml_https", "14.03.09", 1.2856, 101.197, 49.6, confidence=0.9)
EXACT = "Kebakaran Mandau 1.2856 101.1970 r50"
CHANNELS = {
    "PJSIP/anonymous-00000001": (CALL, CALL, "6"),
    "Local/1@siaga-kaki-00000001;2": ("siaga-17.2", CALL, "6"),
    "PJSIP/langsung-00000002": ("siaga-17.3", CALL, "6"),
    "PJSIP/pusat-sip-00000003": ("siaga-17.4", CALL, "6"),
    "PJSIP/pemda-00000004": ("siaga-17.5", CALL, "6"),
    "PJSIP/pusat-sip-00000005": ("siaga-17.6", CALL, "5"),
    "PJSIP/langsung-00000006": ("siaga-17.7", OTHER, "6"),
}
OF_CALL = ("PJSIP/langsung-00000002", "PJSIP/pusat-sip-00000003", "PJSIP/pemda-00000004")


@dataclass
class Asterisk:
    """The other end: it answers as Asterisk does, and remembers what it was told, and when."""

    peer: Peer
    refused: frozenset[str] = frozenset()  # the channels that are gone
    looks: list[float] = field(default_factory=list)  # the loop's time of each Status
    told: list[tuple[str, str, str]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)  # anything at all

    async def answer(self) -> None:
        while True:
            action = await self.peer.action()
            self.heard.set()
            if action["Action"] == "Status":
                self.looks.append(asyncio.get_running_loop().time())
                self._status(action)
            else:
                channel = action["Channel"]
                self.told.append((channel, action["Variable"], action.get("Value", "")))
                response = "Error" if channel in self.refused else "Success"
                self.peer.answer(action, response, Message="No such channel")

    def _status(self, asked: Mapping[str, str]) -> None:
        self.peer.answer(dict(asked), EventList="start", Message="Channel status will follow")
        for channel, (unique, call, state) in CHANNELS.items():
            headers = {"ActionID": asked["ActionID"], "Channel": channel, "Uniqueid": unique}
            headers["ChannelState"] = state
            self.peer.send(message(Event="Status", **headers, Variable=f"SIAGA_CALL={call}"))
        done = {"EventList": "Complete", "Items": str(len(CHANNELS))}
        self.peer.send(message(Event="StatusComplete", ActionID=asked["ActionID"], **done))

    def on(self, channel: str) -> dict[str, str]:
        return {name: value for where, name, value in self.told if where == channel}

    def displays(self) -> dict[str, str]:
        """What each telephone was told to show, last."""
        return {it: value for it, name, value in self.told if name == "CONNECTEDLINE(name)"}


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Listener, Peer]]:
    async with fake_ami() as server:
        listener = Listener("127.0.0.1", server.port, "siaga", "x", lambda fact: None, **QUIET)
        listener.start()
        try:
            peer = await server.accepted()
            await peer.log_in()
            yield listener, peer
        finally:
            listener.close()


@asynccontextmanager
async def answering(
    refused: Sequence[str] = (), between_s: float = 0.0
) -> AsyncIterator[tuple[Displays, Asterisk]]:
    async with connected() as (listener, peer):
        asterisk = Asterisk(peer, frozenset(refused))
        answers = asyncio.create_task(asterisk.answer())
        try:
            yield Displays(listener, between_s), asterisk
        finally:
            answers.cancel()


@within_time
async def test_every_telephone_of_the_call_that_is_up_but_the_callers_shows_the_place() -> None:
    async with answering() as (displays, asterisk):
        assert await displays.show(CALL, KNOWN, PLACE, DIRECTORY) == 3
    assert set(asterisk.displays()) == set(OF_CALL)


@within_time
async def test_a_coordinate_is_shown_only_where_the_way_out_may_tell_it() -> None:
    async with answering() as (displays, asterisk):
        await displays.show(CALL, KNOWN, PLACE, DIRECTORY)
    assert asterisk.displays() == dict(zip(OF_CALL, (EXACT, KNOWN, EXACT), strict=True))


@within_time
async def test_legs_that_are_rung_later_show_it_too_and_are_told_the_position() -> None:
    async with answering() as (displays, asterisk):
        await displays.show(CALL, KNOWN, PLACE, DIRECTORY)
    said = asterisk.on(CALL)  # the unique id stands for the caller's channel
    assert (said["SIAGA_SHOWN"], said["SIAGA_LATE"]) == (KNOWN, EXACT)
    assert 'pos="1.285600 101.197000"' in said["GEOLOC_PROFILE(location_info)"]
    assert said["GEOLOC_PROFILE(inheritable)"] == "true"


@within_time
async def test_the_latest_of_many_places_is_shown_and_one_look_serves_all_that_wait() -> None:
    async with answering() as (displays, asterisk):
        many = await asyncio.gather(
            *(displays.show(CALL, f"Rupat {turn}", PLACE, DIRECTORY) for turn in range(50)),
            displays.show(CALL, KNOWN, PLACE, DIRECTORY),
            displays.show(OTHER, "Banjir Rupat", PLACE, DIRECTORY),
        )
    assert many == [*[3] * 51, 1]
    assert len(asterisk.looks) == 1
    assert asterisk.displays()["PJSIP/pusat-sip-00000003"] == KNOWN
    assert asterisk.displays()["PJSIP/langsung-00000006"].startswith("Banjir Rupat 1.2856")
    assert not any("Rupat 4" in value for _, _, value in asterisk.told)


@within_time
async def test_between_two_looks_at_all_channels_lies_a_while() -> None:
    async with answering(between_s=0.2) as (displays, asterisk):
        for _ in range(3):
            await displays.show(CALL, KNOWN, PLACE, DIRECTORY)
    first, second, third = asterisk.looks
    assert min(second - first, third - second) >= 0.2


@within_time
async def test_a_place_that_comes_while_another_is_shown_is_shown_after_it() -> None:
    async with answering() as (displays, asterisk):
        first = asyncio.create_task(displays.show(CALL, "Rupat", PLACE, DIRECTORY))
        await asterisk.heard.wait()
        assert await displays.show(CALL, KNOWN, PLACE, DIRECTORY) == 3
        assert first.done()
    assert asterisk.on(CALL)["SIAGA_SHOWN"] == KNOWN
    assert set(asterisk.displays().values()) == {KNOWN, EXACT}


@within_time
async def test_nothing_in_a_text_becomes_a_header_or_a_variable_of_its_own() -> None:
    async with answering() as (displays, asterisk):
        text = 'x\r\nAction: Hangup\r\n"<sip:y>,${SHELL(id)}^A=b'
        await displays.show(CALL, text, Location("x", "14.03.09"), DIRECTORY)
    assert set(asterisk.displays().values()) == {"x Action Hangup sip y SHELL id A b"}


@within_time
async def test_a_leg_that_ended_meanwhile_keeps_nobody_else_from_being_told() -> None:
    async with answering(refused=OF_CALL[:1]) as (displays, asterisk):
        with capture_logs() as logs:
            assert await displays.show(CALL, KNOWN, PLACE, DIRECTORY) == 2
    assert set(asterisk.displays()) == set(OF_CALL)
    assert "place_not_shown" in {entry["event"] for entry in logs}


@within_time
async def test_for_a_caller_who_is_gone_no_channel_is_looked_at() -> None:
    async with answering(refused=[CALL]) as (displays, asterisk):
        assert await displays.show(CALL, KNOWN, PLACE, DIRECTORY) == 0
    assert asterisk.looks == []
    assert len(asterisk.told) == 1


@within_time
async def test_a_connection_that_is_lost_is_a_line_in_the_log_and_the_next_place_is_tried() -> None:
    async with connected() as (listener, peer):
        displays = Displays(listener, 0.0)
        with capture_logs() as logs:
            showing = asyncio.create_task(displays.show(CALL, KNOWN, PLACE, DIRECTORY))
            await peer.expect("Setvar")
            peer.abort()
            assert await showing == 0
            assert await displays.show(CALL, KNOWN, PLACE, DIRECTORY) == 0
        assert [entry["event"] for entry in logs].count("place_not_shown") == 2


@within_time
async def test_without_a_connection_nothing_is_waited_for() -> None:
    listener = Listener("127.0.0.1", 1, "siaga", "x", lambda fact: None, **QUIET)
    assert await Displays(listener).show(CALL, KNOWN, PLACE, DIRECTORY) == 0


@within_time
async def test_an_action_that_is_not_answered_in_time_is_given_up() -> None:
    async with connected() as (listener, peer):
        with pytest.raises(NotDone):
            await listener.act({"Action": "Status"}, 0.05)
        await peer.expect("Status")


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (KNOWN, EXACT),
        ("Gangguan kesehatan", "Gangguan kesehatan 1.2856 101.1970 r50"),
        ("Kebakaran Bathin Solapan", "Kebakaran Bathin Solapan 1.2856 101.1970"),
        ("Kebakaran Talang Muandau", "Kebakaran Talang Muandau 1.2856 101.1970"),
        ("Gangguan kesehatan Bathin Solapan", "Gangg keseh Bathi Solapa 1.2856 101.1970"),
        ("Kecelakaan lalu lintas Rupat Utara", "Kece lalu lint Rupa Utar 1.2856 101.1970"),
        ("", "1.2856 101.1970 r50"),
    ],
)
def test_a_display_holds_incident_place_and_coordinate(known: str, shown: str) -> None:
    assert line(known, PLACE) == shown
    assert len(line(known, PLACE)) <= 40


@pytest.mark.parametrize("known", ["a" * 100, "abc " * 30, "Kebakaran " * 10])
def test_a_display_keeps_the_coordinate_whole_whatever_stands_before_it(known: str) -> None:
    far = replace(PLACE, lat=-88.12345, lon=-178.12345)
    assert line(known, far).endswith(" -88.1235 -178.1234")
    assert len(line(known, far)) <= 40


def test_a_place_without_a_coordinate_is_shown_by_its_words() -> None:
    assert line("Mandau", Location("ivr_dtmf", "14.03.09")) == "Mandau"
    assert line("Mandau", Location("x", None, -1.5, 101.0, math.nan)) == "Mandau -1.5000 101.0000"
    assert safe("a" * 50) == "a" * 40
