"""``explain``: the route for an incident at a place, by the same function that live calls use."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from ivr.calls.published import Published
from ivr.location.placed import Told, placed
from routing.decide import decide
from routing.hours import DAYS
from routing.model import KECAMATAN, SERVICES, Circumstances, Directory, Location, RouteDecision
from routing.wording import suggestion

_A_MONDAY = datetime(1, 1, 1)
"""Of a year that no calendar has holidays of: any such day of the week is no certain date."""

_DAY_AND_TIME = re.compile(r"([a-z]+) +([0-9]{1,2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Explained:
    """The decision, and in a sentence how the place and the time were understood."""

    decision: RouteDecision
    understood: str


def explained(
    published: Published, incident: str, at: str | None, place: str | None, when: str | None = None
) -> Explained:
    """Decide; raises ValueError with a sentence where the question itself is wrong."""
    if incident not in SERVICES:
        raise ValueError(f"Kejadian {incident!r} tidak dikenal. Pilih: {', '.join(SERVICES)}.")
    if (at is None) == (place is None):
        raise ValueError("Sebut salah satu: --at LINTANG,BUJUR[,RADIUS] atau --place KODE.")
    directory = published.directory
    calendar = published.dialplan.calendar
    local = moment(when, calendar.local(0.0).tzinfo) if when is not None else None
    if place is not None:
        _known(directory, place)
        location = Location("operator", code=place, confidence=1.0)
    else:
        lat, lon, radius = position(at or "")
        location = placed(Told("operator"), published.geography, lat, lon, radius or None)
    approximate = published.geography.approximate
    where = _where(directory, location, approximate=approximate)
    holiday = local is not None and calendar.is_holiday(local)
    time = "Jam buka tidak dinilai; tambahkan --when"
    if local is not None:
        time = f"{DAYS[local.weekday()].capitalize()} {local:%H:%M} {calendar.zone}"
    if holiday:
        time += ", hari libur"
    understood = f"{where[:1].upper()}{where[1:]}. {time}."
    circumstances = Circumstances(at=local, holiday=holiday, approximate=approximate)
    return Explained(decide(directory, incident, location, circumstances), understood)


def _where(directory: Directory, location: Location, *, approximate: bool) -> str:
    """How the place lies to what is known of the deployment."""
    name = _called(directory, location.code)
    neighbour = directory.neighbours.get(location.neighbour or "")
    said = {
        "inside": f"di dalam batas {name}",
        "snapped": f"di luar semua batas, paling dekat {name}",
        "sea": f"di laut, paling dekat {name}",
        "outside": "di luar wilayah" + (f", di atau dekat {neighbour.name}" if neighbour else ""),
    }.get(location.kind, f"di {name}")
    if len(location.candidates) > 1:
        shares = (f"{one.share:.0%} {_called(directory, one.code)}" for one in location.candidates)
        said += f"; lingkarannya {', '.join(shares)}"
    return f"{said}, menurut batas perkiraan" if location.kind and approximate else said


def _called(directory: Directory, code: str | None) -> str:
    place = directory.places.get((code or "")[:KECAMATAN])
    if place is None:
        return "tempat yang tidak diketahui"
    desa = place.desa.get(code or "")
    return f"{place.name} ({code})" if desa is None else f"{desa.name}, {place.name} ({code})"


def _known(directory: Directory, code: str) -> None:
    """Raises ValueError where there is no kecamatan or desa of this code."""
    kecamatan = directory.places.get(code[:KECAMATAN])
    if code in directory.places or (kecamatan is not None and code in kecamatan.desa):
        return
    if kecamatan is not None:
        meant = suggestion(code, kecamatan.desa)
        raise ValueError(f"Kode desa {code!r} tidak dikenal di {kecamatan.name}.{meant}")
    known = ", ".join(f"{p.code} {p.name}" for p in directory.places.values())
    raise ValueError(f"Kode kecamatan {code!r} tidak dikenal. Pilih: {known}.")


def moment(text: str, zone: tzinfo | None) -> datetime:
    """``2026-11-24 22:00``, or ``Senin 22:00`` for any such day, in the time of the deployment; raises
    ValueError with a sentence."""
    found = _DAY_AND_TIME.fullmatch(text.strip().lower())
    try:
        if found is None:
            return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M").replace(tzinfo=zone)
        day = _A_MONDAY + timedelta(days=DAYS.index(found[1]))
        return day.replace(hour=int(found[2]), minute=int(found[3]), tzinfo=zone)
    except ValueError:
        raise ValueError(
            f'Saat {text!r} tidak dapat dibaca. Tulis misalnya "2026-11-24 22:00" atau "Senin 22:00".'
        ) from None


def position(text: str) -> tuple[float, float, float]:
    """``LAT,LON[,RADIUS]`` in degrees and metres; raises ValueError with a sentence."""
    parts = text.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    radius = numbers[2] if len(numbers) == 3 else 0.0
    if (
        len(numbers) not in (2, 3)
        or not all(map(math.isfinite, numbers))
        or not (-90 <= numbers[0] <= 90 and -180 <= numbers[1] <= 180 and radius >= 0)
    ):
        raise ValueError(
            f"Posisi {text!r} tidak dapat dibaca. Tulis LINTANG,BUJUR[,RADIUS], misalnya 1.2856,101.197,50."
        )
    return numbers[0], numbers[1], radius
