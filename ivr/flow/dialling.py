"""What a caller who is still there meets after a dial: whom to ring next, and when only a person.

The reason decides. Where the *way* to a target failed, the same agency's next contact is tried. Where
*people* did not come (busy, nobody answered, declined), the next agency that is responsible is, and what
is left of the first one stands behind it, before any reserve: demoted, never dropped. A talk that broke
off too soon goes on with the list as it stands. After a talk that an agency closed, and once agencies
have rung for as long as the dialplan allows in all, the caller is with the operators. Only an operator
who has talked may close the call.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import dropwhile

from ivr.flow.actions import Dial, Plain, Say
from ivr.flow.events import DialEnded
from ivr.flow.model import (
    OPERATOR_ROUTE,
    Answer,
    CallState,
    Dialplan,
    Outcome,
    UnexpectedEvent,
    wait,
)
from ivr.flow.prompt import Prompt
from routing.model import OPERATOR, Route

PEOPLE_DID_NOT_COME = frozenset({"busy", "no_answer", "declined"})


def after_dial(dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
    """The dial that follows one that ended; raises UnexpectedEvent where none was going on."""
    if not isinstance(event, DialEnded) or not isinstance(call.waiting, Dial):
        raise UnexpectedEvent(f"{type(event).__name__} where a dial was to end")
    dialled = call.waiting
    left = _left_after(dialled.routes, event)
    call = replace(call, rung_s=call.rung_s + event.rung_s)
    is_operator = event.agency == OPERATOR
    answered = event.status == "answered"
    talked = answered and event.talk_s >= dialplan.defaults.drop_s
    if talked and is_operator:
        return Outcome(call, ended=True)
    if talked:
        said = saying(dialplan.phrase("talk_ended"))
        return wait(call, *said, dial_operator(dialplan, call))
    said = saying(dialplan.phrase("talk_dropped")) if answered else ()
    if is_operator:
        said = said or saying(dialplan.phrase("busy_operator"))
    if not left or left[0].agency == OPERATOR or _budget_s(dialplan, call) <= 0:
        return wait(call, *said, dial_operator(dialplan, call))
    return wait(call, *said, dial(dialplan, call, left, dialled.whisper))


def dial(
    dialplan: Dialplan, call: CallState, routes: tuple[Route, ...], whisper: tuple[Prompt, ...]
) -> Dial:
    """Ring these, for as long as this call's agencies may still ring."""
    return Dial(routes, whisper, _budget_s(dialplan, call))


def dial_operator(dialplan: Dialplan, call: CallState) -> Dial:
    """Ring the default answering points; whoever answers hears what is known."""
    whisper = (*dialplan.known(call), *dialplan.phrase("operator_whisper"))
    return dial(dialplan, call, (OPERATOR_ROUTE,), whisper)


def saying(prompts: tuple[Prompt, ...]) -> tuple[Plain, ...]:
    return (Say(prompts),) if prompts else ()


def _budget_s(dialplan: Dialplan, call: CallState) -> float:
    return max(0.0, dialplan.defaults.budget_s - call.rung_s)


def _left_after(routes: tuple[Route, ...], event: DialEnded) -> tuple[Route, ...]:
    """The targets behind those that were tried, the more promising first.

    The first of its name counts: where a platform walked further by itself, a number is tried once
    more rather than left out. Routes that ring together were tried together.
    """
    if event.agency == OPERATOR:
        return ()
    names = [(route.agency, route.trunk) for route in routes]
    if (event.agency, event.trunk) not in names:
        raise UnexpectedEvent(f"a dial of {event.agency} via {event.trunk}, which nobody asked for")
    behind = routes[names.index((event.agency, event.trunk)) + 1 :]
    left = tuple(dropwhile(lambda route: route.together, behind))
    if event.status not in PEOPLE_DID_NOT_COME:
        return left
    others = [r for r in left if r.agency not in (event.agency, OPERATOR)]
    return (
        *(r for r in others if not r.reserve),
        *(r for r in left if r.agency == event.agency),
        *(r for r in others if r.reserve),
        *(r for r in left if r.agency == OPERATOR),
    )
