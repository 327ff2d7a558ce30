"""Hours of the week, as people write them and as they are asked: is this minute of this day one of them?

    {senin-jumat: "08:00-16:00", sabtu: ["08:00-11:00", "12:00-14:00"]}

Days and minutes are local; nothing here knows a time zone or a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

DAYS = ("senin", "selasa", "rabu", "kamis", "jumat", "sabtu", "minggu")
DAY_MINUTES = 24 * 60
EVERY_DAY = "setiap hari"

_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2}) *- *([0-9]{1,2}):([0-9]{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hours:
    """From ``opens`` up to, not including, ``closes``, in minutes since midnight, on ``days`` (0 is
    Monday). Hours that close before they open go on past midnight."""

    days: frozenset[int]
    opens: int
    closes: int


def open_at(hours: Iterable[Hours], day: int, minute: int) -> bool:
    """Whether any of the hours holds the minute (since midnight) of a day of the week."""
    return any(_within(one, day, minute) for one in hours)


def _within(hours: Hours, day: int, minute: int) -> bool:
    if hours.opens < hours.closes:
        return day in hours.days and hours.opens <= minute < hours.closes
    begun_today = day in hours.days and minute >= hours.opens
    begun_yesterday = (day - 1) % 7 in hours.days and minute < hours.closes
    return begun_today or begun_yesterday


def of_days(days: Mapping[str, list[str]]) -> tuple[Hours, ...]:
    """The hours of days that are well written."""
    return tuple(
        Hours(_numbers(day) or frozenset(), *_minutes(hours))
        for day, several in days.items()
        for hours in several
    )


def _days(value: str) -> str:
    if _numbers(value) is None:
        raise PydanticCustomError(
            "days",
            "`{value}` bukan hari. Tulis misalnya senin, senin-jumat, atau {every}.",
            {"value": value[:40], "every": EVERY_DAY},
        )
    return value


def _numbers(value: str) -> frozenset[int] | None:
    """The days that a key names; 0 is Monday."""
    first, dash, last = (part.strip() for part in value.lower().partition("-"))
    if value.strip().lower() == EVERY_DAY:
        return frozenset(range(7))
    if first not in DAYS or (dash and last not in DAYS):
        return None
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return frozenset((begin + n) % 7 for n in range((end - begin) % 7 + 1))


def _hours(value: str) -> str:
    found = _HOURS.fullmatch(value.strip())
    opens, closes = _minutes(value) if found else (0, 0)
    well = found is not None and all(int(found[n]) < 60 for n in (2, 4))
    if not well or opens == closes or not (opens < DAY_MINUTES and closes <= DAY_MINUTES):
        raise PydanticCustomError(
            "hours",
            '`{value}` bukan jam buka. Tulis misalnya "08:00-16:00", atau "00:00-24:00" untuk sehari penuh.',
            {"value": value[:40]},
        )
    return value


def _minutes(value: str) -> tuple[int, int]:
    """Opens, closes: minutes since midnight, of hours that are well written."""
    opens, closes = value.split("-")
    return _minute(opens), _minute(closes)


def _minute(value: str) -> int:
    hour, minute = value.split(":")
    return int(hour) * 60 + int(minute)


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


_ONE = {"type": "string", "pattern": f"^{_HOURS.pattern}$"}
_Day = Annotated[str, AfterValidator(_days)]
_OpenHours = Annotated[
    list[Annotated[str, AfterValidator(_hours)]],
    BeforeValidator(_one_or_more),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_ONE, {"type": "array", "minItems": 1, "items": _ONE}]}),
]
OpenDays = dict[_Day, _OpenHours]
"""Hours by the days they hold on."""
