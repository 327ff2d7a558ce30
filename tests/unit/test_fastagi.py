"""A FastAGI session has a deadline on everything, and its faults stay its own."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from protocol.fake_asterisk import (
    USAGE,
    CallerChannel,
    Peer,
    calling,
    connected,
    environment,
)
from structlog.testing import capture_logs

from ivr.platforms.asterisk import fastagi
from ivr.platforms.asterisk.agi import Command, LocalProtocolError, RemoteProtocolError, Reply
from ivr.platforms.asterisk.fastagi import (
    AgiSession,
    CallGone,
    GivenBack,
    Handler,
    Server,
    TooSlow,
    serve,
)

WAIT = Command("WAIT FOR DIGIT", ("4000",))
GET = Command("GET VARIABLE", ("SIAGA_RESULT",))
LONG = 5.0


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


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Server]:
    server = await serve("127.0.0.1", 0, handler)
    try:
        yield server
    finally:
        await server.close()


class Outcomes:
    """A handler that asks one thing and tells how it went."""

    def __init__(self, command: Command = WAIT, seconds: float = LONG) -> None:
        self._command = command
        self._seconds = seconds
        self._went: asyncio.Queue[Reply | Exception] = asyncio.Queue()

    async def __call__(self, session: AgiSession) -> None:
        try:
            self._went.put_nowait(await session.run(self._command, self._seconds))
        except Exception as error:
            self._went.put_nowait(error)
            raise

    async def went(self) -> Reply | Exception:
        return await self._went.get()


async def real_call_works(port: int, outcomes: Outcomes) -> None:
    async with calling(port) as peer:
        await peer.expect("WAIT", "FOR", "DIGIT")
        peer.send("200 result=49\n")
        assert await outcomes.went() == Reply(200, "49", text="result=49")
        assert await peer.rest() == b""


@within_time
async def test_a_session_asks_is_answered_and_gives_the_caller_back() -> None:
    outcomes = Outcomes()
    async with serving(outcomes) as server:
        await real_call_works(server.port, outcomes)


@within_time
async def test_an_environment_and_answers_in_pieces_are_put_together() -> None:
    outcomes = Outcomes(GET)
    said = environment(callerid="0812")
    async with serving(outcomes) as server, connected(server.port) as peer:
        await peer.send_cut(said, 1, 7, 60, len(said) - 1)
        await peer.expect("GET", "VARIABLE")
        await peer.send_cut(b"200 result=1 (bu)sy)\n", 3, 15, 18)
        reply = await outcomes.went()
        assert isinstance(reply, Reply)
        assert reply.data == "bu)sy"


@within_time
async def test_a_usage_answer_of_many_lines_ends_one_command_only() -> None:
    replies = []

    async def handler(session: AgiSession) -> None:
        replies.append(await session.run(GET, LONG))
        replies.append(await session.run(WAIT, LONG))

    async with serving(handler) as server, calling(server.port) as peer:
        await peer.expect("GET")
        await peer.send_cut(USAGE.encode(), 30, 60, 90)
        await peer.expect("WAIT")
        peer.send("200 result=48\n")
        assert await peer.rest() == b""
    assert [reply.code for reply in replies] == [520, 200]
    assert replies[1].digit == "0"


# The caller is gone


@within_time
async def test_a_dead_channel_ends_the_session_without_an_error() -> None:
    outcomes = Outcomes()
    with capture_logs() as logs:
        async with serving(outcomes) as server, calling(server.port) as peer:
            await peer.expect("WAIT")
            peer.send("511 Command Not Permitted on a dead channel or intercept routine\n")
            assert isinstance(await outcomes.went(), CallGone)
            assert await peer.rest() == b""
    assert not [line for line in logs if line["log_level"] in ("error", "warning")]


@pytest.mark.parametrize("said", ["HANGUP\n", "HANGUP\n200 result=-1 endpos=0\n"])
def test_a_hang_up_in_mid_command_ends_the_wait_at_once(said: str) -> None:
    @within_time
    async def run() -> None:
        outcomes = Outcomes()
        async with serving(outcomes) as server, calling(server.port) as peer:
            await peer.expect("WAIT")
            peer.send(said)
            assert isinstance(await outcomes.went(), CallGone)
            assert await peer.rest() == b""

    run()


@within_time
async def test_after_a_hang_up_between_two_commands_nothing_more_is_sent() -> None:
    noticed = asyncio.Event()
    ended: asyncio.Queue[BaseException | None] = asyncio.Queue()

    async def handler(session: AgiSession) -> None:
        reply = await session.run(WAIT, LONG)
        assert reply.digit == "1", "an answer before the hang-up counts"
        await noticed.wait()
        try:
            await session.run(GET, LONG)
        except CallGone as gone:
            ended.put_nowait(gone)
            raise

    async with serving(handler) as server, calling(server.port) as peer:
        await peer.expect("WAIT")
        peer.send("200 result=49\nHANGUP\n")
        noticed.set()
        assert isinstance(await ended.get(), CallGone)
        assert await peer.rest() == b""


@pytest.mark.parametrize("half", ["", "200 res", "HANGU", "520-Usage:\nmore"])
@pytest.mark.parametrize("how", ["end", "drop"])
def test_the_end_of_the_connection_in_mid_command_is_a_caller_gone(half: str, how: str) -> None:
    @within_time
    async def run() -> None:
        outcomes = Outcomes()
        async with serving(outcomes) as server, calling(server.port) as peer:
            await peer.expect("WAIT")
            peer.send(half)
            getattr(peer, how)()
            assert isinstance(await outcomes.went(), CallGone)

    run()


# Faults stay where they are


@within_time
async def test_a_handler_that_fails_closes_only_its_own_session() -> None:
    async def handler(session: AgiSession) -> None:
        if session.environment["agi_uniqueid"] == "bad":
            raise RuntimeError("a fault")
        await session.run(WAIT, LONG)
        await session.run(GET, LONG)

    with capture_logs() as logs:
        async with serving(handler) as server, calling(server.port, uniqueid="good") as good:
            await good.expect("WAIT")
            async with calling(server.port, uniqueid="bad") as bad:
                assert await bad.rest() == b""
            good.send("200 result=0\n")
            await good.expect("GET")
    failed = [line for line in logs if line["event"] == "agi_handler_failed"]
    assert [line["uniqueid"] for line in failed] == ["bad"]


@within_time
async def test_a_command_without_an_answer_in_time_ends_the_session() -> None:
    outcomes = Outcomes(seconds=0.01)
    async with serving(outcomes) as server:
        async with calling(server.port) as peer:
            await peer.expect("WAIT")
            assert isinstance(await outcomes.went(), TooSlow)
            assert await peer.rest() == b""
        async with calling(server.port) as other:
            await other.expect("WAIT")


@within_time
async def test_after_a_command_that_was_too_slow_no_other_is_sent() -> None:
    went: asyncio.Queue[Exception] = asyncio.Queue()

    async def handler(session: AgiSession) -> None:
        for command in (WAIT, GET):
            try:
                await session.run(command, 0.01)
            except Exception as error:
                went.put_nowait(error)

    async with serving(handler) as server, calling(server.port) as peer:
        await peer.expect("WAIT")
        assert await peer.rest() == b""
        assert isinstance(await went.get(), TooSlow)
        assert isinstance(await went.get(), TooSlow), "the caller did not go"


@within_time
async def test_two_commands_at_once_are_refused_and_the_first_is_answered() -> None:
    replies = []

    async def handler(session: AgiSession) -> None:
        first = asyncio.ensure_future(session.run(WAIT, LONG))
        await asyncio.sleep(0)
        with pytest.raises(LocalProtocolError):
            await session.run(GET, LONG)
        replies.append(await first)
        replies.append(await session.run(GET, LONG))

    async with serving(handler) as server, calling(server.port) as peer:
        await peer.expect("WAIT")
        peer.send("200 result=49\n")
        await peer.expect("GET")
        peer.send("200 result=1 (busy)\n")
        assert await peer.rest() == b""
    assert [reply.digit or reply.data for reply in replies] == ["1", "busy"]


@within_time
async def test_an_injection_is_refused_before_a_byte_is_sent() -> None:
    refused: asyncio.Queue[LocalProtocolError] = asyncio.Queue()

    async def handler(session: AgiSession) -> None:
        try:
            await session.run(Command("SET VARIABLE", ("A", 'x"\nEXEC System "id')), LONG)
        except LocalProtocolError as error:
            refused.put_nowait(error)
            raise

    async with serving(handler) as server, calling(server.port) as peer:
        assert await peer.rest() == b""
        assert refused.qsize() == 1


@within_time
async def test_an_answer_that_nobody_asked_for_ends_the_session() -> None:
    outcomes = Outcomes()
    async with serving(outcomes) as server, calling(server.port) as peer:
        await peer.expect("WAIT")
        peer.send("200 result=49\n200 result=50\n")
        assert isinstance(await outcomes.went(), RemoteProtocolError)
        assert await peer.rest() == b""


@pytest.mark.parametrize(
    "junk",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\n", b"\n" * 3, b"x" * 100_000],
    ids=["http", "tls", "blank", "endless"],
)
def test_a_peer_that_sends_junk_is_left_and_real_calls_are_taken(junk: bytes) -> None:
    @within_time
    async def run() -> None:
        outcomes = Outcomes()
        async with serving(outcomes) as server:
            async with connected(server.port) as peer:
                peer.send(junk)
                assert await peer.rest() == b""
            await real_call_works(server.port, outcomes)

    run()


def test_a_peer_that_says_nothing_costs_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastagi, "ENVIRONMENT_S", 0.02)

    @within_time
    async def run() -> None:
        outcomes = Outcomes()
        async with serving(outcomes) as server:
            async with connected(server.port) as silent, connected(server.port) as slow:
                slow.send(environment()[:-1])
                assert await silent.rest() == b""
                assert await slow.rest() == b""
            monkeypatch.undo()
            await real_call_works(server.port, outcomes)

    run()


def test_a_call_outlives_the_patience_for_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastagi, "ENVIRONMENT_S", 0.2)

    @within_time
    async def run() -> None:
        async def handler(session: AgiSession) -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.3)
            await session.run(WAIT, LONG)

        async with serving(handler) as server, calling(server.port) as peer:
            await peer.expect("WAIT")

    run()


class Turns(selectors.DefaultSelector):
    """Counts how often an event loop looks for something to do."""

    turns = 0

    def select(self, timeout: float | None = None) -> Any:
        self.turns += 1
        return super().select(timeout)


def test_fifty_connections_that_close_at_once_hurt_no_real_call_and_nothing_spins() -> None:
    selector = Turns()

    async def run() -> None:
        outcomes = Outcomes()
        async with serving(outcomes) as server:
            for number in range(50):
                async with connected(server.port) as peer:
                    if number % 2:
                        peer.end()
                        await peer.rest()
            await real_call_works(server.port, outcomes)
            before = selector.turns
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.05)
            assert selector.turns - before < 20

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(asyncio.wait_for(run(), 10.0))


def test_no_more_sessions_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastagi, "MOST_SESSIONS", 2)

    @within_time
    async def run() -> None:
        outcomes = Outcomes()
        async with serving(outcomes) as server, calling(server.port) as first:
            await first.expect("WAIT")
            async with calling(server.port) as second:
                await second.expect("WAIT")
                async with calling(server.port) as third:
                    assert await third.command() is None
                second.send("200 result=0\n")
                assert await second.rest() == b""
            await outcomes.went()
            await real_call_works(server.port, outcomes)

    run()


class FarTransport(asyncio.Transport):
    """A transport whose peer is on another machine."""

    aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.7", 40_000) if name == "peername" else default

    def abort(self) -> None:
        self.aborted = True


@within_time
async def test_a_peer_on_another_machine_is_refused() -> None:
    sessions: set[AgiSession] = set()
    transport = FarTransport()
    AgiSession(Outcomes(), sessions).connection_made(transport)
    assert transport.aborted
    assert not sessions


@within_time
async def test_closing_the_server_gives_every_caller_back() -> None:
    outcomes = Outcomes()
    server = await serve("127.0.0.1", 0, outcomes)
    port = server.port
    async with calling(port) as one, calling(port) as other:
        await one.expect("WAIT")
        await other.expect("WAIT")
        await server.close()
        assert await one.rest() == b""
        assert await other.rest() == b""
        assert isinstance(await outcomes.went(), GivenBack)
    with pytest.raises(ConnectionRefusedError):
        async with connected(port):
            pass


@within_time
async def test_two_hundred_calls_at_once_each_get_their_own_answers() -> None:
    got: dict[str, str | None] = {}

    async def handler(session: AgiSession) -> None:
        uniqueid = session.environment["agi_uniqueid"]
        for _ in range(3):
            got[uniqueid] = (await session.run(GET, LONG)).data

    async def call(port: int, number: int) -> None:
        peer: Peer
        async with calling(port, uniqueid=str(number)) as peer:
            await peer.play(CallerChannel({"SIAGA_RESULT": f"r{number}"}))

    async with serving(handler) as server:
        await asyncio.gather(*(call(server.port, number) for number in range(200)))
    assert got == {str(number): f"r{number}" for number in range(200)}
