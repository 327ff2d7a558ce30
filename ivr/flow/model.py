"""The values the engine works on: a dialplan, the state of one call, and the turn that follows.

A step sees the dialplan and the call, and answers with an ``Outcome``: what to do, and then either
a wait, another step, or the end. Nothing here is ever changed in place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast, runtime_checkable

from ivr.flow.actions import Action, Gather, Wait
from ivr.flow.calendar import Calendar
from ivr.flow.changed import changed
from ivr.flow.events import (
    CallOffered,
    DialEnded,
    DigitsEntered,
    NoInput,
    QueueSeen,
    Recorded,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.fault import Marks
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import SURE, Vocabulary
from ivr.flow.vocabulary import HELP_ONLY, SpokenPlaces
from routing.best import GUESS, best, disagree, of_incident
from routing.model import OPERATOR, PRESSED, Location, Route

OPERATOR_ROUTE = Route(agency=OPERATOR, trunk="", target="")
"""The default answering points. It carries no target: the platform knows the way."""

NO_DOMAIN = "siaga112.invalid"
"""A centre without a name of its own (RFC 2606: nobody else has this one)."""

OPERATOR_STEP = "operator"
"""The step that is always there, written or not: it is where every failure leads."""

PRESSED_CONFIDENCE = 0.9
"""The caller pressed a key for the area and one for the kecamatan."""

SPOKEN_CONFIDENCE = 0.8
"""The caller said the name of the place."""

GUESSED_CONFIDENCE = 0.4
"""The caller pressed a key for the area only; its first kecamatan stands in for it."""

REMEMBERED = 20
"""So many locations of a call are kept in mind; the record keeps all of them."""

Answer = DigitsEntered | NoInput | SpeechHeard | Recorded | QueueSeen | RouteDecided | DialEnded
"""The events that answer a wait. All others may come at any time."""


class FlowError(Exception):
    """The dialplan is at fault. The call goes to a person, and somebody is told."""


class UnexpectedEvent(Exception):
    """The platform is at fault: nothing waited for this event. The state is as it was."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a step uses where it says nothing.

    A talk shorter than ``drop_s`` was cut off. Agencies ring for ``budget_s`` in all at most; after
    that the caller waits for an operator alone.
    """

    tries: int = 2
    wait_s: float = 4.0
    drop_s: float = 10.0
    budget_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Area:
    """One key of the first place question; ``kecamatan`` are the keys of the second, in order."""

    name: str
    prompt: Prompt
    kecamatan: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlaceMenu:
    """How a caller tells the place with two keys. ``names`` are those of all kecamatan by code.

    ``postcodes`` are the places (kecamatan or desa) by five digits, ``desa`` the whole codes by
    kecamatan and the last four digits; both empty where nobody has written them. ``spoken`` are the
    names of all places as callers say them; none where no step asks for a place.
    """

    prompt: Prompt
    areas: Mapping[str, Area]
    names: Mapping[str, str]
    postcodes: Mapping[str, str] = field(default_factory=dict)
    desa: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    spoken: SpokenPlaces = field(default_factory=SpokenPlaces)


@dataclass(frozen=True, slots=True)
class Entry:
    """Where calls to a number, over a trunk, begin; None stands for any. ``test`` marks test calls."""

    start: str
    dialled: str | None = None
    trunk: str | None = None
    test: bool = False


PlaceQuestion = Literal["", "keys", "confirm", "postcode", "desa"]
"""Empty and ``keys`` are the area and the kecamatan, the second without a way to the postcode;
``confirm`` is whether the phone is right, or once more whether a number is."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was heard, but not surely: the caller is asked whether it is right. ``asked`` is the question
    that it answers, as it is asked again, of nobody who may speak, where it is not."""

    option: str
    place: str
    asked: Gather


@dataclass(frozen=True)  # no slots: see ``changed``
class CallState:
    """One call: the sum of its events. ``no_input`` and ``no_match`` count within the step."""

    offered: CallOffered
    step: str
    turn: int = 0
    waiting: Wait | None = None
    ended: bool = False
    no_input: int = 0
    no_match: int = 0
    incident: str | None = None
    area: str | None = None  # the key pressed at the first place question
    place: str | None = None  # the kecamatan or desa that the caller told
    confidence: float = 0.0  # of place
    place_source: str = PRESSED  # of area and place: his keys or his words
    named: str = ""  # a place that the caller said before he was asked for it
    spoken: bool = False  # the answer at hand was said, not pressed
    news: bool = False  # the answer at hand is the first that told a place
    asked_back: bool = False  # whether he was heard rightly is what the answer at hand is about
    proposal: Proposal | None = None  # what he is asked about now, instead of the step's question
    proposals: int = 0  # how often he was asked whether he was heard rightly
    deaf: bool = False  # he was not: keys only from now on, but for a cry for help
    heard: tuple[Location, ...] = ()  # what sources told of the phone, in the order it came
    asking: PlaceQuestion = ""  # which question waits, within the step
    place_asked: int = 0  # the place: once, or more often (2) where the caller was sent back to it
    confirmations: int = 0  # how often the caller was asked whether his phone is right
    not_there: tuple[str, ...] = ()  # kecamatan of the phone of which the caller said no
    rung_s: float = 0.0  # how long agencies have rung in this call
    language: str = ""  # that the caller chose; empty is the dialplan's first
    entered: str | None = None  # digits or a kecamatan, yet to be confirmed, within the step
    answers: Mapping[str, str] = field(default_factory=dict)  # digits, by the step that asked
    denied: Mapping[str, int] = field(default_factory=dict)  # "salah", by the step that asked
    recorded: tuple[str, ...] = ()  # the steps at which the caller said something

    @property
    def learned(self) -> Location | None:
        """Where the phone is: the best of what was told of it."""
        return best(self.heard)

    @property
    def said(self) -> Location | None:
        """Where the incident is as the caller tells it, with his keys or in words."""
        if not self.place:
            return None
        return Location(self.place_source, self.place, confidence=self.confidence)

    @property
    def location(self) -> Location | None:
        """Where help is needed, as well as is known now.

        What the caller told himself counts most: he may call about another place than the
        one he stands in. Nobody is sent where he says that it is not, unless an operator says so.
        """
        possible = best(
            one
            for one in self.heard
            if one.source == "operator" or one.kecamatan not in self.not_there
        )
        return of_incident(self.said, possible)

    @property
    def disagrees(self) -> bool:
        """True where the caller named one kecamatan and his phone is known to be in another."""
        return disagree(self.said, self.learned)

    def told(self, location: Location) -> CallState:
        """The same, knowing this too. Past what is kept in mind the oldest is forgotten that neither
        is the last word of its source nor the best of all."""
        heard = (*self.heard, location)
        if len(heard) > REMEMBERED:
            last = {one.source: index for index, one in enumerate(heard)}
            kept = {*last.values(), heard.index(best(heard) or location)}
            oldest = next((index for index in range(len(heard)) if index not in kept), 0)
            heard = (*heard[:oldest], *heard[oldest + 1 :])
        return changed(self, heard=heard)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step answers. ``then`` names the step that follows; without it the last action waits,
    unless the call ``ended``."""

    call: CallState
    actions: tuple[Action, ...] = ()
    then: str | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """Plain actions, then exactly one wait; or no wait where the dialogue ended."""

    state: CallState
    actions: tuple[Action, ...]
    ended: bool = False


