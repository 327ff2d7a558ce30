"""Which kecamatan a coordinate, or the shape around it, lies in.

Areas are those that the deployment gives. A point in none of them belongs to the nearest while it is
close by: a shore is never drawn to the metre. Beyond that it is at sea, as far as the territorial sea
goes, or outside: on the land of a neighbour, or simply far away. No number makes this raise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from routing.boundaries import (
    DEGREE_M,
    EARTH_M,
    Boundaries,
    Ring,
    Spans,
    boundaries,
    outline,
)
from routing.model import KECAMATAN, Candidate, Place

__all__ = [
    "Area",
    "Geography",
    "Located",
    "Ring",
    "distance_m",
    "geography",
    "locate",
    "locate_ring",
    "surroundings",
]

SNAP_M = 2_000.0
SEA_M = 22_224.0
"""Twelve nautical miles."""

NEIGHBOUR_M = 60_000.0
"""Farther away than this from every neighbour, nobody is named."""

AROUND_M = 12_000.0
"""So far the surroundings of a settlement reach, where nothing better is known."""

EDGE_M = 6_000.0
"""So far from our areas a map that is only approximate may take our own land for a neighbour's."""

EDGE_SHARE = 0.2
"""What our nearest kecamatan then gets of a point outside (0 to 1)."""

_CORNERS = 24


@dataclass(frozen=True, slots=True)
class Area:
    """One kecamatan or desa: polygons, each an outer ring and then its holes.

    The area of a ``neighbour`` has that neighbour's id as its code.
    """

    code: str
    name: str
    polygons: tuple[tuple[Ring, ...], ...]
    neighbour: bool = False


@dataclass(frozen=True, slots=True)
class Geography:
    """The areas of a deployment, and what tells its neighbours apart, made ready for looking up.

    Build it with ``geography``. ``approximate`` areas are nobody's official boundaries; ``neighbours``
    are points (lat, lon) by the neighbour's id.
    """

    areas: tuple[Area, ...] = ()
    grounds: tuple[Area, ...] = ()  # the land of neighbours
    neighbours: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    approximate: bool = True
    snap_m: float = SNAP_M
    sea_m: float = SEA_M
    ours: Boundaries = field(default=Boundaries(), repr=False)
    theirs: Boundaries = field(default=Boundaries(), repr=False)


@dataclass(frozen=True, slots=True)
class Located:
    """Where a point, or the middle of a shape, lies, and how a shape is spread over our areas.

    ``kind``: in an area; snapped to one close by; at sea, with the nearest area's code, which is worth
    little; or outside, without a code and with the ``neighbour`` it lies in or nearest to. ``distance_m``
    are metres to the area of ``code`` (0 inside), or to the nearest of ours. ``candidates`` are the areas
    that hold a part of the shape, the largest share first: ``code`` is the first of them, except outside.
    They are empty where no part lies in any area; but outside, and close to us on an approximate map,
    our nearest kecamatan is one of them.
    """

    code: str | None
    name: str | None
    kind: Literal["inside", "snapped", "sea", "outside"]
    distance_m: float
    candidates: tuple[Candidate, ...] = ()
    neighbour: str | None = None
    approximate: bool = True


def geography(
    areas: Iterable[Area],
    neighbours: Mapping[str, tuple[tuple[float, float], ...]] | None = None,
    *,
    approximate: bool = True,
    snap_m: float = SNAP_M,
    sea_m: float = SEA_M,
) -> Geography:
    """Make areas ready for looking up. Where they overlap, the more precise code holds a point (a desa
    before its kecamatan), then the lower one."""
    ordered = sorted(areas, key=lambda area: (-len(area.code), area.code))
    ours = tuple(area for area in ordered if not area.neighbour)
    grounds = tuple(area for area in ordered if area.neighbour)
    return Geography(
        ours,
        grounds,
        dict(neighbours or {}),
        approximate,
        snap_m,
        sea_m,
        _boundaries(ours),
        _boundaries(grounds),
    )


