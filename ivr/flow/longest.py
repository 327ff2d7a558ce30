"""The longest that a caller can be kept by the dialogue, whatever he does: a walk through the engine.

Not estimated from the drawing of the steps: the engine itself is walked through every state that a
caller can bring it to, each answer given at the last moment. What has been found from a state is kept;
it holds for every turn in which the state is met again, unless the way from it was cut short by the
bound on turns.

A location of the phone may arrive at the last moment of any place question, and make it another one.
One that arrives in another step changes no question; what a `branch` on the place makes of it later
is walked only as if it had come with the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from ivr.flow import engine
from ivr.flow.actions import DecideRoute, Gather, LookAtQueue, Record, Say
from ivr.flow.engine import advance, begin
from ivr.flow.events import (
    CallOffered,
    DigitsEntered,
    Event,
    LocationLearned,
    NoInput,
    QueueSeen,
    Recorded,
    RouteDecided,
)
from ivr.flow.model import OPERATOR_ROUTE, CallState, Dialplan, Entry, Locatable, Step, Turn
from ivr.flow.prompt import Prompt
from ivr.flow.steps.ask_place import MAX_CONFIRMATIONS, SURE_CONFIDENCE, UNSURE_CONFIDENCE
from ivr.flow.steps.branch import BranchStep, caller_class
from ivr.flow.steps.confirm import ConfirmStep
from ivr.flow.steps.schedule import ScheduleStep
from ivr.flow.template import placeholders
from routing.model import Location


class Way(NamedTuple):
    """How long it is, what the caller does on it, and after how many turns it ends at most."""

    seconds: float
    path: tuple[str, ...]
    turns: int = 0


NO_WAY = Way(0.0, ())


def longest_way(dialplan: Dialplan, seconds: Callable[[Prompt], float]) -> Way:
    """From the answer of a call until somebody is rung for it; raises FlowError.

    ``seconds`` tells how long a sentence takes to hear.
    """
    variant = _at_all_hours(dialplan)
    schedules = (name for name, step in dialplan.steps.items() if isinstance(step, ScheduleStep))
    walk = _Walk(variant, seconds, frozenset(schedules))
    ways = (walk.from_turn(begin(variant, offered)) for offered in _offers(variant))
    return max(ways, key=lambda way: way.seconds)


class _Walk:
    """One walk; keeps what was found from each state."""

    def __init__(
        self, dialplan: Dialplan, seconds: Callable[[Prompt], float], schedules: frozenset[str]
    ) -> None:
        self.dialplan = dialplan
        self.seconds = seconds
        self.asked_later = _asked_later(dialplan)
        self.slowest = max(
            (str(digit) for digit in range(1, 10)),
            key=lambda digit: sum(map(seconds, dialplan.digits(digit))),
        )
        self.schedules = schedules
        self.arrivals = _arrivals(dialplan, seconds)
        self.known: dict[object, Way] = {}

    def from_turn(self, turn: Turn) -> Way:
        spoken = sum(
            self.seconds(prompt)
            for action in turn.actions
            if isinstance(action, Say)
            for prompt in action.prompts
        )
        call, wait = turn.state, turn.state.waiting
        said = (f"diucapkan {said_s(spoken)}",) if spoken else ()
        if isinstance(wait, DecideRoute):
            event = RouteDecided((OPERATOR_ROUTE,), ())
            way = self.from_turn(advance(self.dialplan, call, event))
            return Way(spoken + way.seconds, (*said, *way.path), way.turns + 1)
        if not isinstance(wait, Gather | Record | LookAtQueue):
            return Way(spoken, (*said, f"{call.step}: telepon berdering"))
        way = self._from_state(call, wait)
        return Way(spoken + way.seconds, (*said, *way.path), way.turns)

    def _from_state(self, call: CallState, wait: Gather | Record | LookAtQueue) -> Way:
        # The wait itself belongs to the state: after silence it begins with other words than after a
        # wrong key.
        state = (wait, _what_matters(call, self.dialplan.step(call.step), self.asked_later))
        found = self.known.get(state)
        if found is not None and call.turn + found.turns < engine.MAX_TURNS:
            return found
        state_of_turn = (state, call.turn)
        if state_of_turn in self.known:
            return self.known[state_of_turn]
        ways = list(self._ways(call, wait))
        longest = max(ways, key=lambda way: way.seconds)
        way = longest._replace(turns=max(way.turns for way in ways))
        cut_short = call.turn + way.turns >= engine.MAX_TURNS
        self.known[state_of_turn if cut_short else state] = way
        return way

    def _ways(self, call: CallState, wait: Gather | Record | LookAtQueue) -> Iterator[Way]:
        prompts = () if isinstance(wait, LookAtQueue) else wait.prompts
        asked = sum(map(self.seconds, prompts))
        for what, event, waited in _answers(wait, self.slowest):
            way = self.from_turn(advance(self.dialplan, call, event))
            took = asked + waited
            does = _AS_SCHEDULE[what] if call.step in self.schedules else what
            entry = f"{call.step}: {does} setelah {said_s(took)}"
            yield Way(took + way.seconds, (entry, *way.path), way.turns + 1)
        if not isinstance(wait, Gather) or not isinstance(self.dialplan.step(call.step), Locatable):
            return
        took = asked + wait.seconds
        for code, event in self.arrivals.items():
            turn = advance(self.dialplan, call, event)
            if turn.state.waiting != wait:
                way = self.from_turn(turn)
                entry = f"{call.step}: ponsel di {code} setelah {said_s(took)}"
                yield Way(took + way.seconds, (entry, *way.path), way.turns + 1)


def _answers(
    wait: Gather | Record | LookAtQueue, slowest: str
) -> Iterator[tuple[str, Event, float]]:
    """Everything that can come next, and the longest that it takes: silence, each key that means
    something and one that does not, each at the last moment; inputs of every length, of the digit that
    is the slowest to read back."""
    if isinstance(wait, LookAtQueue):
        for state in ("free", "busy", "unreachable"):
            yield f"antrean {state}", QueueSeen(state), 0.0
        return
    if isinstance(wait, Record):
        yield "bicara", Recorded(wait.name, wait.seconds), wait.seconds
        yield "diam", NoInput(), wait.seconds
        yield "tombol 0", DigitsEntered("0"), wait.seconds
        return
    yield "diam", NoInput(), wait.seconds
    if wait.max_digits > 1:
        # Each key is waited for anew; an input that is shorter ends with one wait more.
        for length in range(1, wait.max_digits + 1):
            waits = min(length + 1, wait.max_digits)
            for digit in (slowest, "0"):
                yield f"{length} angka", DigitsEntered(digit * length), waits * wait.seconds
        full = wait.max_digits
        yield f"{full} tombol salah", DigitsEntered("*" * full), full * wait.seconds
        return
    wrong = next((key for key in "123456789*#" if key not in wait.keys), None)
    if wrong is not None:
        yield "tombol salah", DigitsEntered(wrong), wait.seconds
    for key in wait.keys:
        yield f"tombol {key}", DigitsEntered(key), wait.seconds


def _arrivals(
    dialplan: Dialplan, seconds: Callable[[Prompt], float]
) -> Mapping[str, LocationLearned]:
    """The locations that keep a caller longest, by kecamatan: unsure ones in those with the longest
    names, as many as are asked about in a call, and in those that a step asks for."""

    def spoken(code: str) -> float:
        return seconds(Prompt(dialplan.places.names[code]))

    longest = sorted(dialplan.places.names, key=spoken, reverse=True)[:MAX_CONFIRMATIONS]
    return {
        code: LocationLearned(Location("check", code=code, confidence=UNSURE_CONFIDENCE))
        for code in dict.fromkeys((*longest, *_told_apart(dialplan)))
    }


def _told_apart(dialplan: Dialplan) -> list[str]:
    """The kecamatan that some branch asks for."""
    steps = dialplan.steps.values()
    branches = [s for s in steps if isinstance(s, BranchStep) and s.branch == "place"]
    cases = {case for step in branches for case in step.when}
    return [code for code, name in dialplan.places.names.items() if cases & {code, name}]


def _what_matters(call: CallState, step: Step, asked: frozenset[str]) -> object:
    """What the rest of a dialogue depends on. What was learned matters only where something asks."""
    counts = (call.no_input, call.no_match, tuple(sorted(call.denied.items())))
    facts = (
        call.incident if "incident" in asked else None,
        _where(call) if "place" in asked else None,
        caller_class(call.offered) if "caller" in asked else None,
        tuple(value for name, value in sorted(call.answers.items()) if name in asked),
        tuple(name for name in call.recorded if name in asked),
    )
    # Until the place is asked for, what is known of the phone matters; then what can arrive.
    asking = call.place_asked == 1 and isinstance(step, Locatable)
    phone: object = call.learned if call.place_asked == 0 else None
    if asking and call.confirmations < MAX_CONFIRMATIONS:
        phone = (call.confirmations, frozenset(call.not_there))
    place = (call.area, call.asking, call.place if call.asking == "desa" else None)
    said = place if isinstance(step, Locatable) or "place" in asked else None
    return (call.step, counts, call.language, call.entered, facts, asking, phone, said)


def _where(call: CallState) -> object:
    """The place, and whether it is said as one that was guessed."""
    location = call.location
    return None if location is None else (location.code, location.confidence)


def _asked_later(dialplan: Dialplan) -> frozenset[str]:
    """What of a call some step asks for: in a branch, or in a sentence that a caller hears."""
    names: set[str] = set()
    for step in dialplan.steps.values():
        if isinstance(step, BranchStep):
            names.add(step.branch)
        elif isinstance(step, ConfirmStep):
            names.update(placeholders(step.confirm))
    return frozenset(names)


def _at_all_hours(dialplan: Dialplan) -> Dialplan:
    """The same with each schedule as a fork that may go any way at any time: no call meets more."""
    steps = {
        name: _any_way(step) if isinstance(step, ScheduleStep) else step
        for name, step in dialplan.steps.items()
    }
    return replace(dialplan, steps=steps)


_AS_SCHEDULE = {
    "antrean free": "jam buka",
    "antrean busy": "jam tutup",
    "antrean unreachable": "hari libur",
}


def _any_way(step: ScheduleStep) -> BranchStep:
    return BranchStep(
        branch="queue",
        when={"free": step.open, "busy": step.closed, "unreachable": step.holiday or step.closed},
    )


def _offers(dialplan: Dialplan) -> Iterator[CallOffered]:
    """A call for every entry, of every class of caller and from every place that is told apart."""
    branches = [step for step in dialplan.steps.values() if isinstance(step, BranchStep)]
    told_apart = any(step.branch == "caller" for step in branches)
    callers = (None, "0811", "0766", "+49") if told_apart else (None,)
    codes = _told_apart(
        dialplan
    )  # one that is unsure or a guess keeps longer where it arrives late
    places = [None, *(Location("check", code=code, confidence=SURE_CONFIDENCE) for code in codes)]
    for entry, caller, place in product(
        (Entry(dialplan.start), *dialplan.entries), callers, places
    ):
        yield CallOffered(
            "check", 0.0, caller, entry.dialled or "", entry.trunk or "", "", "",
            location=place, test=entry.test,
        )  # fmt: skip


def said_s(seconds: float) -> str:
    """Seconds as an administrator writes them: 7,5 detik."""
    return f"{seconds:.1f}".rstrip("0").rstrip(".").replace(".", ",") + " detik"
