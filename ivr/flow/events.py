"""What can happen to a call. Past tense, frozen, and the only thing that is stored of a call.

``at`` is seconds since the epoch (UTC) where an event needs the time; the core never asks a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from ivr.flow.spoken import Heard
from routing.model import Location, Reason, Route


@dataclass(frozen=True, slots=True)
class CallOffered:
    """A call arrived. The first event of every call; on disk before the first prompt is heard."""

    call_id: str
    at: float
    caller: str | None  # as received; None where the number is withheld
    dialled: str
    trunk: str
    case_number: str
    dialplan_version: str
    sip_call_id: str | None = None
    location: Location | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class DigitsEntered:
    """The caller pressed keys: the answer to a ``Gather``."""

    digits: str


@dataclass(frozen=True, slots=True)
class NoInput:
    """A ``Gather`` ended without a key."""


@dataclass(frozen=True, slots=True)
class SpeechHeard:
    """The caller spoke: an answer to a ``Gather`` that listens, whether it was understood or not."""

    heard: Heard


@dataclass(frozen=True, slots=True)
class Recorded:
    """The caller said something at the step ``name``, for so many seconds: the answer to a ``Record``."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """The answer to a ``LookAtQueue``: the operators are free, busy or unreachable."""

    state: str


@dataclass(frozen=True, slots=True)
class RouteDecided:
    """The answer to a ``DecideRoute``. The last route is always the operator."""

    routes: tuple[Route, ...]
    because: tuple[Reason, ...]
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DialEnded:
    """The answer to a ``Dial``: how the attempt at one target, or at those rung together, ended.

    ``status`` is answered, busy, no_answer, declined, failed or cancelled; ``cause`` is the
    platform's own word for it; ``talk_s`` how long the two sides talked, ``rung_s`` how long it took
    until they did or nobody came.
    """

    agency: str
    trunk: str
    status: str
    cause: str = ""
    talk_s: float = 0.0
    rung_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LocationLearned:
    """A source told where the caller is, at any time of the call."""

    location: Location


@dataclass(frozen=True, slots=True)
class HumanJoined:
    """A person has the caller, whatever the dialogue was doing."""

    who: str


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """A wait outlived its bound; the call goes to a person."""

    what: str


@dataclass(frozen=True, slots=True)
class CallerHungUp:
    """The caller is gone."""


Event = (
    CallOffered
    | DigitsEntered
    | NoInput
    | SpeechHeard
    | Recorded
    | QueueSeen
    | RouteDecided
    | DialEnded
    | LocationLearned
    | HumanJoined
    | DeadlinePassed
    | CallerHungUp
)
