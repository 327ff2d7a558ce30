"""The controller process: the only place that builds the parts and connects them.

Started by the supervisor as ``python -m ivr.app``. Once it takes calls it beats through the file
descriptor in ``SIAGA_BEAT_FD``, from inside the event loop, so that a loop that hangs is seen; it
stops on SIGTERM. A version that is published while it runs is read at once, and used by whatever call
extensions begin with it. On SIGUSR1 it takes no more calls, ends its dialogues, and stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

import structlog

from ivr import alarm, versions
from ivr import config as configuration
from ivr import log as logging
from ivr.beat import beat
from ivr.calls import live
from ivr.calls.board import Board, Fact
from ivr.calls.host import Host
from ivr.calls.published import (
    Held,
    NothingPublished,
    Published,
    load_current,
    load_version,
)
from ivr.calls.suspects import Suspects
from ivr.calls.ways import Ways, full
from ivr.calls.whereabouts import Whereabouts
from ivr.config import Config
from ivr.flow.engine import replay
from ivr.flow.events import CallOffered
from ivr.location import cells
from ivr.location.arrivals import AFTER_S, Arrivals, Reported
from ivr.location.sources import sources
from ivr.location.spool import Spool
from ivr.platforms.asterisk import extensions, pbx
from ivr.platforms.asterisk.ami import Listener
from ivr.platforms.asterisk.fastagi import AgiSession, Server, serve
from ivr.platforms.asterisk.keys import Keys
from ivr.platforms.asterisk.listening import Hearing
from ivr.platforms.asterisk.pidf_out import exact
from ivr.platforms.asterisk.show import Displays
from ivr.prompts.joined import Joined
from ivr.speech.ear import Ear
from ivr.speech.relay import Relay
from ivr.store.false_reports import has_false_reports
from ivr.store.recent import Recent, recent
from ivr.store.recorder import Recorder
from routing.decide import decide
from routing.model import OPERATOR, Circumstances, Directory, Location, RouteDecision

log = structlog.get_logger(__name__)

JOINED_S = 0.5
JOINED_LOOK_S = 0.02
RECENT_S = 0.3
"""Callers are kept waiting for the calls of the last while no longer than this."""

EAR_PORT_AGAIN_S = 2.0
"""Between two tries to get the port to which Asterisk brings what callers say."""

LOOK_AGAIN_S = 5.0
MEMORY_S = 30.0
"""How long an ended call is remembered, for what its last session may still record."""


def forget_later(recorder: Recorder, call_id: str, after_s: float = MEMORY_S) -> None:
    """Let the record of a call leave memory; on disk it stays."""
    asyncio.get_running_loop().call_later(after_s, recorder.forget, call_id)


def build_host(
    config: Config,
    held: Held,
    recorder: Recorder,
    board: Board,
    *,
    ways: Ways,
    whereabouts: Whereabouts,
    ear: Ear | None,
) -> Host:
    """Everything a live call needs, from the parts of this process."""
    keys: defaultdict[str, Keys] = defaultdict(Keys)

    def forget(call_id: str, after_s: float) -> None:
        asyncio.get_running_loop().call_later(after_s, keys.pop, call_id, None)
        forget_later(recorder, call_id, after_s)

    async def joined(call_id: str) -> str | None:
        """Two lines tell of one moment: the dialogue's closes, and AMI says who accepted."""
        for _ in range(round(JOINED_S / JOINED_LOOK_S)):
            call = board.calls.get(call_id)
            if call is not None and call.talking_to is not None:
                return call.talking_to
            if board.has_ended(call_id):
                return None
            await asyncio.sleep(JOINED_LOOK_S)
        return None

    sounds = Joined(config.home / "joined")

    def hearing() -> Hearing | None:
        return Hearing(ear, sounds.find) if ear is not None else None

    suspects = Suspects(
        lambda caller: has_false_reports(config.database_url, caller, time.time()), live.LONGEST_S
    )

    def decided(
        call_id: str, directory: Directory, incident: str | None, location: Location | None
    ) -> RouteDecision:
        now = time.time()
        capacities = {a.id: a.capacity for a in directory.agencies if a.capacity is not None}
        full_agencies, full_trunks = full(board, directory.trunks, capacities)
        calendar = held.current.dialplan.calendar
        circumstances = Circumstances(
            at=calendar.local(now),
            holiday=calendar.is_holiday(calendar.local(now)),
            down=ways.down(now),
            full_agencies=full_agencies,
            full_trunks=full_trunks,
            approximate=held.current.geography.approximate,
            caller_class="false_reports" if call_id in suspects else "normal",
        )
        return decide(directory, incident, location, circumstances)

    def queue() -> str:
        """Whether an operator is free, as far as this process and the supervisor have seen."""
        if alarm.is_unreachable(config.home / "run" / "siaga.prom"):
            return "unreachable"
        operators = len(extensions.rung_operators(held.current.directory))
        return "busy" if board.talking_to(OPERATOR) >= operators else "free"

    return Host(
        queue=queue,
        recordings=str(config.recordings_dir),
        current=lambda: held.current,
        published=held.get,
        commit=recorder.commit,
        record=recorder.record,
        observe=recorder.observe,
        events_of=recorder.events_of,
        recognise=suspects.recognise,
        decide=decided,
        case_number=recorder.next_case_number,
        joined=joined,
        heard_s=board.heard_s,
        keys_of=keys.__getitem__,
        knows=keys.__contains__,
        forget=forget,
        whereabouts=whereabouts,
        clock=time.time,
        monotonic=time.monotonic,
        hearing=hearing,
        join=sounds.make,
    )


