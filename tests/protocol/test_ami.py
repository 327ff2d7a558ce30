"""The second ear outlives whatever an AMI server or a listener of ours may do."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fake_ami import FakeAmi, Peer, fake_ami, message
from structlog.testing import capture_logs

from ivr.calls.board import Fact
from ivr.platforms.asterisk.ami import Listener, UnsafeAction, fact_of

QUIET = {"ping_s": 60.0, "pong_s": 60.0, "first_pause_s": 0.01}


def within_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that is a coroutine; what never comes fails it instead of hanging."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 10.0))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


class Ear:
    """A listener, the server it listens to, and the facts it told."""

    def __init__(self, server: FakeAmi, timing: dict[str, float]) -> None:
        self.server = server
        self._facts: asyncio.Queue[Fact] = asyncio.Queue()
        self.fail_on: set[str] = set()
        self.listener = Listener("127.0.0.1", server.port, "siaga", "rahasia", self._hear, **timing)
        self.manager = self.listener.manager

    def _hear(self, fact: Fact) -> None:
        if fact.call_id in self.fail_on:
            raise RuntimeError("a listener at fault")
        self._facts.put_nowait(fact)

    async def hears(self) -> Fact:
        return await self._facts.get()


@asynccontextmanager
async def ear(*, listening: bool = True, **timing: float) -> AsyncIterator[Ear]:
    async with fake_ami(listening=listening) as server:
        found = Ear(server, {**QUIET, **timing})
        found.listener.start()
        try:
            yield found
        finally:
            found.listener.close()


async def logged_in(server: FakeAmi) -> Peer:
    peer = await server.accepted()
    await peer.log_in()
    return peer


def hangup(call_id: str) -> bytes:
    return message(Event="Hangup", Uniqueid=call_id, Linkedid=call_id, Cause="16")


def accepted_by(who: str) -> bytes:
    return message(Event="UserEvent", UserEvent="Siaga", Call="1", What="accepted", Who=who)


@within_time
async def test_it_logs_in_and_tells_what_happens() -> None:
    async with ear() as it:
        peer = await it.server.accepted()
        login = await peer.log_in()
        assert (login["Username"], login["Secret"]) == ("siaga", "rahasia")
        peer.send(message(Event="FullyBooted", Status="Fully Booted") + hangup("7"))
        fact = await it.hears()
        assert (fact.call_id, fact.name, fact.cause) == ("7", "ended", "16")


@within_time
async def test_line_ends_are_refused_and_nothing_is_sent() -> None:
    async with ear() as it:
        peer = await logged_in(it.server)
        for bad in ("\r", "\n", "\r\n", "\0"):
            for action in (
                {"Action": "Redirect", "Channel": f"PJSIP/1{bad}Action: System"},
                {"Action": "Redirect", f"Channel{bad}x": "PJSIP/1"},
                {"Action": "Redirect", "Variable": ["a=1", f"b=2{bad}Command: rm"]},
                {"Action": "Command", "Command": f"core show{bad}"},
            ):
                with pytest.raises(UnsafeAction):
                    it.manager.send_action(action)
        answered = it.manager.send_action({"Action": "CoreStatus", "Variable": ["a=1", "b=2"]})
        action = await peer.expect("CoreStatus")
        peer.answer(action)
        assert (await answered).success


@within_time
async def test_a_character_split_between_segments_stays_whole() -> None:
    async with ear() as it:
        peer = await logged_in(it.server)
        text = accepted_by("pos-Jürgen-消防/jasnita")
        for cut in range(text.index(b"J"), text.index(b"/")):
            # The first fact proves that the segment has arrived, with the piece at its end.
            peer.send(hangup(f"cut-{cut}") + text[:cut])
            assert (await it.hears()).call_id == f"cut-{cut}"
            peer.send(text[cut:])
            assert (await it.hears()).who == "pos-Jürgen-消防/jasnita"


@within_time
async def test_a_callback_that_raises_loses_only_its_own_event() -> None:
    async with ear() as it:
        it.fail_on = {"2"}
        peer = await logged_in(it.server)
        with capture_logs() as logs:
            peer.send(hangup("1") + hangup("2") + hangup("3"))
            assert [(await it.hears()).call_id for _ in range(2)] == ["1", "3"]
        assert [line["event"] for line in logs] == ["ami_callback_failed"]
        peer.send(hangup("4"))
        assert (await it.hears()).call_id == "4"
        assert it.server.connections == 1


@within_time
async def test_an_action_without_an_answer_is_never_sent_again() -> None:
    async with ear(ping_s=0.02) as it:
        peer = await logged_in(it.server)
        call_back = {"Action": "Originate", "Channel": "Local/1@x", "Async": "true"}
        answer = it.manager.send_action(call_back)
        while (await peer.action())["Action"] != "Originate":
            pass
        peer.abort()
        again = await logged_in(it.server)
        assert answer.cancelled()
        again.send(message(Event="FullyBooted", Status="Fully Booted") + hangup("1"))
        await it.hears()
        for _ in range(3):
            again.answer(await again.expect("Ping"), Ping="Pong")


@within_time
async def test_a_server_that_answers_no_ping_is_left_for_a_new_connection() -> None:
    async with ear(ping_s=0.02, pong_s=0.1) as it:
        with capture_logs() as logs:
            silent = await logged_in(it.server)
            again = await it.server.accepted()
        assert b"Action: Ping" in await silent.rest()
        assert "ami_silent" in [line["event"] for line in logs]
        await again.log_in()
        again.send(hangup("1"))
        assert (await it.hears()).call_id == "1"


@within_time
async def test_a_server_that_does_not_even_answer_the_login_is_left() -> None:
    async with ear(ping_s=0.02, pong_s=0.1) as it:
        await it.server.accepted()
        await it.server.accepted()


@within_time
async def test_a_server_that_answers_pings_is_kept() -> None:
    async with ear(ping_s=0.02, pong_s=0.5) as it:
        peer = await logged_in(it.server)
        for _ in range(40):
            peer.answer(await peer.expect("Ping"), Ping="Pong")
        assert it.server.connections == 1


@within_time
async def test_a_refused_login_is_reported_and_tried_again_ever_later() -> None:
    first_pause_s = 0.02
    async with ear(first_pause_s=first_pause_s) as it:
        with capture_logs() as logs:
            came = []
            for _ in range(3):
                peer = await it.server.accepted()
                came.append(asyncio.get_running_loop().time())
                await peer.log_in("Error")
            peer = await logged_in(it.server)
        assert [line["event"] for line in logs].count("ami_login_refused") == 3
        assert came[1] - came[0] >= first_pause_s * 0.8
        assert came[2] - came[1] >= first_pause_s * 0.8 * 2
        peer.send(hangup("1"))
        await it.hears()
        assert it.manager.pauses == 0, "after a good login the next pause is a short one"


class Told(logging.Handler):
    """Sets an event for the first line that says so."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
        self.came = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.came.set()


