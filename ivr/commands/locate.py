"""``calls locate``: an operator says where one call is about, while it runs or afterwards."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ivr.commands.explain import position
from ivr.config import Config, who
from ivr.location.received import kept
from ivr.location.spool import KEPT_S, Correction, Spool, arrival
from ivr.status import read as read_status
from ivr.store import reports
from routing.model import Place

LONGEST_NOTE = 300


@dataclass(frozen=True, slots=True)
class Where:
    """What was told: a place by its code and name, or a point with its radius in metres."""

    code: str | None = None
    name: str | None = None
    point: tuple[float, float, float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """The call, what was told of it, and whether an engine runs that takes it in."""

    call_id: str
    case_number: str | None
    where: Where
    running: bool


def where(places: Mapping[str, Place], place: str | None, at: str | None, note: str) -> Where:
    """What is told; raises ValueError with a sentence where it is not one place."""
    if (place is None) == (at is None):
        raise ValueError("Sebut salah satu: --place KODE atau --at LINTANG,BUJUR[,RADIUS].")
    said = kept(note, LONGEST_NOTE)
    if at is not None:
        return Where(point=position(at), note=said)
    names = {code: one.name for code, one in places.items()}
    for one in places.values():
        names |= {code: f"{desa.name}, {one.name}" for code, desa in one.desa.items()}
    if place not in names:
        known = ", ".join(f"{one.code} {one.name}" for one in places.values())
        raise ValueError(
            f"Kode {place!r} bukan kecamatan atau desa daerah ini. Kecamatan: {known}."
        )
    return Where(code=place, name=names[place], note=said)


def locate(config: Config, call: str, told: Where) -> Located | None:
    """Hand it over to the engine, for the call of that id or case number; None where there is none."""
    found = reports.show_call(config.database_url, call)
    if found is None:
        return None
    lat, lon, radius = told.point or (None, None, None)
    correction = Correction(
        call_id=found["call_id"],
        who=who(),
        code=told.code,
        lat=lat,
        lon=lon,
        radius_m=radius or None,
        note=told.note,
    )
    Spool(config.spool_dir).put(arrival(correction, time.time()))
    running = read_status(config) is not None
    return Located(found["call_id"], found["case_number"], told, running)


def to_json(done: Located) -> dict[str, Any]:
    """One object, degrees WGS 84 and metres."""
    lat, lon, radius = done.where.point or (None, None, None)
    return {
        "call_id": done.call_id,
        "case_number": done.case_number,
        "code": done.where.code,
        "lat": lat,
        "lon": lon,
        "radius_m": radius,
        "note": done.where.note,
        "running": done.running,
    }


def describe(done: Located) -> str:
    """The same for a person."""
    told = done.where
    place = f"{told.name} ({told.code})"
    if told.point is not None:
        lat, lon, radius = told.point
        place = f"{lat}, {lon}" + (f", radius {radius:g} m" if radius else "")
    lines = [f"Lokasi panggilan {done.case_number or done.call_id} menurut petugas: {place}."]
    if told.note:
        lines.append(f"Catatan: {told.note}")
    if not done.running:
        lines.append(
            "Mesin tidak berjalan. Koreksi ini dicatat bila mesin dinyalakan dalam "
            f"{KEPT_S / 60:.0f} menit; sesudah itu sampaikan lagi."
        )
    return "\n".join(lines)
