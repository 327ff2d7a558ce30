"""Every location of every call, from whichever source, on its way to the dialogue, the record and people.

A call's sources are asked once, when it is offered; what they and the world outside tell later comes
through ``arrived``. A dialogue that is under way takes a location itself; otherwise it goes on record
at once, and is shown to whoever has the caller or is being rung for him.

When controllers change, the dialogues of the old one go on in it, and both hear of whatever arrives. A
call that this process has never held may be in such a dialogue: what arrives for it is kept back until
the call comes here, or until the old dialogue must have taken it and written it down.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

import structlog

from ivr.calls.inbox import Inboxes
from ivr.flow.events import Event, LocationLearned
from ivr.location.arrivals import Arrivals
from ivr.location.arrivals import location as of_arrival
from ivr.location.source import Asked, LocationSource
from ivr.location.sources import ask
from ivr.location.spool import Arrival
from routing.best import is_useful
from routing.geography import Geography
from routing.model import Location

KEPT_BACK_S = 20.0
"""A dialogue looks into its box between two commands: the longest prompt and the longest wait."""

MOST_HELD = 5_000
"""So many calls are remembered as having been held here."""

log = structlog.get_logger(__name__)


class Whereabouts:
    """For one event loop.

    ``record`` writes an event of a call down, ``on_record`` tells all that was; ``is_over`` tells whether
    a call has ended, and ``forget`` drops what the record keeps of it in memory. ``show`` lets people see
    a location, and may take its time. ``geography`` is the map of the current version.
    """

    def __init__(
        self,
        sources: Sequence[LocationSource],
        arrivals: Arrivals,
        *,
        record: Callable[[str, LocationLearned], None],
        on_record: Callable[[str], Awaitable[Sequence[Event]]],
        is_over: Callable[[str], bool],
        forget: Callable[[str], None],
        show: Callable[[str, Location], Awaitable[object]],
        geography: Callable[[], Geography],
    ) -> None:
        self.inboxes = Inboxes()
        self.superseded = False
        """Once another controller has taken over: what arrives is its to record."""
        self._sources = sources
        self._arrivals = arrivals
        self._record = record
        self._on_record = on_record
        self._is_over = is_over
        self._forget = forget
        self._show = show
        self._geography = geography
        self._held: OrderedDict[str, None] = OrderedDict()
        self._kept_back: dict[str, list[Location]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def of_call(self, asked: Asked) -> Sequence[Location]:
        """What the sources know at once of a call that is being offered; the rest arrives."""
        self._hold(asked.call_id)
        self._arrivals.offered(asked.call_id, asked.caller, asked.at)
        return await ask(self._sources, asked, lambda it: self.arrived(asked.call_id, it))

    def again(self, call_id: str, caller: str | None, at: float, known: Sequence[Event]) -> None:
        """A call goes on here that another controller may have begun: what came for it meanwhile, and
        is not among the events that are ``known`` of it, arrives now."""
        self._hold(call_id)
        for location in self._kept_back.pop(call_id, ()):
            if not _is_among(location, known):
                self.arrived(call_id, location)
        if not self._arrivals.knows(call_id):
            self.known(call_id, caller, at)

    def known(self, call_id: str, caller: str | None, at: float) -> None:
        """A call of the last while, from its record; what was reported for its number goes to it."""
        self._arrivals.offered(call_id, caller, at)
        for arrival in self._arrivals.before(call_id):
            self.brought(call_id, arrival)

    def brought(self, call_id: str, arrival: Arrival) -> None:
        """The spool brought something for this call."""
        offered_at = self._arrivals.offered_at(call_id)
        self.arrived(call_id, of_arrival(arrival, self._geography(), offered_at))

    def arrived(self, call_id: str, location: Location) -> None:
        """A location for a call, in whichever state that is."""
        if self.inboxes.put(call_id, location) or self.superseded:
            return
        if call_id in self._held or self._is_over(call_id):
            self._written(call_id, location)
            return
        self._kept_back.setdefault(call_id, []).append(location)
        self._do(self._after_the_old_dialogue(call_id, location))

    def _hold(self, call_id: str) -> None:
        self._held[call_id] = None
        while len(self._held) > MOST_HELD:
            self._held.popitem(last=False)

    def _written(self, call_id: str, location: Location) -> None:
        self._record(call_id, LocationLearned(location))
        if self._is_over(call_id):
            self._forget(call_id)
        elif is_useful(location):
            self._do(self._show(call_id, location))

    async def _after_the_old_dialogue(self, call_id: str, location: Location) -> None:
        await asyncio.sleep(KEPT_BACK_S)
        kept = self._kept_back.get(call_id, [])
        if location not in kept:
            return  # the call has come here
        kept.remove(location)
        if not kept:
            del self._kept_back[call_id]
        if not _is_among(location, await self._on_record(call_id)):
            self._written(call_id, location)

    def _do(self, work: Awaitable[object]) -> None:
        task = asyncio.create_task(self._done(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _done(self, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception:  # a display or one record is not worth more than a line in the log
            log.exception("location_not_told")


def _is_among(location: Location, events: Sequence[Event]) -> bool:
    """Whether it is on record already: a source tells one thing at one moment."""
    learned = (event.location for event in events if isinstance(event, LocationLearned))
    told = (location.source, location.received_at)
    return any((one.source, one.received_at) == told for one in learned)
