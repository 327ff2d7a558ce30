"""A coordinate as a location: which area it is in, and how sure one may be of that.

Sure (0.95) is only a small shape inside official boundaries. Areas of our own making never give more
than 0.7; a point that had to be snapped to the nearest area, or lies at sea, is worth less; what lies
outside names no area of ours at all. A point that came without a radius is looked up with a wide one, and
is never sure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from routing.geography import Geography, Located, Ring, locate, locate_ring
from routing.model import KECAMATAN, Candidate, Location

SURE = 0.95
MOST_OF_APPROXIMATE = 0.7
_WORTH = {"inside": 1.0, "snapped": 0.6, "sea": 0.4, "outside": 0.0}
_WHOLE = 0.9
"""With this share of the shape (0 to 1), or more, a desa is named."""

_TOLD_AS = 0.95
"""Every radius is widened to one that holds the phone with this probability."""

MOST_WITHOUT_RADIUS = 0.85
"""Nobody said how far off the point may be: the caller is asked to confirm it."""

_UNTOLD_CELL_M = 10_000.0  # as far as a tower on the land is heard
_UNTOLD_M = 2_000.0

Shape = Literal["", "point", "circle", "ellipse", "polygon", "civic", "admin"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a source says of a place besides the coordinate; fields as in ``Location``."""

    source: str
    method: str | None = None
    text: str = ""
    observed_at: float | None = None
    received_at: float | None = None
    raw: str = ""

    def unplaced(
        self,
        code: str | None = None,
        confidence: float = 0.0,
        *,
        shape: Shape = "",
        kind: Literal["", "inside", "outside"] = "",
        candidates: tuple[Candidate, ...] = (),
        neighbour: str | None = None,
    ) -> Location:
        """A location that names an area, or nothing, but has no coordinate."""
        return Location(
            source=self.source,
            code=code,
            confidence=confidence,
            method=self.method,
            shape=shape,
            kind=kind,
            candidates=candidates,
            neighbour=neighbour,
            text=self.text,
            observed_at=self.observed_at,
            received_at=self.received_at,
            raw=self.raw,
        )


def placed(
    told: Told,
    geography: Geography,
    lat: float,
    lon: float,
    radius_m: float | None = None,
    *,
    reach_m: float | None = None,
    shape: Shape | None = None,
    ring: Ring | None = None,
    at_most: float = SURE,
) -> Location:
    """Look the point up and weigh what is found.

    ``lat``/``lon`` are degrees on Earth and ``radius_m`` metres, as told; ``reach_m`` is the radius
    to look up where it differs. With a ``ring`` the ring is looked up, and the point only stands for
    its middle. ``at_most`` caps the confidence for sources that are never sure.
    """
    if ring is None:
        reach = reach_m if reach_m is not None else radius_m or 0.0
        found = locate(geography, lat, lon, reach)
    else:
        found = locate_ring(geography, ring)
    code, share = best(found)
    return Location(
        source=told.source,
        code=code,
        lat=lat,
        lon=lon,
        radius_m=radius_m,
        confidence=confidence(found, share, at_most),
        method=told.method,
        shape=shape if shape is not None else ("circle" if radius_m else "point"),
        kind=found.kind if geography.areas else "",  # without a map nothing is outside of it
        candidates=tuple(found.candidates),
        neighbour=found.neighbour,
        text=told.text,
        observed_at=told.observed_at,
        received_at=told.received_at,
        raw=told.raw,
    )


def best(found: Located) -> tuple[str | None, float]:
    """The code to go by, and its share of the shape (0 to 1).

    A shape that lies across several desa of one kecamatan names the kecamatan, which is surer.
    """
    if found.code is None or not found.candidates:
        return found.code, 1.0
    first = found.candidates[0]
    together: dict[str, float] = {}
    for candidate in found.candidates:
        kecamatan = candidate.code[:KECAMATAN]
        together[kecamatan] = together.get(kecamatan, 0.0) + candidate.share
    kecamatan = max(together, key=lambda code: together[code])
    if first.code.startswith(kecamatan) and first.share >= _WHOLE:
        return first.code, first.share
    return kecamatan, min(1.0, together[kecamatan])


def confidence(found: Located, share: float, at_most: float = SURE) -> float:
    """0 to 1 that an area with this share of the shape is the right one."""
    if found.code is None:
        return 0.0
    cap = min(at_most, MOST_OF_APPROXIMATE if found.approximate else SURE)
    return round(min(cap, SURE * share * _WORTH[found.kind]), 3)


def widened(radius_m: float, sure: float | None) -> float:
    """The radius that holds with 95 % what ``radius_m`` holds with probability ``sure`` (RFC 7459,
    normal distribution). Nothing told: as it is."""
    if sure is None or sure >= _TOLD_AS:
        return radius_m
    return radius_m * math.sqrt(math.log(1 - _TOLD_AS) / math.log(1 - max(sure, 0.1)))


def around(told: Told, radius_m: float | None, sure: float | None) -> tuple[float, float]:
    """How many metres around a point to look, and how sure one may be at most of what is found there.

    A radius of 0 is what devices tell that know none.
    """
    if radius_m:
        return widened(radius_m, sure), SURE
    return _UNTOLD_CELL_M if told.method == "cell" else _UNTOLD_M, MOST_WITHOUT_RADIUS
