"""The PIDF-LO that an agency's INVITE carries, as the channel variables that make Asterisk write it.

A location that came in a PIDF-LO travels on as it came, with its whole shape; Asterisk sees to that.
Any other is told as a circle or a point, or, where it has no coordinate, as the address of its area.

Every letter of a value is made or checked here: numbers are formatted from numbers, names hold letters,
digits, blanks, dots and dashes only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from routing.model import Directory, Location

METHODS = {"gps": "GPS", "wifi": "802.11", "802.11": "802.11", "cell": "Cell", "manual": "Manual"}
"""Methods by the words that sources use; the others of RFC 4119 no source of ours tells."""

OF_SOURCE = {"pani": "Cell"}
COUNTRY = "ID"
LONGEST_NAME = 60  # letters
LARGEST_RADIUS_M = 1_000_000


def geoloc_variables(location: Location | None, directory: Directory) -> list[tuple[str, str]]:
    """What to set on the caller's channel before the agency is rung, in this order.

    Nothing where the place is unknown, and nothing where it came in a PIDF-LO: that one goes on.
    """
    if location is None or location.source == "sip_pidf":
        return []
    shape = _shape(location)
    told = shape or _address(location, directory)
    if not told:
        return []
    values = [
        ("format", "GML" if shape else "civicAddress"),
        ("location_info", told),
        # Of a profile made here Asterisk writes no element around the place unless it is named.
        ("pidf_element", "device"),
        ("pidf_element_id", "caller"),
        ("method", method(location)),
        # Always, so that no confidence of a location that came in the INVITE stays behind.
        ("confidence", f'value="{_percent(location.confidence)}",pdf="unknown"'),
        ("inheritable", "true"),
    ]
    return [(f"GEOLOC_PROFILE({name})", value) for name, value in values]


def method(location: Location) -> str:
    """How the place was found, in a word of RFC 4119."""
    word = METHODS.get((location.method or "").lower())
    return word or OF_SOURCE.get(location.source, "Manual")


def exact(best: Location | None, known: Sequence[Location]) -> Location | None:
    """What is told of the place: of all that is known in the area of the best location, the one with the
    smallest circle. A caller who keys in the kecamatan that his phone lies in loses no coordinate; a desa
    that somebody named is not overruled by a point in another one.
    """
    if best is None or best.lat is not None or best.code is None:
        return best
    there = [it for it in known if it.lat is not None and _agrees(it, best, best.code)]
    return min(there, key=lambda it: math.inf if it.radius_m is None else it.radius_m, default=best)


def _agrees(point: Location, best: Location, area: str) -> bool:
    """Whether a point may stand for an area: it lies in it, or in the kecamatan around it. An operator
    has talked with the caller: his desa is not given up for the kecamatan."""
    if not point.code:
        return False
    return point.code.startswith(area) or (
        best.source != "operator" and area.startswith(point.code)
    )


def _percent(share: float) -> int:
    return round(100 * min(1.0, max(0.0, share))) if math.isfinite(share) else 0


def _shape(location: Location) -> str:
    lat, lon = location.lat, location.lon
    if lat is None or lon is None or not (abs(lat) <= 90 and abs(lon) <= 180):  # NaN is neither
        return ""
    position = f'crs=2d,pos="{lat:.6f} {lon:.6f}"'
    radius = location.radius_m
    if radius is None or not math.isfinite(radius) or radius <= 0:
        return f"shape=Point,{position}"
    return f"shape=Circle,{position},radius={min(radius, LARGEST_RADIUS_M):.0f}"


def _address(location: Location, directory: Directory) -> str:
    place = directory.places.get(location.kecamatan or "")
    if place is None:
        return ""
    desa = place.desa.get(location.code or "")
    parts = {
        "country": COUNTRY,
        "A3": _name(place.name),
        "A4": _name(desa.name) if desa else "",
        "PC": _name((desa.postcode if desa else "") or place.postcode),
        "ADDCODE": _name(desa.code if desa else place.code),
    }
    return ",".join(f'{part}="{value}"' for part, value in parts.items() if value)


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9. -]+", " ", text)[:LONGEST_NAME].strip()
