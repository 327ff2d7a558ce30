"""The longest that a caller can be kept by the dialogue, whatever he does: a walk through the engine.

Not estimated from the drawing of the steps: the engine itself is walked through every state that a
caller can bring it to, each answer given at the last moment. What has been found from a state is kept;
it holds for every turn in which the state is met again, unless the way from it was cut short by the
bound on turns. Where somebody listens, every answer may come later than where keys alone count: a caller
may be speaking for so long, or there is a noise around him that is taken for it. Where the bound ends a
dialogue, what is said surely is walked too, for it leaves turns; not in a dialplan of more than
``MOST_STOPS`` stops, whose circles nobody should meet: there it is taken to be keyed in.

A location of the phone may arrive at the last moment of any place question, and make it another one.
One that arrives in another step changes no question; what a `branch` on the place makes of it later
is walked only as if it had come with the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, product
from typing import NamedTuple

from ivr.flow import engine
from ivr.flow.actions import DecideRoute, Gather, LookAtQueue, Record, Say
from ivr.flow.changed import changed
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
    SpeechHeard,
)
from ivr.flow.longest_speech import Speakers
from ivr.flow.model import (
    OPERATOR_ROUTE,
    OPERATOR_STEP,
    CallState,
    Dialplan,
    Entry,
    FlowError,
    Locatable,
    Step,
    Turn,
)
from ivr.flow.prompt import Prompt
from ivr.flow.speech import MAX_PROPOSALS
from ivr.flow.spoken import LISTENED_S, Vocabulary
from ivr.flow.steps.ask import AskStep
from ivr.flow.steps.ask_place import (
    MAX_CONFIRMATIONS,
    SURE_CONFIDENCE,
    UNSURE_CONFIDENCE,
    AskPlaceStep,
)
from ivr.flow.steps.branch import BranchStep, caller_class
from ivr.flow.steps.confirm import ConfirmStep
from ivr.flow.steps.menu import MenuStep
from ivr.flow.steps.schedule import ScheduleStep
from ivr.flow.template import placeholders
from ivr.flow.vocabulary import area_of
from routing.best import GUESS, best
from routing.model import Location


class Way(NamedTuple):
    """How long it is, and what the caller does on it."""

    seconds: float
    path: tuple[str, ...]


NO_WAY = Way(0.0, ())

MOST_STOPS = 1_000


def longest_way(
    dialplan: Dialplan, seconds: Callable[[Prompt], float], *, speaks: bool = True
) -> Way:
    """From the answer of a call until somebody is rung for it; raises FlowError.

    ``seconds`` tells how long a sentence takes to hear; ``speaks`` whether callers are listened to.
    """
    variant = _at_all_hours(dialplan)
    schedules = (name for name, step in dialplan.steps.items() if isinstance(step, ScheduleStep))
    named = frozenset(schedules)
    walk = _Walk(variant, seconds, named, every=False, speaks=speaks)
    longest = _of_all(walk)
    if longest.turns >= engine.MAX_TURNS and len(walk.stops) <= MOST_STOPS:
        longest = _of_all(_Walk(variant, seconds, named, every=True, speaks=speaks))
    return Way(longest.seconds, tuple(longest.lines()))


def _of_all(walk: _Walk) -> _Rest:
    """The longest of all calls; no call takes more turns than are said of it."""
    ways = [walk.from_the_begin(offered) for offered in _offers(walk.dialplan)]
    longest = max(ways, key=lambda way: way.seconds)
    return longest._replace(turns=max(way.turns for way in ways))


class _Leg(NamedTuple):
    """From one stop to the next, or until somebody is rung: the seconds, what is told of it, and how
    many turns it takes."""

    seconds: float
    lines: tuple[str, ...]
    to: _Stop | None
    turns: int


class _Rest(NamedTuple):
    """The longest way from a stop, as a chain. No way from there takes more ``turns`` than are said."""

    seconds: float
    leg: _Leg
    then: _Rest | None
    turns: int

    def lines(self) -> Iterator[str]:
        rest: _Rest | None = self
        while rest is not None:
            yield from rest.leg.lines
            rest = rest.then


@dataclass(eq=False, slots=True)
class _Stop:
    """Where a caller is asked something. Whoever comes here can go the same legs, in whatever turn.

    ``rest`` is the longest way of all, ``cut_short`` those that the bound on turns ends, by the turn.
    """

    call: CallState
    wait: Gather | Record | LookAtQueue
    legs: tuple[_Leg, ...] = ()
    rest: _Rest | None = None
    cut_short: dict[int, _Rest] = field(default_factory=dict)


class _Walk:
    """One walk; keeps the stops that it has met, and what was found from each."""

    def __init__(
        self,
        dialplan: Dialplan,
        seconds: Callable[[Prompt], float],
        schedules: frozenset[str],
        *,
        every: bool,
        speaks: bool,
    ) -> None:
        self.dialplan = dialplan
        self.seconds = seconds
        self.kept: dict[object, _Ahead] = {}
        self.words: dict[object, _Words] = {}
        self.confirms = {
            n: s.tries for n, s in dialplan.steps.items() if isinstance(s, ConfirmStep)
        }
        self.locatable = {n for n, s in dialplan.steps.items() if isinstance(s, Locatable)}
        self.slowest = max(
            (str(digit) for digit in range(1, 10)),
            key=lambda digit: sum(map(seconds, dialplan.digits(digit))),
        )
        self.schedules = schedules
        self.arrivals = _arrivals(dialplan, seconds)
        told_apart = _told_apart(dialplan)
        self.speakers = Speakers(
            dialplan, seconds, told_apart, self.slowest, every=every, speaks=speaks
        )
        self.stops: dict[object, _Stop] = {}

    def from_the_begin(self, offered: CallOffered) -> _Rest:
        return self._longest((self._leg(begin(self.dialplan, offered), 0),), 0)

    def _longest(self, legs: Iterable[_Leg], turn: int) -> _Rest:
        """The first of the longest ways that begin with one of these in this turn."""
        longest: tuple[float, _Leg, _Rest | None] | None = None
        turns = 0
        for leg in legs:
            then = self._from(leg.to, turn + leg.turns) if leg.to is not None else None
            seconds, took = leg.seconds, leg.turns
            if then is not None:
                seconds, took = seconds + then.seconds, took + then.turns
            turns = max(turns, took)
            if longest is None or seconds > longest[0]:
                longest = (seconds, leg, then)
        if longest is None:
            raise FlowError("a wait that nothing ends")
        return _Rest(*longest, turns)

    def _from(self, stop: _Stop, turn: int) -> _Rest:
        if stop.rest is not None and turn + stop.rest.turns < engine.MAX_TURNS:
            return stop.rest
        if turn in stop.cut_short:
            return stop.cut_short[turn]
        legs = stop.legs = stop.legs or self._legs(stop, 0, cut_short=False)
        if turn + max(leg.turns for leg in legs) >= engine.MAX_TURNS:
            # what the engine would ask next is asked no more
            legs = self._legs(stop, turn, cut_short=True)
        rest = self._longest(legs, turn)
        if turn + rest.turns < engine.MAX_TURNS:
            stop.rest = rest
        else:
            stop.cut_short[turn] = rest
        return rest

    def _legs(self, stop: _Stop, turn: int, *, cut_short: bool) -> tuple[_Leg, ...]:
        """Of those that lead to one stop, the longest."""
        call = changed(stop.call, turn=turn)
        longest: dict[object, _Leg] = {}
        answered = (
            (took, does, self._leg(following, turn))
            for took, does, following in self._answered(call, stop.wait)
        )
        for took, does, leg in chain(answered, self._said(call, stop.wait, cut_short=cut_short)):
            where, seconds = (leg.to, leg.turns), took + leg.seconds
            if where not in longest or seconds > longest[where].seconds:
                entry = f"{call.step}: {does} setelah {said_s(took)}"
                longest.pop(where, None)  # of legs that are as long, the first is told
                longest[where] = leg._replace(seconds=seconds, lines=(entry, *leg.lines))
        return tuple(longest.values())

    def _leg(self, turn: Turn, since: int) -> _Leg:
        """What a caller hears until he is asked something, or somebody is rung."""
        seconds, lines = 0.0, list[str]()
        while True:
            spoken = sum(
                self.seconds(prompt)
                for action in turn.actions
                if isinstance(action, Say)
                for prompt in action.prompts
            )
            seconds += spoken
            lines += (f"diucapkan {said_s(spoken)}",) if spoken else ()
            call, wait = turn.state, turn.state.waiting
            if isinstance(wait, Gather | Record | LookAtQueue):
                return _Leg(seconds, tuple(lines), self._stop(call, wait), call.turn - since)
            if not isinstance(wait, DecideRoute):
                rung = f"{call.step}: telepon berdering"
                return _Leg(seconds, (*lines, rung), None, call.turn - since)
            turn = advance(self.dialplan, call, RouteDecided((OPERATOR_ROUTE,), ()))

    def _stop(self, call: CallState, wait: Gather | Record | LookAtQueue) -> _Stop:
        # The wait itself tells stops apart: after silence it begins with other words than after a
        # wrong key. What may be said there, if anything, follows from the question.
        listens = isinstance(wait, Gather) and wait.vocabulary is not None
        asked = replace(wait, vocabulary=None) if isinstance(wait, Gather) else wait
        here = call.step in self.locatable
        matters = _what_matters(call, self._ahead(call), here=here)
        key = (asked, listens, matters)
        return self.stops.setdefault(key, _Stop(call, wait))

    def _ahead(self, call: CallState) -> _Ahead:
        """What can still come. Who has said no as often as he may comes back no more."""
        denied = (name for name, times in call.denied.items() if times >= self.confirms[name] - 1)
        spent = frozenset(denied)
        key = (call.step, spent)
        if key not in self.kept:
            self.kept[key] = _ahead(self.dialplan, call.step, spent)
        return self.kept[key]

    def _answered(
        self, call: CallState, wait: Gather | Record | LookAtQueue
    ) -> Iterator[tuple[float, str, Turn]]:
        """Everything that can come next: after how long, what the caller does, what follows."""
        asked = self._asked_s(wait)
        for what, event, waited in _answers(wait, self.slowest):
            if call.proposal is not None and what not in _TO_A_PROPOSAL:
                continue
            does = _AS_SCHEDULE[what] if call.step in self.schedules else what
            yield asked + waited, does, advance(self.dialplan, call, event)
        if not isinstance(wait, Gather) or call.step not in self.locatable:
            return
        for code, event in self.arrivals.items():
            turn = advance(self.dialplan, call, event)
            if turn.state.waiting != wait:
                name = self.dialplan.places.names[code]
                yield asked + wait.seconds, f"ponsel di {name}", turn

    def _asked_s(self, wait: Gather | Record | LookAtQueue) -> float:
        prompts = () if isinstance(wait, LookAtQueue) else wait.prompts
        listens = isinstance(wait, Gather) and wait.vocabulary is not None
        listened = LISTENED_S if listens and self.speakers.speaks else 0.0
        return sum(map(self.seconds, prompts)) + listened

    def _said(
        self, call: CallState, wait: Gather | Record | LookAtQueue, *, cut_short: bool
    ) -> Iterator[tuple[float, str, _Leg]]:
        """What he can say: after how long, what, and the leg from there, past the question whether he was
        heard rightly. Who says no to it is asked what he was asked before, whatever he had said."""
        if not isinstance(wait, Gather) or wait.vocabulary is None or call.proposal is not None:
            return
        took = self._asked_s(wait) + wait.seconds
        if cut_short:
            for said, heard in self._speech(call, wait.vocabulary):
                yield took, said, self._leg(advance(self.dialplan, call, heard), call.turn)
            return
        words = self._words(call, wait.vocabulary)
        for said, heard in words.understood:
            yield took, said, self._leg(advance(self.dialplan, call, heard), call.turn)
        yield from ((took, said, agreed) for said, _, _, agreed in words.asked_about)
        if words.asked_about:
            said, heard, seconds, _ = max(words.asked_about, key=lambda asked: asked[2])
            asked = advance(self.dialplan, call, heard)
            leg = self._leg(advance(self.dialplan, asked.state, NoInput()), call.turn)
            yield took, said, _after(call, "diam", seconds, leg)

    def _speech(self, call: CallState, vocabulary: Vocabulary) -> Iterable[tuple[str, SpeechHeard]]:
        ahead = self._ahead(call)
        return self.speakers.at(
            call,
            vocabulary,
            place_ahead="place" in ahead.asked,
            place_before=ahead.told_place,
        )

    def _words(self, call: CallState, vocabulary: Vocabulary) -> _Words:
        """What he can say, whatever he has missed: a yes leads on to where nobody asks for that."""
        unmissed = changed(call, no_input=0, no_match=0)
        here = call.step in self.locatable
        key = _what_matters(unmissed, self._ahead(call), here=here)
        if key not in self.words:
            words = self.words[key] = _Words([], [])
            for said, heard in self._speech(call, vocabulary):
                asked = advance(self.dialplan, call, heard)
                if asked.state.proposal is None or not isinstance(asked.state.waiting, Gather):
                    words.understood.append((said, heard))
                    continue
                seconds = self._asked_s(asked.state.waiting) + asked.state.waiting.seconds
                leg = self._leg(advance(self.dialplan, asked.state, DigitsEntered("1")), call.turn)
                agreed = _after(call, "tombol 1", seconds, leg)
                words.asked_about.append((said, heard, seconds, agreed))
        return self.words[key]


class _Words(NamedTuple):
    """What can be said at a question: what is understood, or is not; and what is asked about, for how long
    that takes, and the leg that follows a yes."""

    understood: list[tuple[str, SpeechHeard]]
    asked_about: list[tuple[str, SpeechHeard, float, _Leg]]


def _after(call: CallState, does: str, seconds: float, leg: _Leg) -> _Leg:
    """The leg with an answer before it."""
    entry = f"{call.step}: {does} setelah {said_s(seconds)}"
    return leg._replace(seconds=seconds + leg.seconds, lines=(entry, *leg.lines))


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


def _what_matters(call: CallState, ahead: _Ahead, *, here: bool) -> object:
    """What the rest of a dialogue depends on. What was learned matters only where something asks.
    ``here``: the place is asked for."""
    asked = ahead.asked
    denied = tuple(sorted((name, n) for name, n in call.denied.items() if name in ahead.steps))
    location = call.location if ahead.told_place or here else None
    guessed = location is None or location.confidence < GUESS  # the area is said instead
    facts = (
        call.incident if ahead.told_incident else None,
        None if location is None else (location.kecamatan, guessed),
        caller_class(call.offered) if "caller" in asked else None,
        tuple(value for name, value in sorted(call.answers.items()) if name in asked),
        tuple(name for name in call.recorded if name in asked),
    )
    # Until the place is asked for, what is known of the phone matters; then, until the caller names
    # an area, what can arrive, and what is left when he says no to it.
    times = (call.place_asked if here else min(call.place_asked, 1)) if ahead.locatable else None
    phone: list[object] = [call.learned] if times == 0 else []
    to_come = here and times == 1 and call.area is None and call.confirmations < MAX_CONFIRMATIONS
    if to_come:
        phone += [call.confirmations, frozenset(call.not_there)]
    if times and "place" in asked:
        left = [one for one in call.heard if one.kecamatan not in call.not_there]
        phone += left if to_come or call.asking == "confirm" else [best(left)]
    said: object = None
    if here:
        said = (call.area, call.place if call.asking == "desa" else None)
    elif ahead.told_place and guessed:
        said = call.area
    counts = (call.no_input, call.no_match, denied)
    here_and_now = (
        call.step,
        counts,
        call.language,
        call.entered,
        call.asking,
        _spoken(call, ahead),
    )
    return (*here_and_now, facts, times, (*phone,), said)


def _spoken(call: CallState, ahead: _Ahead) -> object:
    """Whether he is listened to, what he has said too early, and what he is asked about it."""
    # A kecamatan or a desa spares him the question, whichever it is; each area has one of its own.
    told = "place" in ahead.asked or area_of(call.named) is not None
    named = call.named if told or not call.named else "settled"
    keys_only = call.deaf or call.language or not ahead.proposes
    proposals = MAX_PROPOSALS if keys_only and call.proposal is None else call.proposals
    kept = named if ahead.locatable else bool(call.named)  # the first that is told costs no try
    return (call.deaf, proposals, call.proposal, kept)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The steps that a call can still come to, and what of the call they ask for: in a branch, or in a
    sentence that a caller hears. ``told_place``: the place is asked for before the caller tells another;
    ``told_incident``: so is what happened. ``proposes``: somebody may be asked whether he was heard rightly."""

    steps: frozenset[str]
    asked: frozenset[str]
    locatable: bool
    told_place: bool
    told_incident: bool
    proposes: bool


