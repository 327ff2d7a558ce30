"""A place that is learned late reaches the telephones of its call, and costs nothing where it cannot."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fake_ami import Peer, fake_ami, message
from small_deployment import small
from structlog.testing import capture_logs
from test_ami import QUIET, within_time

from ivr.platforms.asterisk.ami import Listener, NotDone
from ivr.platforms.asterisk.show import line, show
from routing.model import Location

_, DIRECTORY = small()
CALL = "siaga-17.1"
PLACE = Location("aml_https", "14.03.09", 1.2856, 101.197, 49.6, confidence=0.9)
CHANNELS = {
    "PJSIP/anonymous-00000001": (CALL, CALL, "6"),
    "Local/1@siaga-kaki-00000001;2": ("siaga-17.2", CALL, "6"),
    "PJSIP/langsung-00000002": ("siaga-17.3", CALL, "6"),
    "PJSIP/pusat-sip-00000003": ("siaga-17.4", CALL, "6"),
    "PJSIP/pusat-sip-00000004": ("siaga-17.5", CALL, "5"),
    "PJSIP/langsung-00000005": ("siaga-17.6", "siaga-17.10", "6"),
}


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


async def answer_status(peer: Peer) -> None:
    asked = await peer.expect("Status")
    peer.answer(asked, EventList="start", Message="Channel status will follow")
    for channel, (unique, call, state) in CHANNELS.items():
        headers = {"ActionID": asked["ActionID"], "Channel": channel, "Uniqueid": unique}
        headers["ChannelState"] = state
        peer.send(message(Event="Status", **headers, Variable=f"SIAGA_CALL={call}"))
    done = {"EventList": "Complete", "Items": str(len(CHANNELS))}
    peer.send(message(Event="StatusComplete", ActionID=asked["ActionID"], **done))


async def variables(peer: Peer, many: int, response: str = "Success") -> list[tuple[str, str, str]]:
    found = []
    for _ in range(many):
        action = await peer.expect("Setvar")
        found.append((action["Channel"], action["Variable"], action["Value"]))
        peer.answer(action, response, Message="No such channel")
    return found


async def shown(
    listener: Listener, peer: Peer, response: str = "Success", **changes: Any
) -> tuple[int, list[tuple[str, str, str]]]:
    text = changes.pop("text", line("Kebakaran Mandau", PLACE))
    showing = asyncio.create_task(show(listener, CALL, text, PLACE, DIRECTORY))
    await answer_status(peer)
    told = await variables(peer, 9, response)
    await answer_status(peer)
    told += await variables(peer, 2, response)
    return await showing, told


@within_time
async def test_every_telephone_of_the_call_that_is_up_but_the_callers_shows_the_place() -> None:
    async with connected() as (listener, peer):
        many, told = await shown(listener, peer)
    assert many == 2
    display = "Kebakaran Mandau 1.2856 101.1970 r50"
    assert told[-2:] == [
        ("PJSIP/langsung-00000002", "CONNECTEDLINE(name)", display),
        ("PJSIP/pusat-sip-00000003", "CONNECTEDLINE(name)", display),
    ]


@within_time
async def test_legs_that_are_rung_later_show_it_too_and_are_told_the_position() -> None:
    async with connected() as (listener, peer):
        _, told = await shown(listener, peer)
    assert {channel for channel, _, _ in told[:-2]} == {"PJSIP/anonymous-00000001"}
    said = {name: value for _, name, value in told[:-2]}
    assert said["SIAGA_SHOWN"] == said["SIAGA_LATE"] == "Kebakaran Mandau 1.2856 101.1970 r50"
    assert 'pos="1.285600 101.197000"' in said["GEOLOC_PROFILE(location_info)"]
    assert said["GEOLOC_PROFILE(inheritable)"] == "true"


@within_time
async def test_nothing_in_a_text_becomes_a_header_or_a_variable_of_its_own() -> None:
    async with connected() as (listener, peer):
        _, told = await shown(
            listener, peer, text='x\r\nAction: Hangup\r\n"<sip:y>,${SHELL(id)}^A=b'
        )
    assert {value for _, name, value in told if name != "SIAGA_SHOWN"}.isdisjoint({""})
    assert told[-1][2] == "x Action Hangup sip y SHELL id A b"


@within_time
async def test_a_leg_that_ended_meanwhile_keeps_nobody_else_from_being_told() -> None:
    async with connected() as (listener, peer):
        with capture_logs() as logs:
            many, told = await shown(listener, peer, "Error")
    assert many == 0
    assert len(told) == 11
    assert "place_not_shown" in {entry["event"] for entry in logs}


@within_time
async def test_a_connection_that_is_lost_is_a_line_in_the_log() -> None:
    async with connected() as (listener, peer):
        with capture_logs() as logs:
            showing = asyncio.create_task(show(listener, CALL, "Mandau", PLACE, DIRECTORY))
            await peer.expect("Status")
            peer.abort()
            assert await showing == 0
        assert "place_not_shown" in {entry["event"] for entry in logs}


@within_time
async def test_without_a_connection_nothing_is_waited_for() -> None:
    listener = Listener("127.0.0.1", 1, "siaga", "x", lambda fact: None, **QUIET)
    assert await show(listener, CALL, "Mandau", PLACE, DIRECTORY) == 0


@within_time
async def test_an_action_that_is_not_answered_in_time_is_given_up() -> None:
    async with connected() as (listener, peer):
        with pytest.raises(NotDone):
            await listener.act({"Action": "Status"}, 0.05)
        await peer.expect("Status")


def test_a_display_keeps_the_coordinate_whole_whatever_stands_before_it() -> None:
    assert line("Kebakaran Talang Muandau Tasik Serai", PLACE).endswith(" 1.2856 101.1970 r50")
    assert len(line("Kebakaran Talang Muandau Tasik Serai", PLACE)) <= 40
    assert line("Mandau", Location("ivr_dtmf", "14.03.09")) == "Mandau"
    assert line("Mandau", Location("x", None, -1.5, 101.0, math.nan)) == "Mandau -1.5000 101.0000"
