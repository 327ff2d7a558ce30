"""Events as JSON and back: the form in which a call is kept, and from which it is replayed.

The names of kinds and fields are stable. A field that is not known here is left out when reading,
and one that is missing takes its default: today's code reads yesterday's calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

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
from ivr.flow.spoken import Heard, Possible
from routing.model import Candidate, Location, Reason, Route

KINDS: Mapping[str, type[Event]] = {
    "call_offered": CallOffered,
    "digits_entered": DigitsEntered,
    "no_input": NoInput,
    "recorded": Recorded,
    "speech_heard": SpeechHeard,
    "queue_seen": QueueSeen,
    "route_decided": RouteDecided,
    "dial_ended": DialEnded,
    "location_learned": LocationLearned,
    "human_joined": HumanJoined,
    "deadline_passed": DeadlinePassed,
    "caller_hung_up": CallerHungUp,
}
"""The kinds that are events of the engine. What else stands in a call's record is observation."""

_KIND_OF = {event: kind for kind, event in KINDS.items()}


class JournalError(ValueError):
    """This is no event, or not one that can be read."""


def to_json(event: Event) -> dict[str, Any]:
    """An event as plain values."""
    return {"kind": _KIND_OF[type(event)], **_plain(asdict(event))}


def from_json(written: Mapping[str, Any]) -> Event:
    """The event that was written."""
    kind = written.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise JournalError(f"no event is of the kind {kind!r}")
    try:
        event: Event = _read(KINDS[kind], written)
        return event
    except (TypeError, AttributeError) as error:
        raise JournalError(f"{kind} cannot be read: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value


_READERS: Mapping[str, Callable[[Any], object]] = {
    "location": lambda value: None if value is None else _read(Location, value),
    "routes": lambda value: tuple(_read(Route, route) for route in value),
    "because": lambda value: tuple(_read(Reason, reason) for reason in value),
    "notify": tuple,
    "heard": lambda value: _read(Heard, value),
    "alternatives": lambda value: tuple(_read(Possible, one) for one in value),
    "candidates": lambda value: tuple(_read(Candidate, candidate) for candidate in value),
}
"""The fields that hold more than one plain value."""


def _read(kind: Callable[..., Any], written: Mapping[str, Any]) -> Any:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    values = {name: value for name, value in written.items() if name in names}
    for name in values.keys() & _READERS.keys():
        values[name] = _READERS[name](values[name])
    return kind(**values)
