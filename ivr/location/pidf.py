"""The location in an INVITE's PIDF-LO, as Asterisk's res_geolocation tells it.

``GEOLOC_PROFILE(effective_location)`` gives ``shape="Circle",crs="2d",pos="1.2690 101.2040",
radius="50"``. ``pos`` is latitude, then longitude (EPSG:4326, RFC 5491). The bytes come from a
caller: what is not a place on Earth is no location.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from routing.geography import geography, locate, surroundings
from routing.model import Location, Place

LONGEST = 1024
_FIELD = re.compile(r'(\w{1,20})="([^"]{0,100})"')
_INSIDE_CONFIDENCE = 0.6
"""What the approximate areas are worth when a phone tells where it is."""


def read(text: str, places: Mapping[str, Place], method: str | None = None) -> Location | None:
    """A Point or Circle as a Location with the kecamatan it lies in; None for anything else."""
    fields = dict(_FIELD.findall(text[:LONGEST]))
    numbers = fields.get("pos", "").split()
    if fields.get("shape") not in ("Point", "Circle") or len(numbers) != 2:
        return None
    try:
        lat, lon = float(numbers[0]), float(numbers[1])
        radius = float(fields.get("radius", "0"))
    except ValueError:
        return None
    if not (all(map(math.isfinite, (lat, lon, radius))) and radius >= 0):
        return None
    if abs(lat) > 90 or abs(lon) > 180:
        return None
    found = locate(geography(surroundings(places)), lat, lon, radius)
    return Location(
        source="sip_pidf",
        code=found.code,
        lat=lat,
        lon=lon,
        radius_m=radius,
        confidence=_INSIDE_CONFIDENCE if found.code else 0.0,
        method=method,
    )
