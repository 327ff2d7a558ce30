"""A transcript: what both sides did in a call, as text that people read and tests run.

    # A caller in Duri who presses 1 reaches the fire post of Mandau.
    dialplan: bengkalis
    caller: +6281276123456

    < Anda terhubung ke 112 Bengkalis.      said to the caller
    > 1                                     pressed by the caller; also (silent), (hangs up), and
                                            (speaks) 4s where his words are recorded
    > "ada api di duri"                     said by the caller, and understood as far as the words go
    > ?"ada api"                            the same, not surely: he is asked whether it is right
    = damkar-mandau via damkar-sip, operator    the routes in order
      because: …                            why
    * dial damkar-mandau via damkar-sip     what is tried
    ! failed                                how it ended; `! answered 40s` is a talk of 40 s,
                                            `! no_answer 20s` a phone that rang for 20 s

Other things that happen: `! joined NAME`, `! located CODE CONFIDENCE`, `! deadline`, `! queue busy`.
`! answered` without a time is a talk that goes on. `…` stands for anything within a line (in a list,
for any number of its parts), and alone for any number of lines. The head says what came with the
call, as far as it matters: `caller: NUMBER`, `dialled: NUMBER` (else 112), `trunk: NAME`,
`at: 2027-03-20T02:00+07:00`, `location: CODE CONFIDENCE`.
"""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from ivr.flow.actions import DecideRoute, Dial, Gather, Notify, Record, Say, Wait
from ivr.flow.engine import advance, begin
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
from ivr.flow.heard import understood
from ivr.flow.model import Dialplan, Turn, UnexpectedEvent
from ivr.flow.spoken import SURE, UNSURE
from routing.model import OPERATOR, Location, Route, RouteDecision

Decide = Callable[[str | None, Location | None], RouteDecision]
"""Routing, as a transcript needs it: an incident and a location give the routes."""

ANYTHING = "…"
_SILENT = "(silent)"
_HANGS_UP = "(hangs up)"
_SPEAKS = "(speaks)"
_SAYS = re.compile(r'(\??)"(.*)"')
NOT_SURELY = (SURE + UNSURE) / 2
"""The confidence of words that are heard, but not surely."""

_GIVEN = ("dialplan", "caller", "dialled", "trunk", "at", "location")
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)([+-])(\d\d):(\d\d)", re.ASCII)
_STATUSES = ("answered", "busy", "no_answer", "declined", "failed", "cancelled")