Path = tuple[str | int, ...]
"""The way to a value in a file: keys of mappings and numbers in lists."""


class Step(Protocol):
    """One thing that happens in a dialogue. One file in ``steps/`` each."""

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        """The call arrives at this step."""

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        """The wait this step asked for (it is still in ``call.waiting``) has its answer."""

    def exits(self) -> Mapping[Path, str]:
        """The steps that may follow, each by the place in this step where it is written."""

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        """The sentences written in this step."""


@runtime_checkable
class Locatable(Protocol):
    """A step that a location helps on while it waits for the caller."""

    def located(self, dialplan: Dialplan, call: CallState) -> Outcome | None:
        """Something was learned of the phone; None where the wait goes on as it is."""


@runtime_checkable
class Listening(Protocol):
    """A step whose questions may be answered in words."""

    def vocabulary(self, dialplan: Dialplan, call: CallState) -> Vocabulary | None:
        """What may be said at the question that the call comes to; None where keys only count."""

    def named(self, dialplan: Dialplan, call: CallState, option: str) -> tuple[Prompt, ...]:
        """What an option of this question is called, for a caller who is asked whether he said it."""

    def asks_back(self, call: CallState) -> bool:
        """Whether the step itself asks whether an answer is right."""


def listener(step: Step) -> Listening | None:
    """The step as one that listens; None where it does not."""
    return cast(Listening, step) if issubclass(type(step), Listening) else None


