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

from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ivr.flow.calendar import ZONES, Calendar, Opening, Override
from ivr.flow.written import Sentence, StepName, Written
from routing.hours import OpenDays, of_days

_UNTIL = "%Y-%m-%d %H:%M"


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


class CalendarFile(Written):
    """The whole file."""

    zone: Literal["WIB", "WITA", "WIT"] = "WIB"
    hours: dict[StepName, OpenDays] = Field(default_factory=dict)
    holidays: dict[Annotated[str, AfterValidator(_date)], Sentence] = Field(default_factory=dict)
    override: dict[StepName, _Override] = Field(default_factory=dict)


def calendar(written: CalendarFile) -> Calendar:
    """The calendar that was written."""
    zone = timezone(timedelta(hours=ZONES[written.zone]))
    return Calendar(
        zone=written.zone,
        hours={name: of_days(days) for name, days in written.hours.items()},
        holidays={date.fromisoformat(day): name for day, name in written.holidays.items()},
        overrides={
            name: Override(
                one.opening,
                datetime.strptime(one.until, _UNTIL).replace(tzinfo=zone).timestamp(),
            )
            for name, one in written.override.items()
        },
    )
