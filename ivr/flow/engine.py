"""A dialplan and an event give a turn. The whole call is the sum of its events.

    begin(dialplan, CallOffered)    -> Turn
    advance(dialplan, state, event) -> Turn
    replay(dialplan, events)        -> Turn

Rules for whoever edits this file. It does no I/O and asks no clock. It raises ``UnexpectedEvent``
and ``FlowError`` only, and then nothing has changed. The dialogue ends when the caller is gone,
when a person has the caller, or when the operator closes a talk; for no other reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ivr.flow.actions import Action, DecideRoute, Dial, Gather, LookAtQueue, Record, Say, Wait
from ivr.flow.changed import changed
from ivr.flow.events import (
    CallerHungUp,
    CallOffered,
    DeadlinePassed,
    DialEnded,
    DigitsEntered,
    Event,
    HumanJoined,
    LocationLearned,
    NoInput,
    QueueSeen,
    Recorded,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.model import (
    OPERATOR_STEP,
    Answer,
    CallState,
    Dialplan,
    FlowError,
    Locatable,
    Outcome,
    Proposal,
    Turn,
    UnexpectedEvent,
    go,
)
from ivr.flow.speech import agrees, asked_again, listening, meant, placed, propose
from ivr.flow.spoken import Heard, Vocabulary
from ivr.flow.vocabulary import OPERATOR_VALUE as OPERATOR_KEY
from ivr.flow.vocabulary import YES_VALUE

__all__ = ["FlowError", "UnexpectedEvent", "advance", "begin", "replay"]

MAX_STEPS_PER_TURN = 50
"""More steps than this without a wait is a loop."""

MAX_TURNS = 40
"""After so many turns nobody is asked anything more, however the dialplan loops: a person is."""


def begin(dialplan: Dialplan, offered: CallOffered) -> Turn:
    """The first turn of a call."""
    start = dialplan.entry(offered.dialled, offered.trunk).start
    call = CallState(offered=offered, step=start)
    if offered.location is not None:
        call = call.told(offered.location)
    return _follow(dialplan, go(call, start))


def advance(dialplan: Dialplan, state: CallState, event: Event) -> Turn:
    """The turn that follows an event."""
    match event:
        case CallerHungUp() | HumanJoined():
            return Turn(changed(state, waiting=None, ended=True), (), ended=True)
        case LocationLearned(location):
            return _located(dialplan, state.told(location))
    if state.ended or state.waiting is None:
        raise UnexpectedEvent(f"{type(event).__name__} after the dialogue ended")
    following = changed(state, turn=state.turn + 1, spoken=False, news=False, asked_back=False)
    match state.waiting, event:
        case _, DeadlinePassed():
            outcome = go(following, OPERATOR_STEP)
        case ((Gather() | Record()), DigitsEntered(digits=digits)) if digits == OPERATOR_KEY:
            outcome = go(following, OPERATOR_STEP)
        case Gather(), (DigitsEntered() | NoInput() | SpeechHeard()) if state.proposal is not None:
            outcome = _answered(dialplan, following, state.proposal, event)
        case Gather(vocabulary=Vocabulary() as vocabulary) as asked, SpeechHeard(heard):
            said = meant(dialplan, following, vocabulary, heard)
            if said is None:
                outcome = dialplan.step(state.step).resume(dialplan, following, event)
            elif said.sure:
                outcome = _taken(dialplan, following, said.option, said.place, event)
            else:
                outcome = propose(dialplan, following, asked, said)
        case (
            (Gather(), (DigitsEntered() | NoInput()) as answer)
            | (Record(), (Recorded() | NoInput()) as answer)
            | (LookAtQueue(), QueueSeen() as answer)
            | (DecideRoute(), RouteDecided() as answer)
            | (Dial(), DialEnded() as answer)
        ):
            outcome = dialplan.step(state.step).resume(dialplan, following, answer)
        case _:
            raise UnexpectedEvent(
                f"{type(event).__name__} while waiting for {type(state.waiting).__name__}"
            )
    return _follow(dialplan, outcome)


def replay(dialplan: Dialplan, events: Iterable[Event]) -> Turn:
    """The turn in which a call stands, from what happened in it alone."""
    turn: Turn | None = None
    for event in events:
        if turn is not None:
            turn = advance(dialplan, turn.state, event)
        elif isinstance(event, CallOffered):
            turn = begin(dialplan, event)
        else:
            raise UnexpectedEvent(f"{type(event).__name__} before the call was offered")
    if turn is None:
        raise UnexpectedEvent("a call without events")
    return turn


def _answered(dialplan: Dialplan, call: CallState, proposal: Proposal, answer: Answer) -> Outcome:
    """Somebody was asked whether he was heard rightly; whatever he says, he is not asked the like at
    once. What was learned of his phone meanwhile may spare him the question."""
    key = agrees(dialplan, call, answer)
    if key == OPERATOR_KEY:
        return go(call, OPERATOR_STEP)
    call = changed(call, asked_back=True)
    if key != YES_VALUE:
        step = dialplan.step(call.step)
        again = asked_again(call, proposal)
        found = step.located(dialplan, again.call) if isinstance(step, Locatable) else None
        return found or again
    call = changed(call, proposal=None, waiting=proposal.asked)
    event = SpeechHeard(Heard("", place=proposal.place))
    return _taken(dialplan, call, proposal.option, proposal.place, event)


def _taken(
    dialplan: Dialplan, call: CallState, option: str, place: str, event: SpeechHeard
) -> Outcome:
    """What somebody said is done: as if he had pressed the keys, through several menus if need be."""
    news = bool(place) and not call.named
    call, actions = placed(dialplan, call, place) if place else (call, ())
    call = changed(call, spoken=True, news=news)
    if option == OPERATOR_KEY:
        return go(call, OPERATOR_STEP, *actions)
    if not option:
        outcome = dialplan.step(call.step).resume(dialplan, call, event)
        return replace(outcome, actions=(*actions, *outcome.actions))
    number = isinstance(call.waiting, Gather) and call.waiting.max_digits > 1
    *before, last = [option] if number else list(option)
    for key in before:
        outcome = dialplan.step(call.step).resume(dialplan, call, DigitsEntered(key))
        turn = _follow(dialplan, outcome)
        if not isinstance(turn.state.waiting, Gather):  # nobody is asked anything more
            return Outcome(turn.state, (*actions, *turn.actions))
        call = turn.state
        actions = (*actions, *(one for one in turn.actions[:-1] if not isinstance(one, Wait)))
    outcome = dialplan.step(call.step).resume(dialplan, call, DigitsEntered(last))
    return replace(outcome, actions=(*actions, *outcome.actions))


def _located(dialplan: Dialplan, call: CallState) -> Turn:
    """Something was learned of the phone: the wait goes on, unless its step needs no answer now, or
    waits to hear whether the caller was understood."""
    if isinstance(call.waiting, Gather) and call.proposal is None:
        step = dialplan.step(call.step)
        following = changed(call, turn=call.turn + 1, asked_back=False)
        outcome = step.located(dialplan, following) if isinstance(step, Locatable) else None
        if outcome is not None:
            return _follow(dialplan, outcome)
    return Turn(call, (call.waiting,) if call.waiting else (), call.ended)


def _follow(dialplan: Dialplan, outcome: Outcome) -> Turn:
    """Walk from step to step until one waits or the dialogue has ended."""
    actions = list(outcome.actions)
    for _ in range(MAX_STEPS_PER_TURN):
        last = actions[-1] if actions else None
        if outcome.then is not None:
            outcome = _enter(dialplan, outcome.call, outcome.then)
            actions += outcome.actions
        elif outcome.ended:
            said = _in_language(dialplan, outcome.call, actions)
            return Turn(changed(outcome.call, waiting=None, ended=True), said, ended=True)
        elif isinstance(last, Gather | Record | LookAtQueue) and outcome.call.turn >= MAX_TURNS:
            actions.pop()
            outcome = go(outcome.call, OPERATOR_STEP)
        elif isinstance(last, Wait):
            if isinstance(last, Gather):
                actions[-1] = listening(dialplan, outcome.call, last)
            said = _waiting_once(_in_language(dialplan, outcome.call, actions))
            return Turn(changed(outcome.call, waiting=said[-1]), said)  # type: ignore[arg-type]
        else:
            raise FlowError(f"step {outcome.call.step!r} neither waits, nor goes on, nor ends")
    raise FlowError(f"no wait within {MAX_STEPS_PER_TURN} steps, near {outcome.call.step!r}")


def _enter(dialplan: Dialplan, call: CallState, name: str) -> Outcome:
    call = changed(
        call,
        step=name,
        waiting=None,
        no_input=0,
        no_match=0,
        entered=None,
        asking="",
        proposal=None,
    )
    return dialplan.step(name).enter(dialplan, call)


def _in_language(dialplan: Dialplan, call: CallState, actions: list[Action]) -> tuple[Action, ...]:
    """The same, the caller spoken to in the language that he chose. Responders hear the first one."""
    if not call.language:
        return tuple(actions)
    return tuple(
        replace(action, prompts=tuple(dialplan.translated(call, p) for p in action.prompts))
        if isinstance(action, Say | Gather | Record)
        else action
        for action in actions
    )


def _waiting_once(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    if any(isinstance(action, Wait) for action in actions[:-1]):
        raise FlowError("a turn with two waits")
    return actions
