"""Is it open? Hours of the week, holidays, and an override that expires: one answer for one moment.

Indonesia has three zones and no summer time, so a zone is a number of hours. Dates and hours are
local; a moment is seconds since the epoch (UTC) and comes in as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Literal

from routing.hours import Hours, open_at

Opening = Literal["open", "closed", "holiday"]

ZONES = {"WIB": 7, "WITA": 8, "WIT": 9}


@dataclass(frozen=True, slots=True)
class Override:
    """What holds instead, until a moment (seconds since the epoch)."""

    opening: Opening
    until: float


@dataclass(frozen=True, slots=True)
class Calendar:
    """Hours and overrides by the name of a schedule; holidays are those of all."""

    zone: str = "WIB"
    hours: Mapping[str, tuple[Hours, ...]] = field(default_factory=dict)
    holidays: Mapping[date, str] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)

    def local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, timezone(timedelta(hours=ZONES[self.zone])))

    def is_holiday(self, local: datetime) -> bool:
        return local.date() in self.holidays

    def opening(self, name: str, at: float) -> Opening:
        """How the schedule ``name`` stands at a moment. One that does not exist is closed."""
        override = self.overrides.get(name)
        if override is not None and at < override.until:
            return override.opening
        now = self.local(at)
        if self.is_holiday(now):
            return "holiday"
        minute = now.hour * 60 + now.minute
        is_open = open_at(self.hours.get(name, ()), now.weekday(), minute)
        return "open" if is_open else "closed"