def _ahead(dialplan: Dialplan, name: str, spent: frozenset[str]) -> _Ahead:
    """Of a step, itself counted in, for it may be asked again. Nothing follows the operator's. Nobody
    goes back from the confirmations that are ``spent``."""

    def with_a_place_told(step: str) -> set[str]:
        locatable = isinstance(dialplan.step(step), Locatable)
        return set() if locatable and step != name else _exits(dialplan, step, spent)

    def with_an_incident_told(step: str) -> set[str]:
        return _exits(dialplan, step, spent) - _told_with_an_incident(dialplan.step(step))

    steps = _reached(name, lambda step: _exits(dialplan, step, spent))
    return _Ahead(
        steps,
        _asked(dialplan, steps),
        locatable=any(isinstance(dialplan.step(step), Locatable) for step in steps),
        told_place="place" in _asked(dialplan, _reached(name, with_a_place_told)),
        told_incident="incident" in _asked(dialplan, _reached(name, with_an_incident_told)),
        proposes=any(_proposes(dialplan.step(step)) for step in steps),
    )


def _reached(name: str, exits: Callable[[str], set[str]]) -> frozenset[str]:
    """A step and all that can follow."""
    steps, new = {name}, [name]
    while new:
        following = exits(new.pop()) - steps
        steps |= following
        new += following
    return frozenset(steps)


