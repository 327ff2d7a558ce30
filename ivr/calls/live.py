"""A call on a held AGI connection: events into the engine, actions onto the channel.

Two commits are awaited, 50 ms at most each: the offered call before the first prompt, the decision
before the token. If the disk is slower the call goes on and an alarm is raised. Any exception ends
the session without the token; extensions then ring a person.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace

import structlog

from ivr.calls.host import Host
from ivr.calls.published import Published
from ivr.flow import engine
from ivr.flow.actions import DecideRoute, Dial, Gather, Learn, LookAtQueue, Notify, Record, Say
from ivr.flow.events import (
    CallerHungUp,
    CallOffered,
    DialEnded,
    Event,
    HumanJoined,
    LocationLearned,
    QueueSeen,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.model import OPERATOR_ROUTE, Turn, UnexpectedEvent
from ivr.flow.prompt import Prompt
from ivr.location.impossible import is_impossible
from ivr.location.source import Asked
from ivr.platforms.asterisk import signalling
from ivr.platforms.asterisk.agi import Command, Reply
from ivr.platforms.asterisk.fastagi import AgiSession, CallGone
from ivr.platforms.asterisk.listening import is_spoken, to_join
from ivr.platforms.asterisk.perform import KNOWN, joined, perform
from ivr.platforms.asterisk.pidf_out import exact
from ivr.platforms.asterisk.playing import COMMAND_S, Channel, zero
from routing.best import best
from routing.model import Location, Reason

COMMIT_S = 0.05
EVENTS_S = 1.0
NOTHING: Mapping[str, str] = {}
LONGEST_S = 3600.0  # nothing is kept in memory longer, even if nobody tells that the call is over

SAME_ANSWER_S = 1.5
"""Who has said a choice and presses its key too, does so within this."""

NO_KEY = "no-key"
VOICEMAIL_S = 3.0
"""Who says "Halo? Halo?" and waits has said less; a greeting and its announcement take longer."""

STATUSES = frozenset({"answered", "busy", "no_answer", "declined", "failed", "cancelled"})

_CALLER = re.compile(r"\+?[0-9*#]{1,20}")

log = structlog.get_logger(__name__)


async def handle(session: AgiSession, host: Host) -> None:
    """One AGI session: a new call, one to be gone on with, or the question what follows a dial."""
    call_id = session.environment.get("agi_uniqueid", "")
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(call_id=call_id)
    inboxes = host.whereabouts.inboxes
    inboxes.open(call_id)  # before the events are read: nothing falls in between
    try:
        match session.environment.get("agi_network_script"):
            case "next":
                await next_target(session, host)
            case "resume":
                await resume(session, host)
            case _:
                await new_call(session, host)
    finally:
        for location in inboxes.close(call_id):
            host.whereabouts.arrived(call_id, location)


async def new_call(session: AgiSession, host: Host) -> None:
    """From the offered call to the token."""
    said = session.environment
    host.keys_of(said["agi_uniqueid"])  # from here on a key that AMI hears is wanted
    published = await _begun_with(host, said.get("agi_arg_4", ""))
    at = host.clock()
    dialled = said.get("agi_dnid", "112")
    trunk = said.get("agi_arg_2", "").removeprefix("masuk-")  # as trunks.yaml names it
    asked = Asked(
        call_id=said["agi_uniqueid"],
        caller=_caller(said.get("agi_callerid", "")),
        trunk=trunk,
        at=at,
        directory=published.directory,
        geography=published.geography,
        signalling=await _signalling(session),
    )
    host.recognise(asked.call_id, asked.caller)
    located = await _located(host, asked)
    offered = CallOffered(
        call_id=said["agi_uniqueid"],
        at=at,
        caller=asked.caller,
        dialled=dialled,
        trunk=trunk,
        test=published.dialplan.entry(dialled, trunk).test,
        case_number=host.case_number(at),
        dialplan_version=published.version,
        sip_call_id=said.get("agi_arg_1") or None,
        location=located[0] if located else None,
    )
    host.forget(offered.call_id, LONGEST_S)
    await _committed(host.commit(offered.call_id, offered), "offered")
    log.info("call_offered", case_number=offered.case_number, pii_caller=offered.caller)
    channel = _channel(host, published, offered.call_id)
    number = joined(_spoken_number(published, offered.caller), channel)
    turn = engine.begin(published.dialplan, offered)
    if is_impossible(asked.signalling):  # agencies are not told it either
        await signalling.disbelieve(session)
    for other in located[1:]:  # the dialogue learns them as it learns whatever comes later
        host.whereabouts.arrived(offered.call_id, other)
    variables = {"SIAGA_NUMBER": number}
    if offered.test:
        variables[KNOWN] = joined(published.dialplan.known(turn.state), channel)
    await _walk(session, host, published, offered.call_id, turn, variables=variables)


async def _begun_with(host: Host, version: str) -> Published:
    """The version that extensions began this call with. One that cannot be had is no reason to leave
    the caller without a dialogue."""
    try:
        return await host.published(version) if version else host.current()
    except Exception as error:
        log.error("version_not_there", version=version, error=type(error).__name__)
        return host.current()


async def resume(session: AgiSession, host: Host) -> None:
    """Go on with a call whose controller left it, from the last turn that is on record.

    What was being asked is asked again, nothing before it. A call that was never recorded begins.
    """
    call_id = session.environment["agi_uniqueid"]
    async with asyncio.timeout(EVENTS_S):
        events = await host.events_of(call_id)
    if not any(isinstance(event, CallOffered) for event in events):
        await new_call(session, host)
        return
    published, turn = await _replayed(host, events)
    _again(host, turn, events)
    host.forget(call_id, LONGEST_S)
    key = session.environment.get("agi_arg_5", "")
    if key in tuple("123456789*#"):
        host.keys_of(call_id).told(key, host.monotonic())
    host.observe(call_id, "resumed", {})
    log.info("call_resumed", turn=turn.state.turn)
    await _walk(session, host, published, call_id, turn)


async def next_target(session: AgiSession, host: Host) -> None:
    """After a dial: rebuild the call from its events, add how the dial ended, and go on."""
    call_id = session.environment["agi_uniqueid"]
    async with asyncio.timeout(EVENTS_S):
        events = await host.events_of(call_id)
    published, turn = await _replayed(host, events)
    _again(host, turn, events)
    agency, _, trunk = (await _variable(session, "SIAGA_RESULT_ID")).partition("/")
    status = await _variable(session, "SIAGA_RESULT")
    talk = await _variable(session, "SIAGA_RESULT_TALK")
    rung = await _variable(session, "SIAGA_RESULT_RUNG")
    cause = await _variable(session, "SIAGA_RESULT_CAUSE")
    ended = DialEnded(
        agency=agency,
        trunk=trunk,
        status=status if status in STATUSES else "failed",
        cause=named(cause, host.heard_s(call_id, f"{agency}/{trunk}", host.clock())),
        talk_s=float(talk) if talk.isdigit() else 0.0,
        rung_s=float(rung) if rung.isdigit() else 0.0,
    )
    following = engine.advance(published.dialplan, turn.state, ended)
    host.record(call_id, ended)
    await _walk(session, host, published, call_id, following)


def _again(host: Host, turn: Turn, events: Sequence[Event]) -> None:
    """The call is here again: what arrived for it meanwhile lies in its box before anything is asked."""
    offered = turn.state.offered
    host.whereabouts.again(offered.call_id, offered.caller, offered.at, events)


def named(cause: str, heard_s: float) -> str:
    """Nobody pressed a key: whether that was a machine that talked, or nobody at all. For the record
    only; what follows is the same."""
    if cause != NO_KEY:
        return cause
    return "voicemail" if heard_s >= VOICEMAIL_S else "silence" if heard_s <= 0 else NO_KEY


async def _walk(
    session: AgiSession,
    host: Host,
    published: Published,
    call_id: str,
    turn: Turn,
    *,
    variables: Mapping[str, str] = NOTHING,
) -> None:
    """Set variables, then perform turns until a dial takes the caller out of our hands."""
    channel = _channel(host, published, call_id)

    def informed(turn: Turn) -> Turn:
        return _informed(host, published, call_id, turn)

    try:
        for name, value in variables.items():
            await session.run(Command("SET VARIABLE", (name, value)), COMMAND_S)
        while not turn.ended:
            turn = informed(turn)
            waiting = turn.state.waiting
            if isinstance(waiting, Dial):
                await _leave(session, host, turn, channel)
                return
            _observe_said(host, call_id, turn)
            following, event = await _perform(session, host, turn, channel, informed)
            _observe_heard(host, channel)
            if following.state.waiting != waiting:
                turn = following
                continue  # something was learned, and the question is another one now
            turn = following
            if isinstance(waiting, DecideRoute):
                event = _decided(host, published, call_id, waiting, turn.state.location)
                await _committed(host.commit(call_id, event), "decision")
            elif isinstance(waiting, LookAtQueue):
                event = QueueSeen(host.queue())
                host.record(call_id, event)
            elif event is None:
                raise UnexpectedEvent(f"nothing answered {type(waiting).__name__}")
            else:
                host.record(call_id, event)
            turn = engine.advance(published.dialplan, turn.state, event)
            if isinstance(event, SpeechHeard):
                _ignore_its_key(channel, event.heard.option)
    except CallGone:
        who = await host.joined(call_id)
        host.record(call_id, HumanJoined(who) if who else CallerHungUp())
        raise
    finally:
        _observe_heard(host, channel)
        if channel.hearing is not None and channel.hearing.refused:
            log.warning("speech_refused", times=channel.hearing.refused)
        for prompt in channel.silent:
            log.error("prompt_without_audio", prompt=prompt.name)


def _ignore_its_key(channel: Channel, option: str) -> None:
    """The caller has answered by voice: his key for it too is no answer to the next question."""
    pressed = zero(channel)
    if pressed:
        channel.keys.keep(pressed)
    elif option:
        channel.keys.ignore(option, channel.now() + SAME_ANSWER_S)


def _channel(host: Host, published: Published, call_id: str) -> Channel:
    return Channel(
        uniqueid=call_id,
        keys=host.keys_of(call_id),
        now=host.monotonic,
        audio=published.audio,
        directory=published.directory,
        phrases=published.dialplan.phrases,
        recordings=host.recordings,
        hearing=host.hearing(),
    )


async def _replayed(host: Host, events: Sequence[Event]) -> tuple[Published, Turn]:
    """Where the call stands, in the version it began with. Keys mean something in their own dialplan
    only: without it there is no ground to stand on, and the call goes to people by the list it has."""
    offered = next((event for event in events if isinstance(event, CallOffered)), None)
    if offered is None:
        raise UnexpectedEvent("a call that was never offered")
    try:
        published = await host.published(offered.dialplan_version)
    except Exception as error:
        raise UnexpectedEvent(f"a call of dialplan version {offered.dialplan_version}") from error
    return published, engine.replay(published.dialplan, events)


async def _leave(session: AgiSession, host: Host, turn: Turn, channel: Channel) -> None:
    """Set the targets and the token, and go; extensions take the caller from here."""
    _observe_said(host, channel.uniqueid, turn)
    told = exact(turn.state.location, turn.state.heard)
    await _perform(session, host, turn, replace(channel, location=told), lambda turn: turn)


async def _perform(
    session: AgiSession, host: Host, turn: Turn, channel: Channel, informed: Callable[[Turn], Turn]
) -> tuple[Turn, Event | None]:
    """Perform a turn: what answered its wait, and the turn with what was learned meanwhile.

    Where that makes it another question, the performance is broken off between two commands, and
    nothing has answered. Whoever has pressed a key, or speaks, is answering and is not interrupted.
    """
    for paths in to_join(turn.actions, channel):
        await host.join(paths)
    performer = perform(turn.actions, channel)
    reply: Reply | None = None
    answering = False
    while True:
        try:
            request = next(performer) if reply is None else performer.send(reply)
        except StopIteration as done:
            event: Event | None = done.value
            return turn, event
        reply = await session.run(request.command, request.seconds)
        answering = answering or bool(reply.digit) or channel.keys.any
        if request.asks and not answering and not is_spoken(reply):
            following = informed(replace(turn, actions=turn.actions[-1:]))
            if following.state.waiting != turn.state.waiting:
                performer.close()
                return following, None
            turn = replace(turn, state=following.state)


def _informed(host: Host, published: Published, call_id: str, turn: Turn) -> Turn:
    """The turn after every location that waits for this dialogue. What it had yet to do stays to be
    done; only what it waits for may be another."""
    box = host.whereabouts.inboxes.open(call_id)
    while box:
        event = LocationLearned(box.popleft())
        following = engine.advance(published.dialplan, turn.state, event)
        host.record(call_id, event)
        if following.state.waiting == turn.state.waiting:
            turn = replace(turn, state=following.state)
        else:
            actions = (*turn.actions[:-1], *following.actions)
            turn = Turn(following.state, actions, following.ended)
    return turn


def _decided(
    host: Host,
    published: Published,
    call_id: str,
    asked: DecideRoute,
    location: Location | None,
) -> RouteDecided:
    """Routing's answer. A routing that fails is no reason to lose a caller: the operator then."""
    try:
        decision = host.decide(call_id, published.directory, asked.incident, location)
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


