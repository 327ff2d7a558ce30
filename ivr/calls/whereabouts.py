"""Every location of every call, from whichever source, on its way to the dialogue, the record and people.

A call's sources are asked once, when it is offered; what they and the world outside tell later comes
through ``arrived``. A dialogue that is under way takes a location itself; otherwise it goes on record
at once, and is shown to whoever has the caller or is being rung for him.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from ivr.calls.inbox import Inboxes
from ivr.flow.events import LocationLearned
from ivr.location.arrivals import Arrivals
from ivr.location.arrivals import location as of_arrival
from ivr.location.source import Asked, LocationSource
from ivr.location.sources import ask
from ivr.location.spool import Arrival
from routing.best import is_useful
from routing.geography import Geography
from routing.model import Location

log = structlog.get_logger(__name__)


class Whereabouts:
    """For one event loop.

    ``record`` writes an event of a call down; ``is_over`` tells whether a call has ended; ``show`` lets
    people see a location, and may take its time. ``geography`` is the map of the current version.
    """

    def __init__(
        self,
        sources: Sequence[LocationSource],
        arrivals: Arrivals,
        *,
        record: Callable[[str, LocationLearned], None],
        is_over: Callable[[str], bool],
        show: Callable[[str, Location], Awaitable[object]],
        geography: Callable[[], Geography],
    ) -> None:
        self.inboxes = Inboxes()
        self.superseded = False
        """Once another controller has taken over: what arrives is its to record."""
        self._sources = sources
        self._arrivals = arrivals
        self._record = record
        self._is_over = is_over
        self._show = show
        self._geography = geography
        self._showing: set[asyncio.Task[None]] = set()

    async def of_call(self, asked: Asked) -> Sequence[Location]:
        """What the sources know at once of a call that is being offered; the rest arrives."""
        self._arrivals.offered(asked.call_id, asked.caller, asked.at)
        return await ask(self._sources, asked, lambda it: self.arrived(asked.call_id, it))

    def again(self, call_id: str, caller: str | None, at: float) -> None:
        """A call that another controller began goes on here: what came for it meanwhile arrives now."""
        if self._arrivals.knows(call_id):
            return
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
        self._record(call_id, LocationLearned(location))
        if is_useful(location) and not self._is_over(call_id):
            task = asyncio.create_task(self._shown(call_id, location))
            self._showing.add(task)
            task.add_done_callback(self._showing.discard)

    async def _shown(self, call_id: str, location: Location) -> None:
        try:
            await self._show(call_id, location)
        except Exception:  # it is on record; a display is not worth more
            log.exception("place_not_shown")
