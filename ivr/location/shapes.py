"""Ellipses and bands as rings of corners, and how far a ring reaches. Flat-earth sums, good to a few
hundred kilometres; degrees WGS 84 and metres."""

from __future__ import annotations

import math
from collections.abc import Iterable

from routing.geography import Ring, distance_m

CORNERS = 32
_METRES_PER_DEGREE = 111_195.0
_NEAREST_POLE = 85.0  # degrees: beyond, metres do not turn into degrees of longitude


def ellipse(
    centre: tuple[float, float], major_m: float, minor_m: float, orientation: float
) -> Ring | None:
    """The ring of an ellipse by its half axes. ``orientation`` is that of the major axis, radians
    clockwise from north. None where it would reach the poles or around the date line."""
    turn = math.cos(orientation), math.sin(orientation)
    offsets = []
    for step in range(CORNERS):
        angle = 2 * math.pi * step / CORNERS
        along, across = major_m * math.cos(angle), minor_m * math.sin(angle)
        offsets.append((along * turn[0] - across * turn[1], along * turn[1] + across * turn[0]))
    return _ring(centre, offsets)


def band(
    centre: tuple[float, float], inner_m: float, outer_m: float, start: float, opening: float
) -> Ring | None:
    """The ring of an arc band (a cell's sector). Angles are radians clockwise from north, the band
    opens clockwise from ``start``. None as for an ellipse."""
    half = CORNERS // 2
    angles = [start + opening * step / (half - 1) for step in range(half)]
    there = [(outer_m * math.cos(angle), outer_m * math.sin(angle)) for angle in angles]
    back = [(inner_m * math.cos(angle), inner_m * math.sin(angle)) for angle in reversed(angles)]
    return _ring(centre, there + (back if inner_m > 0 else [(0.0, 0.0)]))


def _ring(centre: tuple[float, float], offsets: Iterable[tuple[float, float]]) -> Ring | None:
    """Metres (north, east) around a point as degrees."""
    lat, lon = centre
    if abs(lat) > _NEAREST_POLE:
        return None
    east = _METRES_PER_DEGREE * math.cos(math.radians(lat))
    ring = tuple((lat + up / _METRES_PER_DEGREE, lon + right / east) for up, right in offsets)
    return ring if all(abs(up) <= 90 and abs(right) <= 180 for up, right in ring) else None


def middle(ring: Ring) -> tuple[float, float]:
    """The mean of the corners, (lat, lon): a point to show, not to decide by."""
    return sum(lat for lat, _ in ring) / len(ring), sum(lon for _, lon in ring) / len(ring)


def reach_m(ring: Ring) -> float:
    """From its middle to its farthest corner."""
    centre = middle(ring)
    return max(distance_m(centre, corner) for corner in ring)


def has_area(ring: Ring) -> bool:
    """Whether it encloses anything: three corners on a line do not."""
    around = zip(ring, (*ring[1:], ring[0]), strict=True)
    return abs(sum(one[0] * two[1] - two[0] * one[1] for one, two in around)) > 1e-12


def crosses_itself(ring: Ring) -> bool:
    """Whether two of its sides cross; that they touch does not count. For rings of a few corners."""
    sides = list(zip(ring, (*ring[1:], ring[0]), strict=True))
    return any(
        _left_of(*one, other[0]) * _left_of(*one, other[1]) < 0
        and _left_of(*other, one[0]) * _left_of(*other, one[1]) < 0
        for number, one in enumerate(sides)
        for other in sides[number + 2 :]
    )


def _left_of(
    begin: tuple[float, float], end: tuple[float, float], point: tuple[float, float]
) -> float:
    """More than 0 on one side of a line, less on the other."""
    return (end[0] - begin[0]) * (point[1] - begin[1]) - (end[1] - begin[1]) * (point[0] - begin[0])