def locate(where: Geography, lat: float, lon: float, radius_m: float = 0.0) -> Located:
    """Locate a point in degrees WGS 84, or a circle around it. What is no point on Earth is outside;
    a radius that is no number of metres is none."""
    found = _point(where, lat, lon)
    if not (where.areas and 0 < radius_m < math.inf) or math.isinf(found.distance_m):
        return found
    if found.kind == "inside" and where.ours.nearest(lat, lon)[0] > radius_m:
        return found
    reach = min(radius_m / DEGREE_M, 180.0)
    narrow = max(math.cos(math.radians(lat)), 0.01)

    def circle(at: float) -> tuple[float, ...]:
        half = math.sqrt(max(0.0, reach * reach - (at - lat) ** 2)) / narrow
        return lon - half, lon + half

    return _spread(where, found, lat - reach, lat + reach, circle)


def locate_ring(where: Geography, ring: Ring) -> Located:
    """Locate a polygon of (lat, lon) in degrees; ``kind`` is that of its middle. A ring with a corner
    that is no point on Earth is outside; one without any surface is its middle point."""
    if not ring or not all(_on_earth(lat, lon) for lat, lon in ring):
        return _nowhere(where)
    lat, lon = _middle(ring)
    found = _point(where, lat, lon)
    lats = [lat for lat, _ in ring]
    if len(ring) < 3 or min(lats) == max(lats) or not where.areas:
        return found
    return _spread(where, found, min(lats), max(lats), outline([ring]).spans)


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres along the great circle between two (lat, lon) in degrees."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*one, *other))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))


def surroundings(places: Mapping[str, Place]) -> tuple[Area, ...]:
    """What stands in where no areas are known: the land around each known settlement that is nearer
    to it than to any other, out to ``AROUND_M``."""
    known = sorted({point for place in places.values() for point in place.points})
    return tuple(
        Area(
            place.code,
            place.name,
            tuple(
                (ring,)
                for point in dict.fromkeys(place.points)
                if len(ring := _around(point, known)) > 2
            ),
        )
        for place in places.values()
        if place.points
    )


def _boundaries(areas: tuple[Area, ...]) -> Boundaries:
    return boundaries(area.polygons for area in areas)


def _on_earth(lat: float, lon: float) -> bool:
    return abs(lat) <= 90 and abs(lon) <= 180  # false of what is no number, too


def _nowhere(where: Geography) -> Located:
    return Located(None, None, "outside", math.inf, approximate=where.approximate)


def _point(where: Geography, lat: float, lon: float) -> Located:
    if not where.areas or not _on_earth(lat, lon):
        return _nowhere(where)
    holder = where.ours.holder(lat, lon)
    if holder is not None:
        area = where.areas[holder]
        whole = (Candidate(area.code, 1.0),)
        return Located(area.code, area.name, "inside", 0.0, whole, None, where.approximate)
    distance, number = where.ours.nearest(lat, lon)
    if number < 0:
        return _nowhere(where)
    ground = where.theirs.holder(lat, lon)
    if ground is not None:
        neighbour = where.grounds[ground].code
        return _outside(where, distance, number, neighbour)
    area = where.areas[number]
    if distance <= where.snap_m:
        return Located(area.code, area.name, "snapped", distance, (), None, where.approximate)
    to_them, them = _nearest_neighbour(where, lat, lon, distance)
    if distance <= where.sea_m and not to_them < distance:
        return Located(area.code, area.name, "sea", distance, (), None, where.approximate)
    return _outside(where, distance, number, them)


def _outside(where: Geography, distance: float, nearest: int, neighbour: str | None) -> Located:
    edge: tuple[Candidate, ...] = ()
    if where.approximate and distance <= EDGE_M:
        edge = (Candidate(where.areas[nearest].code[:KECAMATAN], EDGE_SHARE),)
    return Located(None, None, "outside", distance, edge, neighbour, where.approximate)