def _observe_heard(host: Host, channel: Channel) -> None:
    """What came of listening, also where it was nothing: for whoever asks why nobody was understood."""
    answers = channel.hearing.answers if channel.hearing is not None else []
    for answered in answers:
        said = {name: value for name, value in asdict(answered.answer).items() if value}
        host.observe(channel.uniqueid, "speech", {**said, "after_s": answered.after_s})
    answers.clear()


def _observe_said(host: Host, call_id: str, turn: Turn) -> None:
    """What is said to the caller, and what was learned, for the record."""
    texts = [
        prompt.text
        for action in turn.actions
        if isinstance(action, Say | Gather | Record)
        for prompt in action.prompts
    ]
    if texts:
        host.observe(call_id, "said", {"texts": texts})
    facts: dict[str, object] = {a.name: a.value for a in turn.actions if isinstance(a, Learn)}
    if facts:
        location = turn.state.location
        if location is not None and "place" in facts:
            facts["confidence"] = location.confidence
            facts["source"] = location.source
        host.observe(call_id, "learned", facts)
    for action in turn.actions:  # a ticket says what is known by now
        for agency in action.agencies if isinstance(action, Notify) else ():
            host.observe(call_id, "notified", {"agency": agency})


async def _signalling(session: AgiSession) -> Mapping[str, str]:
    """What the call's own messages say. A caller who is gone by then has called all the same: the next
    command tells what became of him."""
    try:
        return await signalling.read(session)
    except CallGone:
        return NOTHING


async def _located(host: Host, asked: Asked) -> list[Location]:
    """All that is known at once of where the caller is, the best one first."""
    found = list(await host.whereabouts.of_call(asked))
    first = best(found)
    return [first, *(one for one in found if one is not first)] if first is not None else found


async def _variable(session: AgiSession, name: str) -> str:
    reply = await session.run(Command("GET VARIABLE", (name,)), COMMAND_S)
    return (reply.data or "") if reply.result == "1" else ""


def _spoken_number(published: Published, caller: str | None) -> tuple[Prompt, ...]:
    """The number to call back, digit by digit, as one dials it inside the country."""
    if caller is None:
        return ()
    digits = re.sub(r"^\+?62", "0", caller)
    spoken = [p for digit in digits for p in published.dialplan.phrase(f"digit.{digit}")]
    return (*published.dialplan.phrase("caller_number"), *spoken)


def _caller(number: str) -> str | None:
    """The caller's number as received; None where it is withheld or no number at all."""
    return number if _CALLER.fullmatch(number) else None