@dataclass(frozen=True, slots=True)
class Dialplan:
    """A checked dialplan. ``phrases`` are the shared sentences by key.

    ``translations`` hold, by language, what each sentence of the first language is in it. ``marks``
    say where each value was written, for messages only.
    """

    name: str
    mode: Literal["latihan", "operasional"]
    human_by_s: float
    defaults: Defaults
    start: str
    steps: Mapping[str, Step]  # the loader makes sure that OPERATOR_STEP is one of them
    places: PlaceMenu
    phrases: Mapping[str, str]
    version: str = ""
    entries: tuple[Entry, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    operators: Literal["all", "in-order", "longest-idle"] = "all"  # how they are rung
    domain: str = NO_DOMAIN  # of this centre, in the names of its emergency calls
    marks: Marks = field(default_factory=Marks, compare=False, repr=False)

    @property
    def starts(self) -> tuple[str, ...]:
        """Every step at which a call may begin."""
        return tuple(dict.fromkeys((self.start, *(entry.start for entry in self.entries))))

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers that have an entry of their own."""
        return tuple(entry.dialled for entry in self.entries if entry.dialled is not None)

    def entry(self, dialled: str, trunk: str) -> Entry:
        """Where a call begins: the first entry that fits, else ``start``."""
        for entry in self.entries:
            if entry.dialled in (None, dialled, _short(dialled)) and entry.trunk in (None, trunk):
                return entry
        return Entry(self.start)

    def translated(self, call: CallState, prompt: Prompt) -> Prompt:
        """A sentence in the caller's language; as it is where it has no translation."""
        text = self.translations.get(call.language, {}).get(prompt.text)
        if text is None or prompt.language or prompt.recording:
            return prompt
        return Prompt(text, call.language)

    def step(self, name: str) -> Step:
        if name not in self.steps:
            raise FlowError(f"there is no step {name!r}")
        return self.steps[name]

    def area(self, key: str) -> Area:
        if key not in self.places.areas:
            raise FlowError(f"there is no area {key!r}")
        return self.places.areas[key]

    def phrase(self, key: str) -> tuple[Prompt, ...]:
        """A shared sentence; nothing where it is missing, for no sentence is worth a call."""
        return (Prompt(self.phrases[key]),) if self.phrases.get(key) else ()

    def digits(self, digits: str) -> tuple[Prompt, ...]:
        """A number said digit by digit."""
        return tuple(prompt for digit in digits for prompt in self.phrase(f"digit.{digit}"))

    def incident_name(self, incident: str | None) -> tuple[Prompt, ...]:
        return self.phrase(f"incident.{incident or 'unknown'}")

    def kecamatan_name(self, location: Location | None) -> tuple[Prompt, ...]:
        """The name of the kecamatan that a location lies in; nothing where there is none."""
        name = self.places.names.get(location.kecamatan or "") if location else None
        return (Prompt(name),) if name else ()

    def place_name(self, call: CallState) -> tuple[Prompt, ...]:
        """What a responder is told. A guess is not told as a fact: then it is the area's name."""
        location = call.location
        if location is not None:
            if location.kind == "outside" and location.code is None:
                return self.phrase("place.outside")
            sure = PRESSED_CONFIDENCE if location.source == PRESSED else GUESS
            guessed = location.confidence < sure
            name = () if guessed else self.kecamatan_name(location)
            if name:
                return name
        if call.area is not None:
            return (Prompt(self.area(call.area).name),)
        return self.phrase("place.unknown")

    def known(self, call: CallState) -> tuple[Prompt, ...]:
        """What and where, as far as it is known: what a person is told before the caller."""
        incident = self.incident_name(call.incident) if call.incident else ()
        place = self.place_name(call) if call.location or call.area else ()
        return (*self.marked(call), *incident, *place, *self.elsewhere(call))

    def elsewhere(self, call: CallState) -> tuple[Prompt, ...]:
        """Where the phone is, for an operator, if the caller named another place."""
        if not call.disagrees:
            return ()
        name = self.kecamatan_name(call.learned) or self.phrase("place.outside")
        return (*self.phrase("phone_elsewhere"), *name)

    def marked(self, call: CallState) -> tuple[Prompt, ...]:
        """What whoever takes a test call is told first: nobody is to be sent out for it."""
        return self.phrase("test_call") if call.offered.test else ()


def _short(dialled: str) -> str:
    """An emergency number as one dials it here, where a carrier has put the country before it."""
    return re.sub(r"^\+?62(?=1[0-9]{2,3}$)", "", dialled)


def go(call: CallState, then: str, *actions: Action) -> Outcome:
    """Do this, then go on with another step."""
    return Outcome(call, actions, then=then)


def wait(call: CallState, *actions: Action) -> Outcome:
    """Do this; the last action is the wait."""
    return Outcome(call, actions)


def missed(call: CallState, event: Answer) -> tuple[CallState, str, int]:
    """Count an answer that chose nothing: the call, the phrase to say, how often it happened.

    No key and a wrong key are counted apart: somebody who cannot see the keypad and somebody who
    cannot press it need different words. Words that were not understood count as a wrong key. Who told
    the place at a question for something else hears that question again, and no reproach; the first
    time it costs him no try. Where nothing
    but a cry for help is listened for, words are as good as silence.
    """
    keys_only = isinstance(call.waiting, Gather) and call.waiting.vocabulary == HELP_ONLY
    if isinstance(event, SpeechHeard) and not keys_only:
        heard = event.heard
        kept = bool(heard.place) and heard.place == call.named and heard.place_confidence >= SURE
        call = changed(call, no_match=call.no_match + (0 if kept and call.news else 1))
        return call, "" if kept else "speech_unknown", call.no_match
    if isinstance(event, DigitsEntered) and event.digits:
        call = changed(call, no_match=call.no_match + 1)
        return call, "no_match", call.no_match
    call = changed(call, no_input=call.no_input + 1)
    return call, "no_input", call.no_input


def silent(event: Answer) -> bool:
    """Neither a key nor a word."""
    return not (
        isinstance(event, SpeechHeard) or (isinstance(event, DigitsEntered) and event.digits)
    )
