"""Which kecamatan a coordinate lies in, by the nearest settlement that is known.

An approximation of our own making, and marked so: it knows settlements, not boundaries. A point
within 12 km of a settlement counts as inside its kecamatan, up to 25 km as snapped (open country,
a shore, the near sea); farther away it is outside and no kecamatan is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from routing.model import Place

INSIDE_M = 12_000.0
SNAPPED_M = 25_000.0
EARTH_M = 6_371_008.8  # mean radius, IUGG


Ring = tuple[tuple[float, float], ...]
"""A closed line of (lat, lon) in degrees WGS 84; the first point is not repeated at the end."""


@dataclass(frozen=True, slots=True)
class Area:
    """One kecamatan or desa: polygons, each an outer ring and then its holes."""

    code: str
    name: str
    polygons: tuple[tuple[Ring, ...], ...]


@dataclass(frozen=True, slots=True)
class Geography:
    """The areas of a deployment, and the points that tell its neighbours apart, made ready for looking
    up. ``approximate`` areas are nobody's official boundaries."""

    areas: tuple[Area, ...] = ()
    neighbours: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    approximate: bool = True


@dataclass(frozen=True, slots=True)
class Located:
    """The kecamatan of a coordinate, and how far the settlement is that told so (metres)."""

    code: str | None
    name: str | None
    kind: Literal["inside", "snapped", "outside"]
    distance_m: float
    approximate: bool = True


def locate(places: Mapping[str, Place], lat: float, lon: float, radius_m: float = 0.0) -> Located:
    """Locate a point in degrees WGS 84. What is no point on Earth is outside.

    ``radius_m`` widens the reach: a circle that touches a settlement's surroundings is snapped.
    """
    if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        return Located(None, None, "outside", math.inf)
    nearest = min(
        (
            (distance_m((lat, lon), point), place)
            for place in places.values()
            for point in place.points
        ),
        key=lambda found: found[0],
        default=None,
    )
    if nearest is None:
        return Located(None, None, "outside", math.inf)
    distance, place = nearest
    reach = SNAPPED_M + (radius_m if math.isfinite(radius_m) and radius_m > 0 else 0.0)
    if distance > reach:
        return Located(None, None, "outside", distance)
    kind: Literal["inside", "snapped"] = "inside" if distance <= INSIDE_M else "snapped"
    return Located(place.code, place.name, kind, distance)


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres along the great circle between two (lat, lon) in degrees."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*one, *other))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))
