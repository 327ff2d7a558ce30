"""Every source of locations, one line each, and how they are asked: all at once, none waited for.

A call goes on after ``WITHIN_S`` with what was found by then. What comes later is told as it comes; a
source that fails, or has said nothing by its deadline, costs itself alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from ivr.location.cells import CellTable
from ivr.location.fixed_line import FixedLine
from ivr.location.known_number import KnownNumber
from ivr.location.pani import Pani
from ivr.location.pidf import Pidf
from ivr.location.source import Asked, LocationSource
from ivr.location.trunk_default import TrunkDefault
from routing.model import Location

WITHIN_S = 0.03

log = structlog.get_logger(__name__)

_under_way: set[asyncio.Task[None]] = set()  # the loop alone would let them be collected


def sources(cells: Path) -> tuple[LocationSource, ...]:
    """All of them. ``cells`` is the file of the cell table, which need not exist."""
    return (
        Pidf(),
        Pani(CellTable(cells)),
        KnownNumber(),
        FixedLine(),
        TrunkDefault(),
    )


async def ask(
    sources: Sequence[LocationSource],
    asked: Asked,
    told: Callable[[Location], None],
    within_s: float = WITHIN_S,
) -> list[Location]:
    """What the sources found within ``within_s`` seconds, in the order it came. Never raises for a
    source. ``told`` is called in this loop for each location that comes later, also when whoever asked
    is gone by then. Every location says when it was received.
    """
    asking = _Asking(asked, told)
    tasks = [asyncio.create_task(asking.one(source), name=source.name) for source in sources]
    _under_way.update(tasks)
    for task in tasks:
        task.add_done_callback(_under_way.discard)
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
    except asyncio.CancelledError:
        asking.nobody_waits()
        raise
    return asking.found_so_far()


class _Asking:
    """One call's question: its answers are gathered first, and handed on one by one afterwards."""

    def __init__(self, asked: Asked, told: Callable[[Location], None]) -> None:
        self._asked = asked
        self._told = told
        self._found: list[Location] = []
        self._gathering = True
        self._begun = asyncio.get_running_loop().time()

    def found_so_far(self) -> list[Location]:
        self._gathering = False
        return self._found

    def nobody_waits(self) -> None:
        """The call was given up meanwhile: its record still learns where it came from."""
        for location in self.found_so_far():
            self._hand_on(location)

    async def one(self, source: LocationSource) -> None:
        try:
            async with asyncio.timeout(source.deadline_s):
                found = await source.find(self._asked)
        except TimeoutError:
            log.warning("location_source_too_late", source=source.name, after_s=source.deadline_s)
            return
        except Exception:
            log.exception("location_source_failed", source=source.name)
            return
        passed = asyncio.get_running_loop().time() - self._begun
        for location in found:
            stamped = replace(location, received_at=location.received_at or self._asked.at + passed)
            if self._gathering:
                self._found.append(stamped)
            else:
                self._hand_on(stamped)

    def _hand_on(self, location: Location) -> None:
        try:
            self._told(location)
        except Exception:
            log.exception("location_not_taken", source=location.source)
