"""calendar.yaml: the hours of schedules, holidays, and overrides that expire.

    zone: WIB                           # WIB | WITA | WIT; WIB unless written
    hours:
      kantor: {senin-jumat: "08:00-16:00", sabtu: ["08:00-11:00", "12:00-14:00"]}
      malam: {setiap hari: "20:00-06:00"}
    holidays:
      2027-03-20: Idul Fitri
    override:
      kantor: {as: closed, until: "2027-03-25 08:00"}

A deployment without schedules needs no such file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from ivr.flow.calendar import DAY_MINUTES, DAYS, ZONES, Calendar, Hours, Opening, Override
from ivr.flow.written import Sentence, StepName, Written

EVERY_DAY = "setiap hari"

_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2}) *- *([0-9]{1,2}):([0-9]{2})", re.ASCII)
_UNTIL = "%Y-%m-%d %H:%M"


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


def _date(value: str) -> str:
    try:
        well = (
            date.fromisoformat(value).isoformat() == value
        )  # 20270320 would be a second name of a day
    except ValueError:
        well = False
    if not well:
        raise PydanticCustomError(
            "date",
            "`{value}` bukan tanggal. Tulis tahun-bulan-hari, misalnya 2027-03-20.",
            {"value": value[:40]},
        )
    return value


def _until(value: str) -> str:
    try:
        datetime.strptime(value, _UNTIL)
    except ValueError:
        raise PydanticCustomError(
            "until",
            '`{value}` bukan saat. Tulis tanggal dan jam, misalnya "2027-03-25 08:00".',
            {"value": value[:40]},
        ) from None
    return value


class _Override(Written):
    opening: Opening = Field(alias="as")
    until: Annotated[str, AfterValidator(_until)]


_ONE = {"type": "string", "pattern": f"^{_HOURS.pattern}$"}
_Days = Annotated[str, AfterValidator(_days)]
_OpenHours = Annotated[
    list[Annotated[str, AfterValidator(_hours)]],
    BeforeValidator(_one_or_more),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_ONE, {"type": "array", "minItems": 1, "items": _ONE}]}),
]


class CalendarFile(Written):
    """The whole file."""

    zone: Literal["WIB", "WITA", "WIT"] = "WIB"
    hours: dict[StepName, dict[_Days, _OpenHours]] = Field(default_factory=dict)
    holidays: dict[Annotated[str, AfterValidator(_date)], Sentence] = Field(default_factory=dict)
    override: dict[StepName, _Override] = Field(default_factory=dict)


def calendar(written: CalendarFile) -> Calendar:
    """The calendar that was written."""
    zone = timezone(timedelta(hours=ZONES[written.zone]))
    return Calendar(
        zone=written.zone,
        hours={name: _of_days(days) for name, days in written.hours.items()},
        holidays={date.fromisoformat(day): name for day, name in written.holidays.items()},
        overrides={
            name: Override(
                one.opening,
                datetime.strptime(one.until, _UNTIL).replace(tzinfo=zone).timestamp(),
            )
            for name, one in written.override.items()
        },
    )


def _of_days(days: Mapping[str, list[str]]) -> tuple[Hours, ...]:
    return tuple(
        Hours(_numbers(day) or frozenset(), *_minutes(hours))
        for day, several in days.items()
        for hours in several
    )
