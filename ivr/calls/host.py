"""What a live call needs from the rest of the house. ``app.py`` builds the one that is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from ivr.calls.published import Published
from ivr.calls.whereabouts import Whereabouts
from ivr.flow.events import Event
from ivr.platforms.asterisk.keys import Keys
from ivr.platforms.asterisk.listening import Hearing
from routing.model import Directory, Location, RouteDecision


@dataclass(frozen=True, slots=True)
class Host:
    """The services of one controller process. None of them may block the event loop.

    ``current`` is the version for a call of which nothing else is known; ``published`` finds the version
    of a call and raises where it is gone or does not come in time.
    ``commit`` resolves when an event is on disk; ``record`` only hands it over. ``decide`` answers a
    DecideRoute at once, ``queue`` a LookAtQueue. ``recordings`` is the folder for callers' words.
    ``events_of`` gives a call's events in order. ``clock`` is seconds since the epoch, ``monotonic``
    seconds of any steady clock. ``joined`` tells who took a caller whose dialogue was cut, if anybody
    did; it may take a moment. ``heard_s`` tells for how long a voice was heard, until this moment, on a
    leg that was asked to press a key. ``knows`` tells whether a call's keys are wanted; ``forget``
    drops what is kept of a call in memory after so many seconds; what is on disk stays.
    ``whereabouts`` asks and takes in where callers are. ``recognise`` has a number looked up, in its own
    time; ``decide`` counts with what is known of that call's number by then. ``hearing`` is what it takes
    to listen to one caller, or None where nobody ever does; ``join`` makes one sound of several files
    for it, or gives up in good time.
    """

    current: Callable[[], Published]
    published: Callable[[str], Awaitable[Published]]
    commit: Callable[[str, Event], Awaitable[None]]
    record: Callable[[str, Event], None]
    observe: Callable[[str, str, Mapping[str, object]], None]
    events_of: Callable[[str], Awaitable[Sequence[Event]]]
    recognise: Callable[[str, str | None], None]
    decide: Callable[[str, Directory, str | None, Location | None], RouteDecision]
    queue: Callable[[], str]
    recordings: str
    case_number: Callable[[float], str]
    joined: Callable[[str], Awaitable[str | None]]
    heard_s: Callable[[str, str, float], float]
    keys_of: Callable[[str], Keys]
    knows: Callable[[str], bool]
    forget: Callable[[str, float], None]
    whereabouts: Whereabouts
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    hearing: Callable[[], Hearing | None]
    join: Callable[[Sequence[str]], Awaitable[None]]
