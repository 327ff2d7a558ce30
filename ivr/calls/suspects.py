"""Which calls come from a number with a record of false reports: a warning to whoever takes them.

The record is looked up beside the call. Nothing waits for it; what is not known in time is not said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

LOOK_UP_S = 2.0

log = structlog.get_logger(__name__)


class Suspects:
    """For one event loop. ``has_record`` blocks, and is called in a thread."""

    def __init__(self, has_record: Callable[[str], bool], remembered_s: float) -> None:
        self._has_record = has_record
        self._remembered_s = remembered_s
        self._calls: set[str] = set()
        self._looking: set[asyncio.Task[None]] = set()

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._calls

    def recognise(self, call_id: str, caller: str | None) -> None:
        """Begin to look up the number of a call, if it has one."""
        if caller is not None:
            task = asyncio.create_task(self._look_up(call_id, caller))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def _look_up(self, call_id: str, caller: str) -> None:
        try:
            async with asyncio.timeout(LOOK_UP_S):
                found = await asyncio.to_thread(self._has_record, caller)
        except (
            Exception
        ) as error:  # whatever it is, it is the record's trouble and not the caller's
            log.error("number_not_looked_up", error=type(error).__name__)
            return
        if found:
            self._calls.add(call_id)
            loop = asyncio.get_running_loop()
            loop.call_later(self._remembered_s, self._calls.discard, call_id)