def listen(
    host: Host,
    recorder: Recorder,
    board: Board,
    *,
    ways: Ways,
    arrivals: Arrivals,
    successor: asyncio.Event,
) -> Callable[[Fact], None]:
    """What to do with each fact: keys to the second ear, news to the record.

    Once there is a successor, which hears the same, the news are its to record.
    """

    def on_fact(fact: Fact) -> None:
        if fact.name == "key":
            if host.knows(fact.call_id):  # not a key that a responder pressed
                host.keys_of(fact.call_id).heard(fact.key, host.monotonic())
            return
        ways.feed(fact)
        if fact.name == "ended":
            arrivals.ended(fact.call_id, fact.at)
        if not board.feed(fact) or successor.is_set():
            return
        body = {name: getattr(fact, name) for name in ("who", "channel", "cause")}
        body["outcome" if fact.name == "outcome" else "result"] = fact.result
        said: dict[str, object] = {name: value for name, value in body.items() if value}
        if fact.name == "result":
            said["cause"] = live.named(fact.cause, board.heard_s(fact.call_id, fact.who, fact.at))
        if fact.name == "ended":
            said["by"] = fact.who or "line_lost"
            host.forget(fact.call_id, MEMORY_S)
        recorder.observe(fact.call_id, f"leg.{fact.name}", said, fact.at)

    return on_fact


async def serve_calls(config: Config, published: Published) -> None:
    """Take calls until SIGTERM."""
    stop = asyncio.Event()
    successor = asyncio.Event()  # another controller takes the calls from now on
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, successor.set)
    recorder = Recorder(config.journal_dir, config.database_url)
    try:
        board, ways = Board(), Ways()
        held = Held(published, lambda version: load_version(config, version))
        arrivals = _noted(await _recent(config, RECENT_S))
        whereabouts = Whereabouts(
            (
                *sources(config.home / cells.FILE),
                Reported("aml_https", arrivals),
                Reported("aml_sms", arrivals),
            ),
            arrivals,
            record=recorder.record,
            on_record=recorder.events_of,
            is_over=board.has_ended,
            forget=lambda call_id: forget_later(recorder, call_id),
            show=lambda call_id, location: _shown(displays, held, recorder, call_id, location),
            geography=lambda: held.current.geography,
        )
        ear = Ear(config.aeap_port) if config.speech.on else None
        host = build_host(
            config, held, recorder, board, ways=ways, whereabouts=whereabouts, ear=ear
        )
        on_fact = listen(host, recorder, board, ways=ways, arrivals=arrivals, successor=successor)
        secret = pbx.ami_secret(config)
        listener = Listener("127.0.0.1", config.ami_port, "siaga", secret, on_fact)
        listener.start()
        displays = Displays(listener)

        async def handle(session: AgiSession) -> None:
            await live.handle(session, host)

        server = await serve("127.0.0.1", config.agi_port, handle)
        beating = asyncio.create_task(beat())
        following = asyncio.create_task(_follow(config, held))
        log.info("taking_calls", version=published.version)
        draining = asyncio.create_task(_drain(server, successor, stop, whereabouts))
        spooling = asyncio.create_task(
            arrivals.follow(Spool(config.spool_dir), whereabouts.brought)
        )
        looking = asyncio.create_task(_look_again(config, arrivals, whereabouts))
        async with contextlib.AsyncExitStack() as hearing:
            if ear is not None:
                await hearing.enter_async_context(listening(config, ear, successor))
            await stop.wait()
        for task in (draining, beating, following, spooling, looking):
            task.cancel()
        await server.close()
        listener.close()
    finally:
        await asyncio.to_thread(recorder.close)


