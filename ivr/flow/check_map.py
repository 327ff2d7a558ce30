"""Whether the map finds callers where they are, as far as places.yaml can tell.

A kecamatan that the map lacks is never found from a coordinate, and where a known settlement lies in
another area its callers would be sent to the wrong post. Findings are for whoever collects them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.areas_file import AREAS_FILE
from ivr.flow.check_choices import Finding
from ivr.flow.loader import PLACES_FILE
from routing.boundaries import turn
from routing.geography import Area, Geography, Located, locate
from routing.model import Directory

_SMALLEST = 2e-10
"""Twice the square degrees of a metre by a metre: what has less surface holds no caller."""

_AGAIN = "Impor ulang peta yang lengkap dengan `siaga geo import`."


def of_the_map(where: Geography, directory: Directory, *, refused: bool) -> Iterator[Finding]:
    """Kecamatan and areas that cannot be found, and settlements that are found elsewhere."""
    covered = {area.code[:8] for area in where.areas}
    for code, place in directory.places.items():
        if code not in covered:
            message = f"{place.name} tidak ada di peta, jadi tidak pernah ditemukan dari koordinat."
            path = (PLACES_FILE, "kecamatan", code)
            yield Finding(path, "not-on-map", f"{message} {_AGAIN}", refused, on_key=True)
            continue
        for number, point in enumerate(place.points):
            found = locate(where, *point)
            if found.code is None or found.code[:8] != code or found.kind == "sea":
                message = (
                    f"Menurut peta, titik {place.name} ini {_there(found, directory)}. "
                    "Perbaiki titiknya atau petanya."
                )
                yield Finding(
                    (PLACES_FILE, "kecamatan", code, "points", number),
                    "point-elsewhere",
                    message,
                    refused,
                )
    for area in (*where.areas, *where.grounds):
        if not _has_surface(area):
            message = f"Wilayah {area.name} ({area.code}) di peta tidak punya luas. {_AGAIN}"
            yield Finding((AREAS_FILE, area.code), "area-empty", message, refused)


def _there(found: Located, directory: Directory) -> str:
    if found.code is None:
        neighbour = directory.neighbours.get(found.neighbour or "")
        return f"di {neighbour.name}" if neighbour else "di luar wilayah"
    return "di laut" if found.kind == "sea" else f"di {found.name} ({found.code})"


def _has_surface(area: Area) -> bool:
    return any(polygon and abs(turn(polygon[0])) > _SMALLEST for polygon in area.polygons)
