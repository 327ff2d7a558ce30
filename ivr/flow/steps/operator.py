"""`operator`: connect the caller to the default answering points.

    petugas:
      operator: Mohon tunggu, Anda disambungkan ke petugas.

A target named `operator` exists without being written; `operator: ""` says nothing first, so that
a person's phone rings at once: whoever waits hears words from the platform.
What follows a dial, here and in `connect`, stands here too: a caller is never left alone after one.
"""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow.actions import Dial, Plain, Say
from ivr.flow.events import DialEnded
from ivr.flow.model import (
    OPERATOR_ROUTE,
    Answer,
    CallState,
    Dialplan,
    Outcome,
    Path,
    UnexpectedEvent,
    wait,
)
from ivr.flow.prompt import Prompt
from ivr.flow.written import OptionalSentence, Written
from routing.model import OPERATOR, Route


class OperatorStep(Written):
    """Ring a person, and keep ringing."""

    operator: OptionalSentence = ""

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        text = (Prompt(self.operator),) if self.operator else ()
        return wait(call, *saying(text), dial_operator(dialplan, call))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        return after_dial(dialplan, call, event)

    def exits(self) -> Mapping[Path, str]:
        return {}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("operator",): (Prompt(self.operator),)} if self.operator else {}


def after_dial(dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
    """What a caller who is still there meets after a dial.

    A talk that a person at an agency closed is followed by the operator; one cut off too soon, by
    the targets that are left. Only an operator who has talked may close the call.
    """
    if not isinstance(event, DialEnded) or not isinstance(call.waiting, Dial):
        raise UnexpectedEvent(f"{type(event).__name__} where a dial was to end")
    dialled = call.waiting
    left = _left_after(dialled.routes, event)
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
    if not left or left[0].agency == OPERATOR:
        return wait(call, *said, dial_operator(dialplan, call))
    return wait(call, *said, Dial(left, dialled.whisper))


def dial_operator(dialplan: Dialplan, call: CallState) -> Dial:
    """Ring the default answering points; whoever answers hears what is known."""
    whisper = (*dialplan.known(call), *dialplan.phrase("operator_whisper"))
    return Dial((OPERATOR_ROUTE,), whisper)


def saying(prompts: tuple[Prompt, ...]) -> tuple[Plain, ...]:
    return (Say(prompts),) if prompts else ()


def _left_after(routes: tuple[Route, ...], event: DialEnded) -> tuple[Route, ...]:
    """The targets behind the one that was tried. The first of its name counts: where a platform
    walked further by itself, a number is tried once more rather than left out."""
    if event.agency == OPERATOR:
        return ()
    for index, route in enumerate(routes):
        if (route.agency, route.trunk) == (event.agency, event.trunk):
            return routes[index + 1 :]
    raise UnexpectedEvent(f"a dial of {event.agency} via {event.trunk}, which nobody asked for")