@within_time
async def test_a_server_that_is_not_there_yet_is_found_when_it_comes() -> None:
    told = Told("Not able to reconnect")
    panoramisk = logging.getLogger("panoramisk.manager")
    panoramisk.addHandler(told)
    try:
        async with ear(listening=False) as it:
            await told.came.wait()
            await it.server.listen()
            peer = await logged_in(it.server)
            peer.send(hangup("1"))
            assert (await it.hears()).call_id == "1"
    finally:
        panoramisk.removeHandler(told)


@within_time
async def test_a_lost_connection_is_made_again_as_often_as_it_takes() -> None:
    async with ear() as it:
        for number in range(5):
            peer = await logged_in(it.server)
            peer.send(hangup(str(number)))
            assert (await it.hears()).call_id == str(number)
            peer.abort()


@within_time
async def test_a_server_that_says_it_goes_down_is_waited_for() -> None:
    async with ear() as it:
        peer = await logged_in(it.server)
        peer.send(message(Event="Shutdown", Shutdown="Cleanly", Restart="True"))
        peer = await logged_in(it.server)
        peer.send(hangup("1"))
        assert (await it.hears()).call_id == "1"


JUNK = [
    b"\r\n\r\n\r\n\r\n",
    b"\xff\xfe\x00 junk \xc3\r\n\r\n",
    b": : :\r\nEvent\r\n\r\n",
    b"Event: \r\n\r\n",
    b"Event: Hangup\r\nEvent: Hangup\r\n\r\n",
    b"Response: Follows\r\n\r\n",
    b"Response: Success\r\nActionID: nobody\r\n\r\n",
    b"Response: Success\r\nActionID: a\r\nActionID: b\r\n\r\n",
    message(Event="Hangup", Uniqueid="1", Linkedid="1", Timestamp="soon").replace(b"1\r", b"\r"),
    b"Event: Hangup\r\nUniqueid: 1\r\nLinkedid: 1\r\nTimestamp: 1\r\nTimestamp: 2\r\n\r\n",
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    random.Random(112).randbytes(50_000) + b"\r\n\r\n",
]


@within_time
async def test_junk_costs_nothing_but_itself() -> None:
    async with ear() as it:
        peer = await logged_in(it.server)
        with capture_logs():
            for number, junk in enumerate(JUNK):
                peer.send(junk + hangup(f"after-{number}"))
                while (await it.hears()).call_id != f"after-{number}":
                    pass
        assert it.server.connections == 1