def _exits(dialplan: Dialplan, name: str, spent: frozenset[str]) -> set[str]:
    step = dialplan.step(name)
    if isinstance(step, ConfirmStep) and name in spent:
        return {step.then, OPERATOR_STEP}
    return {*step.exits().values()}


def _told_with_an_incident(step: Step) -> set[str]:
    """Where nobody comes from this step without having told what happened."""
    if not isinstance(step, MenuStep):
        return set()
    options = step.options.values()
    told = {option.then for option in options if option.incident is not None}
    return told - {step.otherwise, *(o.then for o in options if o.incident is None)}


def _proposes(step: Step) -> bool:
    """Whether what is heard there may be asked about: where the step itself asks back, it is not."""
    return isinstance(step, MenuStep | AskPlaceStep) or (
        isinstance(step, AskStep) and step.read_back == "no"
    )


def _asked(dialplan: Dialplan, steps: Iterable[str]) -> frozenset[str]:
    """What of the call these steps ask for."""
    asked: set[str] = set()
    for step in map(dialplan.step, steps):
        if isinstance(step, BranchStep):
            asked.add(step.branch)
        elif isinstance(step, ConfirmStep):
            asked.update(placeholders(step.confirm))
    return frozenset(asked)


def _at_all_hours(dialplan: Dialplan) -> Dialplan:
    """The same with each schedule as a fork that may go any way at any time: no call meets more."""
    steps = {
        name: _any_way(step) if isinstance(step, ScheduleStep) else step
        for name, step in dialplan.steps.items()
    }
    return replace(dialplan, steps=steps)


_TO_A_PROPOSAL = ("diam", "tombol 1")
"""Everything else that answers it does what silence does, or rings a person at once."""

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
