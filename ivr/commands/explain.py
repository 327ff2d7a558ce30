"""``explain``: the route for an incident at a place, by the same function that live calls use."""

from __future__ import annotations

import math

from ivr.calls.published import Published
from routing.decide import decide
from routing.geography import locate
from routing.model import SERVICES, Location, RouteDecision


def decision(
    published: Published, incident: str, at: str | None, place: str | None
) -> RouteDecision:
    """Decide; raises ValueError with a sentence where the question itself is wrong."""
    if incident not in SERVICES:
        raise ValueError(f"Kejadian {incident!r} tidak dikenal. Pilih: {', '.join(SERVICES)}.")
    if (at is None) == (place is None):
        raise ValueError("Sebut salah satu: --at LINTANG,BUJUR[,RADIUS] atau --place KODE.")
    directory = published.directory
    if place is not None:
        if place not in directory.places:
            known = ", ".join(f"{p.code} {p.name}" for p in directory.places.values())
            raise ValueError(f"Kode kecamatan {place!r} tidak dikenal. Pilih: {known}.")
        return decide(directory, incident, Location("operator", code=place, confidence=1.0))
    lat, lon, radius = position(at or "")
    found = locate(published.geography, lat, lon, radius)
    location = Location(
        "operator", code=found.code, lat=lat, lon=lon, radius_m=radius, confidence=0.6
    )
    return decide(directory, incident, location)


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