def _nearest_neighbour(
    where: Geography, lat: float, lon: float, to_us: float
) -> tuple[float, str | None]:
    """Metres to the nearest point of a neighbour, and the neighbour that a caller there may belong to:
    none where our own nearest area (``to_us`` metres away) is nearer.

    Water is as near to a neighbour's shore as to ours: only its known points make a place the
    neighbour's, while the edge of its land may name it.
    """
    points = [
        (distance_m((lat, lon), point), neighbour)
        for neighbour, known in where.neighbours.items()
        for point in known
    ]
    edge, number = where.theirs.nearest(lat, lon)
    edges = [(edge, where.grounds[number].code)] if number >= 0 else []
    away, them = min((*points, *edges), default=(math.inf, None))
    return min(points, default=(math.inf,))[
        0
    ], them if away <= NEIGHBOUR_M and away < to_us else None


def _spread(where: Geography, middle: Located, south: float, north: float, shape: Spans) -> Located:
    shares = where.ours.shares(south, north, shape)
    shares.sort(
        key=lambda one: (-round(one[1], 9), where.areas[one[0]].code != middle.code, one[0])
    )
    candidates = tuple(Candidate(where.areas[number].code, share) for number, share in shares)
    if middle.kind == "outside":
        touched = sum(candidate.share for candidate in candidates)
        if middle.candidates and touched < EDGE_SHARE:
            return middle
        return replace(middle, candidates=candidates)
    if not shares:
        return replace(middle, candidates=())
    area = where.areas[shares[0][0]]
    return replace(middle, code=area.code, name=area.name, candidates=candidates)


def _middle(ring: Ring) -> tuple[float, float]:
    """The centre of gravity of a polygon; of its corners, where it has no surface."""
    lat0, lon0 = ring[0]
    twice = lat = lon = 0.0
    for (lat1, lon1), (lat2, lon2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        cross = (lon1 - lon0) * (lat2 - lat0) - (lon2 - lon0) * (lat1 - lat0)
        twice += cross
        lat += cross * (lat1 + lat2 - 2 * lat0)
        lon += cross * (lon1 + lon2 - 2 * lon0)
    south, north = min(lat for lat, _ in ring), max(lat for lat, _ in ring)
    west, east = min(lon for _, lon in ring), max(lon for _, lon in ring)
    if twice:
        middle = lat0 + lat / twice / 3, lon0 + lon / twice / 3
        if south <= middle[0] <= north and west <= middle[1] <= east:
            return middle  # a line that crosses itself may have its centre anywhere
    return (south + north) / 2, (west + east) / 2


def _around(point: tuple[float, float], known: list[tuple[float, float]]) -> Ring:
    """The corners of the land nearer to a point than to the others, out to ``AROUND_M``."""
    lat, lon = point
    reach = AROUND_M / DEGREE_M
    narrow = max(math.cos(math.radians(lat)), 0.01)
    turns = [2 * math.pi * number / _CORNERS for number in range(_CORNERS)]
    corners = [(reach * math.sin(turn), reach * math.cos(turn)) for turn in turns]
    for other in known:
        up, on = other[0] - lat, (other[1] - lon) * narrow
        if up or on:
            corners = _nearer(corners, up, on)
    return tuple((lat + y, lon + x / narrow) for y, x in corners)


def _nearer(corners: list[tuple[float, float]], up: float, on: float) -> list[tuple[float, float]]:
    """The part of a convex polygon around (0, 0) that is nearer to it than to (up, on)."""
    half = (up * up + on * on) / 2
    kept: list[tuple[float, float]] = []
    for number, (y, x) in enumerate(corners):
        y2, x2 = corners[(number + 1) % len(corners)]
        over, over2 = y * up + x * on - half, y2 * up + x2 * on - half
        if over <= 0:
            kept.append((y, x))
        if over * over2 < 0:
            part = over / (over - over2)
            kept.append((y + (y2 - y) * part, x + (x2 - x) * part))
    return kept