class TranscriptError(ValueError):
    """The transcript cannot be read or cannot happen. Says the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the dialogue: its number in the file, its mark, what follows."""

    number: int
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.mark} {self.text}".rstrip()


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a file promises, what is given, and the dialogue. ``at`` is the time as it is written."""

    promise: str
    dialplan: str
    caller: str | None
    location: Location | None
    lines: tuple[Line, ...]
    dialled: str | None = None
    trunk: str | None = None
    at: str | None = None


def parse(text: str) -> Transcript:
    """Read a transcript; raises ``TranscriptError``."""
    promise: list[str] = []
    given: dict[str, str] = {}
    lines: list[Line] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line:
            continue
        head, _, rest = line.partition(": ")
        if line == ANYTHING or line[0] in "<>=*!":
            lines.append(Line(number, line[0], line[1:].strip()))
        elif lines and head == "because":
            lines.append(Line(number, "  because:", rest.strip()))
        elif line.startswith("#") and not given and not lines:
            promise.append(line.lstrip("# "))
        elif head in _GIVEN and not lines:
            given[head] = rest.strip()
        else:
            raise TranscriptError(f"line {number}: what is {line!r}?")
    if not promise:
        raise TranscriptError("line 1: a transcript begins with the sentence that it promises")
    if "at" in given:
        seconds(given["at"])
    return Transcript(
        promise=" ".join(promise),
        dialplan=given.get("dialplan", ""),
        caller=given.get("caller"),
        location=_location(given["location"].split()) if "location" in given else None,
        lines=tuple(lines),
        dialled=given.get("dialled"),
        trunk=given.get("trunk"),
        at=given.get("at"),
    )


def to_text(transcript: Transcript) -> str:
    """A transcript as it is written in a file."""
    head = [f"# {transcript.promise}", f"dialplan: {transcript.dialplan}"]
    given = {
        "caller": transcript.caller,
        "dialled": transcript.dialled,
        "trunk": transcript.trunk,
        "at": transcript.at,
        "location": _located(transcript.location) if transcript.location else None,
    }
    head += [f"{name}: {value}" for name, value in given.items() if value is not None]
    return "\n".join([*head, "", *(str(line) for line in transcript.lines), ""])


def seconds(at: str) -> float:
    """A moment, written as 2027-03-20T02:00+07:00, in seconds since the epoch."""
    found = _MOMENT.fullmatch(at)
    if found is None:
        raise TranscriptError(f"{at!r} is no moment like 2027-03-20T02:00+07:00")
    year, month, day, hour, minute = map(int, found.groups()[:5])
    if not (1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        raise TranscriptError(f"{at!r} is no day of the calendar")
    east = (int(found[7]) * 60 + int(found[8])) * (60 if found[6] == "+" else -60)
    return float(calendar.timegm((year, month, day, hour, minute, 0)) - east)


def run(transcript: Transcript, dialplan: Dialplan, decide: Decide) -> list[str]:
    """Do what the caller and the world do in a transcript; the lines of the whole call."""
    offered = CallOffered(
        call_id="transcript",
        at=seconds(transcript.at) if transcript.at else 0.0,
        caller=transcript.caller,
        dialled=transcript.dialled or "112",
        trunk=transcript.trunk or "transcript",
        case_number="transcript",
        dialplan_version=dialplan.version,
        location=transcript.location,
    )
    turn = begin(dialplan, offered)
    lines = said(turn)
    turn = _decided(dialplan, turn, decide, lines)
    for line in (line for line in transcript.lines if line.mark in (">", "!")):
        lines.append(str(line))
        if line.mark == "!" and line.text == "answered":
            continue  # they talk; what follows is the end of it
        event = event_of(line, turn)
        before = turn.state.waiting
        try:
            turn = advance(dialplan, turn.state, event)
        except UnexpectedEvent as error:
            raise TranscriptError(f"line {line.number}: {line}: {error}") from error
        lines += said_after(event, before, turn)
        turn = _decided(dialplan, turn, decide, lines)
    return lines


def tell(dialplan: Dialplan, events: Iterable[Event]) -> list[str]:
    """The lines of a call that happened, from its events."""
    turn: Turn | None = None
    lines: list[str] = []
    for event in events:
        before = turn.state.waiting if turn is not None else None
        if turn is None and isinstance(event, CallOffered):
            turn = begin(dialplan, event)
        elif turn is not None:
            turn = advance(dialplan, turn.state, event)
        else:
            raise UnexpectedEvent(f"{type(event).__name__} before the call was offered")
        lines += [*happened(event), *said_after(event, before, turn)]
    return lines


def said_after(event: Event, before: Wait | None, turn: Turn) -> list[str]:
    """What the turn after an event says: nothing where something was learned, and what waited before
    goes on as it was."""
    goes_on = isinstance(event, LocationLearned) and turn.state.waiting == before
    return [] if goes_on else said(turn)


def said(turn: Turn) -> list[str]:
    """What a turn says and tries."""
    lines: list[str] = []
    for action in turn.actions:
        match action:
            case Say(prompts) | Gather(prompts=prompts) | Record(prompts=prompts):
                lines += [f"< {prompt.text}" for prompt in prompts]
            case Notify(agencies):
                lines.append(f"* notify {', '.join(agencies)}")
            case Dial(routes=(first, *others)):
                together = (first, *takewhile(lambda route: route.together, others))
                lines.append(f"* dial {' + '.join(_route(route) for route in together)}")
    return lines


def happened(event: Event) -> list[str]:
    """An event as lines; nothing for the offer, which stands in the head."""
    match event:
        case CallOffered():
            return []
        case DigitsEntered(digits):
            return [f"> {digits}"]
        case NoInput():
            return [f"> {_SILENT}"]
        case SpeechHeard(heard):
            unsure = UNSURE <= max(heard.confidence, heard.place_confidence) < SURE
            return [f'> {"?" if unsure else ""}"{" ".join(heard.text.split())}"']
        case CallerHungUp():
            return [f"> {_HANGS_UP}"]
        case Recorded(_, seconds):
            return [f"> {_SPEAKS} {seconds:g}s"]
        case QueueSeen(state):
            return [f"! queue {state}"]
        case RouteDecided(routes, because):
            reasons = [f"  because: {reason.text}" for reason in because]
            return [f"= {', '.join(_route(route) for route in routes)}", *reasons]
        case DialEnded(status="answered", talk_s=talk_s):
            return [f"! answered {talk_s:g}s"]
        case DialEnded(status=status, rung_s=rung_s):
            return [f"! {status} {rung_s:g}s" if rung_s else f"! {status}"]
        case HumanJoined(who):
            return [f"! joined {who}".rstrip()]
        case DeadlinePassed(what):
            return [f"! deadline {what}".rstrip()]
        case LocationLearned(location):
            return [f"! located {_located(location)}"]


def differences(transcript: Transcript, lines: Sequence[str]) -> list[str]:
    """Where a call went another way than its transcript: nothing, or a comparison to read."""
    expected = [str(line) for line in transcript.lines]
    pattern = "".join(_pattern(line) for line in expected)
    if re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)):
        return []
    return list(difflib.unified_diff(expected, list(lines), "written", "happened", lineterm=""))


def _pattern(line: str) -> str:
    if line.strip() == ANYTHING:
        return r"(?:[^\n]*\n)*?"
    parts = re.split(f"({ANYTHING}, |{ANYTHING})", line)
    known = {f"{ANYTHING}, ": r"(?:[^\n]*, )?", ANYTHING: r"[^\n]*"}
    return "".join(known.get(part, re.escape(part)) for part in parts) + r"\n"


def _decided(dialplan: Dialplan, turn: Turn, decide: Decide, lines: list[str]) -> Turn:
    wait = turn.state.waiting
    if not isinstance(wait, DecideRoute):
        return turn
    decision = decide(wait.incident, turn.state.location)
    event = RouteDecided(decision.routes, decision.because, decision.notify)
    turn = advance(dialplan, turn.state, event)
    lines += [*happened(event), *said(turn)]
    return turn


def event_of(line: Line, turn: Turn) -> Event:
    """What a `>` or `!` line says that happened; raises ``TranscriptError``."""
    word, *rest = line.text.split() or [""]
    if line.mark == ">":
        if line.text == _HANGS_UP:
            return CallerHungUp()
        if says := _SAYS.fullmatch(line.text):
            return _spoken(line, turn, says[2], NOT_SURELY if says[1] else 1.0)
        if word == _SPEAKS:
            seconds = _number(line, rest[0].removesuffix("s")) if rest else 0.0
            return Recorded(turn.state.step, seconds)
        return NoInput() if line.text == _SILENT else DigitsEntered(line.text)
    wait = turn.state.waiting
    if word in _STATUSES:
        if not isinstance(wait, Dial):
            raise TranscriptError(f"line {line.number}: nobody was dialled here")
        lasted = _number(line, rest[0].removesuffix("s")) if rest else 0.0
        first = wait.routes[0]
        if word == "answered":
            return DialEnded(first.agency, first.trunk, word, talk_s=lasted)
        return DialEnded(first.agency, first.trunk, word, rung_s=lasted)
    match word:
        case "queue":
            return QueueSeen(" ".join(rest))
        case "joined":
            return HumanJoined(" ".join(rest))
        case "deadline":
            return DeadlinePassed(" ".join(rest))
        case "located":
            return LocationLearned(_location(rest))
    raise TranscriptError(f"line {line.number}: what is {str(line)!r}?")


def _spoken(line: Line, turn: Turn, text: str, confidence: float) -> SpeechHeard:
    wait = turn.state.waiting
    if not isinstance(wait, Gather) or wait.vocabulary is None:
        raise TranscriptError(f"line {line.number}: {line}: nobody listens here")
    return SpeechHeard(understood(wait.vocabulary, text, confidence))


def _number(line: Line, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise TranscriptError(f"line {line.number}: {text!r} is no number of seconds") from error


def _location(words: Sequence[str]) -> Location:
    try:
        code, confidence = words
        return Location("transcript", code=code, confidence=float(confidence))
    except ValueError as error:
        raise TranscriptError("a location is written as: CODE CONFIDENCE") from error


def _located(location: Location) -> str:
    return f"{location.code or '-'} {location.confidence:g}"


def _route(route: Route) -> str:
    return route.agency if route.agency == OPERATOR else f"{route.agency} via {route.trunk}"
