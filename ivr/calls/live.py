"""A call on a held AGI connection: events into the engine, actions onto the channel.

Two commits are awaited, 50 ms at most each: the offered call before the first prompt, the decision
before the token. If the disk is slower the call goes on and an alarm is raised. Any exception ends
the session without the token; extensions then ring a person.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable

import structlog

from ivr.calls.host import Host
from ivr.flow import engine
from ivr.flow.actions import DecideRoute, Dial, Gather, Learn, Say
from ivr.flow.events import CallerHungUp, CallOffered, DialEnded, Event, RouteDecided
from ivr.flow.model import OPERATOR_ROUTE, Turn, UnexpectedEvent
from ivr.location import pidf
from ivr.platforms.asterisk.agi import Command, Reply
from ivr.platforms.asterisk.fastagi import AgiSession, CallGone
from ivr.platforms.asterisk.perform import COMMAND_S, Channel, perform
from routing.model import Location, Reason

COMMIT_S = 0.05
EVENTS_S = 1.0
LONGEST_S = 3600.0  # nothing is kept in memory longer, even if nobody tells that the call is over

STATUSES = frozenset({"answered", "busy", "no_answer", "declined", "failed", "cancelled"})

_CALLER = re.compile(r"\+?[0-9*#]{1,20}")

log = structlog.get_logger(__name__)


async def handle(session: AgiSession, host: Host) -> None:
    """One AGI session: a new call, or the question what comes after a dial."""
    call_id = session.environment.get("agi_uniqueid", "")
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(call_id=call_id)
    if session.environment.get("agi_network_script") == "next":
        await next_target(session, host)
    else:
        await new_call(session, host)


async def new_call(session: AgiSession, host: Host) -> None:
    """From the offered call to the token."""
    said = session.environment
    host.keys_of(said["agi_uniqueid"])  # from here on a key that AMI hears is wanted
    location = await _sip_location(session, host)
    at = host.clock()
    offered = CallOffered(
        call_id=said["agi_uniqueid"],
        at=at,
        caller=_caller(said.get("agi_callerid", "")),
        dialled=said.get("agi_dnid", "112"),
        trunk=said.get("agi_arg_2", ""),
        case_number=host.case_number(at),
        dialplan_version=host.dialplan.version,
        sip_call_id=said.get("agi_arg_1") or None,
        location=location,
    )
    host.forget(offered.call_id, LONGEST_S)
    await _committed(host.commit(offered.call_id, offered), "offered")
    log.info("call_offered", case_number=offered.case_number, pii_caller=offered.caller)
    await _walk(session, host, offered.call_id, engine.begin(host.dialplan, offered))


async def next_target(session: AgiSession, host: Host) -> None:
    """After a dial: rebuild the call from its events, add how the dial ended, and go on."""
    call_id = session.environment["agi_uniqueid"]
    async with asyncio.timeout(EVENTS_S):
        events = await host.events_of(call_id)
    turn = engine.replay(host.dialplan, events)
    agency, _, trunk = (await _variable(session, "SIAGA_RESULT_ID")).partition("/")
    status = await _variable(session, "SIAGA_RESULT")
    talk = await _variable(session, "SIAGA_RESULT_TALK")
    ended = DialEnded(
        agency=agency,
        trunk=trunk,
        status=status if status in STATUSES else "failed",
        cause=await _variable(session, "SIAGA_RESULT_CAUSE"),
        talk_s=float(talk) if talk.isdigit() else 0.0,
    )
    following = engine.advance(host.dialplan, turn.state, ended)
    host.record(call_id, ended)
    await _walk(session, host, call_id, following)


async def _walk(session: AgiSession, host: Host, call_id: str, turn: Turn) -> None:
    """Perform turns until a dial takes the caller out of our hands."""
    channel = Channel(
        uniqueid=call_id,
        keys=host.keys_of(call_id),
        now=host.monotonic,
        audio=host.audio,
        directory=host.directory,
        phrases=host.dialplan.phrases,
    )
    try:
        while not turn.ended:
            waiting = turn.state.waiting
            if isinstance(waiting, Dial):
                await _leave(session, host, call_id, turn, channel)
                return
            _observe_said(host, call_id, turn)
            event = await _perform(session, turn, channel)
            if isinstance(waiting, DecideRoute):
                event = _decided(host, waiting, turn.state.location)
                await _committed(host.commit(call_id, event), "decision")
            elif event is None:
                raise UnexpectedEvent(f"nothing answered {type(waiting).__name__}")
            else:
                host.record(call_id, event)
            turn = engine.advance(host.dialplan, turn.state, event)
    except CallGone:
        host.record(call_id, CallerHungUp())
        raise
    finally:
        for prompt in channel.silent:
            log.error("prompt_without_audio", prompt=prompt.name)


async def _leave(
    session: AgiSession, host: Host, call_id: str, turn: Turn, channel: Channel
) -> None:
    """Set the targets and the token, and go; extensions take the caller from here."""
    _observe_said(host, call_id, turn)
    await _perform(session, turn, channel)


async def _perform(session: AgiSession, turn: Turn, channel: Channel) -> Event | None:
    performer = perform(turn.actions, channel)
    reply: Reply | None = None
    while True:
        try:
            request = next(performer) if reply is None else performer.send(reply)
        except StopIteration as done:
            event: Event | None = done.value
            return event
        reply = await session.run(request.command, request.seconds)


def _decided(host: Host, asked: DecideRoute, location: Location | None) -> RouteDecided:
    """Routing's answer. A routing that fails is no reason to lose a caller: the operator then."""
    try:
        decision = host.decide(host.directory, asked.incident, location)
    except Exception as error:  # the caller comes first; the fault is logged and on record
        log.exception("routing_failed")
        reason = Reason("routing-failed", f"pencarian rute gagal ({type(error).__name__})")
        return RouteDecided((OPERATOR_ROUTE,), (reason,))
    return RouteDecided(decision.routes, decision.because, decision.notify)


async def _committed(commit: Awaitable[None], what: str) -> None:
    try:
        async with asyncio.timeout(COMMIT_S):
            await commit
    except TimeoutError:
        log.error("commit_late", what=what, seconds=COMMIT_S)
    except Exception:  # the store's trouble must not become the caller's
        log.exception("commit_failed", what=what)


def _observe_said(host: Host, call_id: str, turn: Turn) -> None:
    """What is said to the caller, and what was learned, for the record."""
    texts = [
        prompt.text
        for action in turn.actions
        if isinstance(action, Say | Gather)
        for prompt in action.prompts
    ]
    if texts:
        host.observe(call_id, "said", {"texts": texts})
    facts: dict[str, object] = {a.name: a.value for a in turn.actions if isinstance(a, Learn)}
    if facts:
        location = turn.state.location
        if location is not None and "place" in facts:
            facts["confidence"] = location.confidence
        host.observe(call_id, "learned", facts)


async def _sip_location(session: AgiSession, host: Host) -> Location | None:
    if session.environment.get("agi_arg_3") != "1":
        return None
    try:
        text = await _variable(session, "GEOLOC_PROFILE(effective_location)")
    except Exception as error:  # a call all the same; the next command tells what became of it
        log.info("sip_location_unread", error=type(error).__name__)
        return None
    return pidf.read(text, host.directory.places) if text else None


async def _variable(session: AgiSession, name: str) -> str:
    reply = await session.run(Command("GET VARIABLE", (name,)), COMMAND_S)
    return (reply.data or "") if reply.result == "1" else ""


def _caller(number: str) -> str | None:
    """The caller's number as received; None where it is withheld or no number at all."""
    return number if _CALLER.fullmatch(number) else None