@within_time
async def test_a_closed_listener_leaves_and_does_not_come_back() -> None:
    async with ear() as it:
        peer = await logged_in(it.server)
        answer = it.manager.send_action({"Action": "CoreStatus"})
        await peer.expect("CoreStatus")
        it.listener.close()
        assert await peer.rest() == b""
        assert answer.cancelled()
        assert it.server.connections == 1


@within_time
async def test_a_listener_closed_while_it_connects_leaves_no_connection() -> None:
    async with ear() as it:
        it.listener.close()
        peer = await it.server.accepted()
        assert await peer.rest() == b""


NOW = 1_750_000_000.0
MINE = {"Uniqueid": "7.1", "Linkedid": "7.1", "Timestamp": "1749999999.25"}
LEG = {"Uniqueid": "7.2", "Linkedid": "7.1"}
SIAGA = {"Event": "UserEvent", "UserEvent": "Siaga", "Call": "7.1"}
THEN = 1_749_999_999.25


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (
            {**SIAGA, "What": "dialling", "Who": "damkar-mandau/jasnita"},
            Fact("7.1", "dialling", NOW, who="damkar-mandau/jasnita"),
        ),
        (
            {**SIAGA, "What": "accepted", "Who": "damkar-mandau/jasnita"},
            Fact("7.1", "accepted", NOW, who="damkar-mandau/jasnita"),
        ),
        ({**SIAGA, "What": "ended", "Who": "human"}, Fact("7.1", "ended", NOW, who="human")),
        (
            {**SIAGA, "What": "result", "Who": "a/t", "Result": "busy", "Cause": "BUSY 17"},
            Fact("7.1", "result", NOW, who="a/t", cause="BUSY 17", result="busy"),
        ),
        (
            {**SIAGA, "What": "outcome", "Who": "a/t", "Outcome": "dikirim"},
            Fact("7.1", "outcome", NOW, who="a/t", result="dikirim"),
        ),
        (
            {
                "Event": "ChannelTalkingStart",
                "ChanVariable": ["SIAGA_CALL=7.1", "SIAGA_LEG_ID=a/t"],
            },
            Fact("7.1", "voice", NOW, who="a/t"),
        ),
        (
            {"Event": "ChannelTalkingStop", "ChanVariable": ["SIAGA_CALL=7.1", "SIAGA_LEG_ID=a/t"]},
            Fact("7.1", "quiet", NOW, who="a/t"),
        ),
        ({**SIAGA, "What": "else"}, None),
        ({**SIAGA, "What": "ended", "Call": ""}, None),
        ({**SIAGA, "What": "ended", "UserEvent": "Other"}, None),
        (
            {
                "Event": "DialState",
                "DialStatus": "RINGING",
                "DestLinkedid": "7.1",
                "DestChannel": "PJSIP/a-1",
            },
            Fact("7.1", "ringing", NOW, channel="PJSIP/a-1"),
        ),
        ({"Event": "DialState", "DialStatus": "PROCEEDING", "DestLinkedid": "7.1"}, None),
        ({"Event": "DialState", "DialStatus": "RINGING"}, None),
        (
            {"Event": "BridgeEnter", "Channel": "PJSIP/c-1", **MINE},
            Fact("7.1", "bridged", THEN, channel="PJSIP/c-1"),
        ),
        ({"Event": "BridgeEnter", "Channel": "PJSIP/a-1", **LEG}, None),
        (
            {"Event": "BridgeLeave", "Channel": "PJSIP/c-1", **MINE},
            Fact("7.1", "left", THEN, channel="PJSIP/c-1"),
        ),
        ({"Event": "BridgeLeave", **LEG}, None),
        ({"Event": "Hangup", "Cause": "16", **MINE}, Fact("7.1", "ended", THEN, cause="16")),
        ({"Event": "Hangup", "Cause": "16", **LEG}, None),
        ({"Event": "Hangup"}, None),
        (
            {"Event": "DTMFEnd", "Digit": "1", "Direction": "Received", **MINE},
            Fact("7.1", "key", THEN, key="1"),
        ),
        ({"Event": "DTMFEnd", "Digit": "1", "Direction": "Sent", **MINE}, None),
        ({"Event": "DTMFEnd", "Digit": "1", "Direction": "Received", **LEG}, None),
        ({"Event": "DTMFEnd", "Digit": "1", "Direction": "Received"}, None),
        ({"Event": "Newchannel", **MINE}, None),
        ({}, None),
    ],
)
def test_each_event_is_the_fact_it_stands_for(event: dict[str, str], fact: Fact | None) -> None:
    assert fact_of(event, NOW) == fact


@pytest.mark.parametrize("time", ["", "soon", "nan", "inf", "-inf"])
def test_a_time_that_is_none_becomes_now(time: str) -> None:
    fact = fact_of({"Event": "Hangup", **MINE, "Timestamp": time}, NOW)
    assert fact is not None
    assert math.isclose(fact.at, NOW)
