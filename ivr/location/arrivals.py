"""Which call a location belongs to that came from outside it: before it, during it, or after it.

A phone's report finds its call by the caller's number, from 15 minutes before the call is offered to
30 minutes after. Of several calls of one number all that still run get it, since a number can be forged;
where none does, the newest.
A correction names its call. Reports that were here before their call are told by ``Reported``, a source
of locations like others; all later ones by ``Arrivals.follow``.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import structlog

from ivr.location import aml
from ivr.location.aml import Report
from ivr.location.numbers import e164
from ivr.location.placed import Told, placed
from ivr.location.source import Asked
from ivr.location.spool import Arrival, Correction, Spool
from routing.geography import Geography
from routing.model import Location

BEFORE_S = 15 * 60.0
AFTER_S = 30 * 60.0
LOOK_S = 0.2
SAID_AGAIN_S = 60.0
"""What goes wrong at every look is not logged at every look."""

MOST_CALLS = 10_000
MOST_REPORTS = 10_000
MOST_BEFORE = 10
MOST_OF_A_CALL = 50
"""A phone that goes on and on tells a call no more than this; a person may always correct it."""

log = structlog.get_logger(__name__)


def location(arrived: Arrival, geography: Geography, offered_at: float | None) -> Location:
    """What arrived as a location of a call that came at ``offered_at`` (None: unknown).

    Its source and ``received_at`` tell it from every other of its call.
    """
    said = arrived.said
    if isinstance(said, Report):
        return aml.location(said, geography, arrived.received_at, offered_at)
    told = Told(
        source=arrived.source,
        method="manual",
        text=said.note,
        observed_at=arrived.received_at,
        received_at=arrived.received_at,
        raw=said.who,
    )
    if said.code is not None:
        return told.unplaced(said.code, 1.0, shape="admin", kind="inside")
    if said.lat is None or said.lon is None:
        return told.unplaced()
    return placed(told, geography, said.lat, said.lon, said.radius_m)


@dataclass(slots=True, eq=False)
class _Call:
    id: str
    number: str | None
    offered_at: float
    ended_at: float | None = None
    before: tuple[Arrival, ...] = ()  # what was here when it was offered
    had: set[str] = field(default_factory=set)  # ids of what it was given

    def is_near(self, at: float) -> bool:
        return self.offered_at - BEFORE_S <= at <= self.offered_at + AFTER_S


class Arrivals:
    """The calls and the reports of the last while. For one event loop; every time is epoch seconds.

    ``recorded`` is what the record of the last half hour holds already, from before this process:
    (call id, source, received at).
    """

    def __init__(self, recorded: Iterable[tuple[str, str, float]] = ()) -> None:
        self._recorded = frozenset((call, source, round(at, 3)) for call, source, at in recorded)
        self._calls: dict[str, _Call] = {}
        self._calls_of: defaultdict[str, list[_Call]] = defaultdict(list)
        self._reports: deque[tuple[str, Arrival]] = deque()
        self._reports_of: dict[str, deque[Arrival]] = {}

    def offered(self, call_id: str, caller: str | None, at: float) -> None:
        """A call came, or is known from its record.

        To be told before its sources are asked: from here on later reports go to it by ``follow``. For
        a call that is known already nothing changes.
        """
        self._forget(at)
        if call_id in self._calls:
            return
        number = e164(caller)
        call = _Call(call_id, number, at)
        if number is not None:
            here = self._reports_of.get(number, ())
            call.before = tuple(one for one in here if self._is_news(call, one))
            self._calls_of[number].append(call)
        self._calls[call_id] = call

    def ended(self, call_id: str, at: float) -> None:
        """A call is over; it may still be told where it was."""
        call = self._calls.get(call_id)
        if call is not None and call.ended_at is None:
            call.ended_at = at

    def knows(self, call_id: str) -> bool:
        """Whether this call was offered, or is known from its record."""
        return call_id in self._calls

    def offered_at(self, call_id: str) -> float | None:
        """When this call came; None for one that was not offered, or long ago."""
        call = self._calls.get(call_id)
        return call.offered_at if call is not None else None

    def before(self, call_id: str) -> Sequence[Arrival]:
        """What was here already when that call was offered, oldest first."""
        call = self._calls.get(call_id)
        return call.before if call is not None else ()

    def take(self, arrived: Arrival) -> tuple[str, ...]:
        """Keep what arrived; the calls it goes to now, of those that have not had it."""
        said = arrived.said
        if isinstance(said, Correction):
            named = self._calls.get(said.call_id) or _Call(said.call_id, None, arrived.received_at)
            return (named.id,) if self._is_news(named, arrived) else ()
        if said.number is None:
            log.info("location_of_nobody", kind=said.kind)
            return ()
        self._forget(arrived.received_at)
        self._keep(said.number, arrived)
        calls = self._calls_of.get(said.number, ())
        fitting = [call for call in calls if call.is_near(arrived.received_at)]
        if not fitting:
            log.info("location_waits_for_its_call", kind=said.kind, pii_number=said.number)
            return ()
        running = [call for call in fitting if call.ended_at is None]
        newest = max(fitting, key=lambda one: one.offered_at)
        return tuple(call.id for call in running or [newest] if self._is_news(call, arrived))

    async def follow(
        self,
        spool: Spool,
        on_arrival: Callable[[str, Arrival], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Until cancelled, tell of everything that arrives for a call, once for each call it is for.
        Outlives the failures of both."""
        told_at = -math.inf
        while True:
            now = clock()
            try:
                fresh = await asyncio.to_thread(spool.fresh, now)
            except Exception as error:
                fresh = []
                if abs(now - told_at) >= SAID_AGAIN_S:  # a clock may be set back, too
                    told_at = now
                    unknown = not isinstance(error, OSError)
                    log.error("spool_unreadable", error=str(error), exc_info=unknown)
            for arrived in fresh:
                await asyncio.sleep(0)  # a crowd of them stops no call
                self._tell(arrived, on_arrival)
            await asyncio.sleep(LOOK_S)

    def _tell(self, arrived: Arrival, on_arrival: Callable[[str, Arrival], None]) -> None:
        """To each call it is for. One that cannot be told must not keep back the next."""
        try:
            calls = self.take(arrived)
        except Exception:
            log.exception("location_not_told")
            return
        for call_id in calls:
            log.info("location_arrived", call_id=call_id)
            try:
                on_arrival(call_id, arrived)
            except Exception:
                log.exception("location_not_told", call_id=call_id)

    def _is_news(self, call: _Call, arrived: Arrival) -> bool:
        """Whether this call may have it and has not had it; from now on it has."""
        at = arrived.received_at
        if arrived.id in call.had or (call.id, arrived.source, round(at, 3)) in self._recorded:
            return False
        if isinstance(arrived.said, Report) and (
            not call.is_near(at) or len(call.had) >= MOST_OF_A_CALL
        ):
            return False
        call.had.add(arrived.id)
        return True

    def _keep(self, number: str, arrived: Arrival) -> None:
        self._reports.append((number, arrived))
        self._reports_of.setdefault(number, deque(maxlen=MOST_BEFORE)).append(arrived)

    def _forget(self, now: float) -> None:
        """Let go of what is too old, or too much."""
        while self._reports and (
            len(self._reports) > MOST_REPORTS or self._reports[0][1].received_at < now - BEFORE_S
        ):
            number, oldest = self._reports.popleft()
            kept = self._reports_of[number]
            if kept and kept[0] is oldest:
                kept.popleft()
            if not kept:
                del self._reports_of[number]
        while self._calls:
            first = next(iter(self._calls.values()))
            if len(self._calls) < MOST_CALLS and first.offered_at >= now - AFTER_S:
                break
            self._drop(first.id)

    def _drop(self, call_id: str) -> None:
        call = self._calls.pop(call_id, None)
        if call is not None and call.number is not None:
            self._calls_of[call.number].remove(call)
            if not self._calls_of[call.number]:
                del self._calls_of[call.number]


class Reported:
    """The source for what phones reported before their call was offered. Memory alone, never waits."""

    deadline_s = 0.1

    def __init__(self, name: Literal["aml_https", "aml_sms"], arrivals: Arrivals) -> None:
        self.name = name
        self._arrivals = arrivals

    async def find(self, asked: Asked) -> Sequence[Location]:
        """The reports of this kind, oldest first; nothing for a call that was not offered."""
        return [
            location(one, asked.geography, asked.at)
            for one in self._arrivals.before(asked.call_id)
            if one.source == self.name
        ]