@contextlib.asynccontextmanager
async def listening(config: Config, ear: Ear, successor: asyncio.Event) -> AsyncIterator[None]:
    """Have callers heard, as far as there is a speech process. Without it they have their keys."""
    relay = Relay(ear, config.aeap_port, key=pbx.secret(config, "ear"))
    hearing = asyncio.create_task(_heard(relay, ear, config.ear_port))
    leaving = asyncio.create_task(_leave_port(relay, successor))
    try:
        yield
    finally:
        leaving.cancel()
        hearing.cancel()
        await asyncio.wait([hearing])


async def _leave_port(relay: Relay, successor: asyncio.Event) -> None:
    """New callers are the successor's; those who are being listened to stay with us."""
    await successor.wait()
    relay.leave_to_another()


async def _heard(relay: Relay, ear: Ear, port: int) -> None:
    """Nobody listens before Asterisk can reach us: whoever else has the port may never answer it."""
    while True:
        try:
            async with relay.serving(port):
                await ear.follow()
        except OSError as error:
            log.error("nobody_is_heard", error=str(error), port=port, again_s=EAR_PORT_AGAIN_S)
        await asyncio.sleep(EAR_PORT_AGAIN_S)


async def _follow(config: Config, held: Held) -> None:
    """Have every version that is activated in memory before its first call comes."""

    def current() -> str:
        activation = versions.current(config.published_dir)
        if activation is None:
            raise NothingPublished
        return activation.version

    await held.follow(lambda: versions.newest(config.published_dir), current)


async def _recent(config: Config, seconds: float) -> Recent:
    """The calls of the last while, and what is known of them; nothing where that takes longer."""
    since = time.time() - AFTER_S
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(recent, config.database_url, since)
    except Exception as error:  # the next caller is more than the last one's position
        log.error("recent_calls_unknown", error=type(error).__name__)
        return Recent()


def _noted(known: Recent) -> Arrivals:
    """What arrives from now on finds these calls too."""
    arrivals = Arrivals(known.locations)
    for call_id, caller, at, ended_at in known.calls:
        arrivals.offered(call_id, caller, at)
        if ended_at is not None:
            arrivals.ended(call_id, ended_at)
    return arrivals


async def _look_again(config: Config, arrivals: Arrivals, whereabouts: Whereabouts) -> None:
    """Once another controller has handed over: the calls that it took in the meantime."""
    await asyncio.sleep(LOOK_AGAIN_S)
    for call_id, caller, at, ended_at in (await _recent(config, LOOK_AGAIN_S)).calls:
        if not arrivals.knows(call_id):
            whereabouts.known(call_id, caller, at)
            if ended_at is not None:
                arrivals.ended(call_id, ended_at)


async def _shown(
    displays: Displays, held: Held, recorder: Recorder, call_id: str, location: Location
) -> None:
    """Let the people who have a call see a place, if it is the one that is acted on now."""
    events = await recorder.events_of(call_id)
    offered = next((event for event in events if isinstance(event, CallOffered)), None)
    if offered is None:
        return
    published = await held.get(offered.dialplan_version)
    state = replay(published.dialplan, events).state
    if location in (state.location, exact(state.location, state.heard)):
        known = " ".join(prompt.text for prompt in published.dialplan.known(state))
        await displays.show(call_id, known, location, published.directory)


async def _drain(
    server: Server, successor: asyncio.Event, stop: asyncio.Event, whereabouts: Whereabouts
) -> None:
    await successor.wait()
    whereabouts.superseded = True
    log.info("draining")
    await server.drain()
    stop.set()


def main() -> None:
    """Run the controller in this process."""
    config = configuration.read()
    line = logging.start()
    try:
        published = load_current(config)
        with contextlib.suppress(ImportError):
            import uvloop  # noqa: PLC0415 (asyncio's own loop serves where there is none)

            uvloop.install()
        asyncio.run(serve_calls(config, published))
    finally:
        line.close()


if __name__ == "__main__":
    main()
