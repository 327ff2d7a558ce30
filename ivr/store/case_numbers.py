"""Case numbers, ``112-261123-0007``: the day in Riau, and a count that begins anew at its midnight.

No number is given twice. At start the highest one of the day is looked up in the database and in the
journals that it has not got yet. Where the database does not answer, counting begins at a number made
of the time of day instead, above what the calls of a day can reach: no caller waits for a
database, and no two callers share a case.
"""

from __future__ import annotations

import fcntl
import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import structlog
from sqlalchemy import Engine, select

from ivr.store.projection import Record
from ivr.store.tables import CALLS

WIB = timezone(timedelta(hours=7), "WIB")
ANSWER_S = 2.0
UNKNOWN_FROM = 10_000

_SHARED = re.compile(r"(\d{6}) (\d{1,6})")
_NUMBER = re.compile(r"112-(\d{6})-(\d{4,6})")

log = structlog.get_logger(__name__)


class CaseNumbers:
    """Counts the calls of each day, going on from ``now`` where an earlier process stopped."""

    def __init__(
        self,
        now: float,
        journaled: Iterable[Record],
        database: Callable[[], Engine],
        shared: Path,
    ) -> None:
        self._shared = shared
        day = _day(now)
        offered = (r for r in journaled if r.kind == "call_offered")
        highest = _highest((str(r.body.get("case_number")) for r in offered), day)
        stored = _stored(day, database)
        if stored is None:
            local = _local(now)
            passed = local - local.replace(hour=0, minute=0, second=0, microsecond=0)
            highest = max(highest, UNKNOWN_FROM + int(passed.total_seconds()))
            log.error("case_numbers_unknown", going_on_from=highest)
        else:
            highest = max(highest, _highest(stored, day))
        self._highest = {day: highest}

    def next(self, at: float) -> str:
        """The next number of the day of ``at``, seconds since the epoch."""
        day = _day(at)
        self._highest[day] = self._agreed(day, self._highest.get(day, 0) + 1)
        return f"112-{day}-{self._highest[day]:04}"

    def _agreed(self, day: str, least: int) -> int:
        """A number that a controller beside this one has not given: both write it in one file.

        The file is read and written in the page cache, under a lock held for microseconds. A disk
        that refuses costs nothing as long as there is only one controller.
        """
        try:
            with self._shared.open("a+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                found = _SHARED.fullmatch(file.read(40))
                number = max(least, int(found[2]) + 1 if found and found[1] == day else 0)
                file.truncate(0)
                file.write(f"{day} {number}")
                return number
        except OSError as error:
            log.error("case_number_not_shared", error=str(error))
            return least


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(WIB)


def _day(at: float) -> str:
    return f"{_local(at):%y%m%d}"


def _highest(numbers: Iterable[str], day: str) -> int:
    found = (_NUMBER.fullmatch(number) for number in numbers)
    return max((int(match[2]) for match in found if match and match[1] == day), default=0)


def _stored(day: str, database: Callable[[], Engine]) -> list[str] | None:
    """The day's numbers in the database; None if it does not tell them in time."""
    told: list[list[str]] = []

    def ask() -> None:
        wanted = select(CALLS.c.case_number).where(CALLS.c.case_number.like(f"112-{day}-%"))
        try:
            with database().connect() as connection:
                told.append([str(number) for number in connection.scalars(wanted)])
        except Exception as error:  # whatever a database may come up with: calls need numbers
            log.error("case_numbers_unread", error=type(error).__name__)

    asking = threading.Thread(target=ask, name="case-numbers", daemon=True)
    asking.start()
    asking.join(ANSWER_S)
    return told[0] if told else None
