"""The location in an INVITE's PIDF-LO, as Asterisk's res_geolocation tells it.

``GEOLOC_PROFILE(effective_location)`` gives ``shape="Circle",crs="2d",pos="1.2690 101.2040",
radius="50"``: the elements of RFC 5491 as pairs, a polygon's corners as ``pos`` again and again, angles
as ``20 degrees`` or ``0.3 radians``. ``pos`` is latitude, then longitude (EPSG:4326). Quotes inside of
values are not escaped, and a text may be cut: what does not read as pairs to its very end is no
location. Nor is what is not on Earth: the bytes come from a caller. A location by reference (a URI) is
never fetched.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from ivr.location import civic
from ivr.location.placed import Shape, Told, around, placed
from ivr.location.received import kept, number, point
from ivr.location.shapes import band, crosses_itself, ellipse, has_area, middle, reach_m
from ivr.location.source import PIDF, PIDF_CONFIDENCE, PIDF_FORMAT, PIDF_METHOD, Asked
from routing.geography import Geography, Ring
from routing.model import Location

LONGEST = 8192
MOST_CORNERS = 200
MOST_LOOKED_UP = 32
"""A ring of more corners is looked up as the circle around it (RFC 5491 advises 15): every corner costs
time that other calls wait for."""

FARTHEST_M = 60_000.0
"""A shape that reaches farther (metres) tells nothing about a kabupaten."""

log = structlog.get_logger(__name__)

_PAIR = re.compile(r'\s*(\w{1,32})="([^"\x00-\x1f\x7f]*)"\s*(?:,|$)')
_ANGLE = re.compile(r"(\S+)(?:\s+(deg|rad)[a-z]*)?")
_CONFIDENCE = re.compile(r'(?:^|,\s*)(?:value=)?"?(\d{1,3}(?:\.\d+)?)"?\s*%?$')

Pairs = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A shape on the map: a point with the radius that was told (metres), or a ring around it."""

    shape: Shape
    lat: float
    lon: float
    radius_m: float | None = None
    ring: Ring | None = None


class Pidf:
    """The location by value that came with the call."""

    name = "sip_pidf"
    deadline_s = 1.0

    async def find(self, asked: Asked) -> Sequence[Location]:
        """At most one location: Asterisk hands over the first it understands."""
        text = asked.signalling.get(PIDF, "").strip()
        if not text:
            return ()
        if asked.signalling.get(PIDF_FORMAT, "").strip().lower() == "uri" or text[:4] == "URI=":
            log.info("pidf_by_reference", length=len(text), pii_received=kept(text, 40))
            return ()
        fields = pairs(text)
        if fields is None:
            log.info("pidf_unreadable", length=len(text), pii_received=kept(text, 40))
            return ()
        told = Told(
            source=self.name,
            method=kept(asked.signalling.get(PIDF_METHOD, ""), 40).strip().lower() or None,
            raw=kept(text),
        )
        if "shape" not in fields:
            found = civic.place(told, {key: kept(said[0]) for key, said in fields.items()}, asked)
        else:
            sure = confidence(asked.signalling.get(PIDF_CONFIDENCE, ""))
            found = _on_the_map(told, fields, asked.geography, sure)
        if found is None:
            log.info("pidf_no_place", length=len(text), pii_received=kept(text, 40))
            return ()
        return (found,)


def _on_the_map(
    told: Told, fields: Pairs, geography: Geography, sure: float | None
) -> Location | None:
    drawn = draw(fields)
    if drawn is None:
        return None
    reach, at_most = around(told, drawn.radius_m, sure)
    return placed(
        told,
        geography,
        drawn.lat,
        drawn.lon,
        drawn.radius_m,
        reach_m=reach,
        shape=drawn.shape,
        ring=drawn.ring,
        at_most=at_most,
    )


def pairs(text: str) -> Pairs | None:
    """``name="value"`` pairs, each name with all its values; None where the text is anything else."""
    if len(text) > LONGEST:
        return None
    fields: dict[str, list[str]] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return None
        fields.setdefault(pair[1], []).append(pair[2].strip())
        at = pair.end()
    return fields


def confidence(text: str) -> float | None:
    """``pdf="normal",value="66"`` or ``66`` as 0.66; None for anything else."""
    told = _CONFIDENCE.search(text.strip()[:100])
    per_cent = number(told[1], 0, 100) if told else None
    return None if per_cent is None else per_cent / 100


def draw(fields: Pairs) -> Drawn | None:
    """The shape that the pairs tell, 3-D ones by what they cover on the ground; None for no shape,
    one that is not on Earth, or one that is too wide to mean anything."""
    match _one(fields, "shape"):
        case "Point":
            return _circle(fields, None)
        case "Circle" | "Sphere":
            return _circle(fields, "radius")
        case "Ellipse" | "Ellipsoid":
            return _ellipse(fields)
        case "Polygon" | "Prism":
            return _polygon(fields)
        case "ArcBand":
            return _band(fields)
        case _:
            return None


def _circle(fields: Pairs, named: str | None) -> Drawn | None:
    centre = _centre(fields)
    radius = _metres(fields, named) if named is not None else None
    if centre is None or (named is not None and radius is None):
        return None
    return Drawn("circle" if radius else "point", *centre, radius)


def _ellipse(fields: Pairs) -> Drawn | None:
    centre = _centre(fields)
    major, minor = _metres(fields, "semiMajorAxis"), _metres(fields, "semiMinorAxis")
    turned = _angle(fields, "orientation")
    if centre is None or major is None or minor is None or turned is None:
        return None
    if not 0 < minor <= major:
        return None
    ring = ellipse(centre, major, minor, turned)
    return Drawn("ellipse", *centre, major, ring) if ring is not None else None


def _band(fields: Pairs) -> Drawn | None:
    centre = _centre(fields)
    inner, outer = _metres(fields, "innerRadius"), _metres(fields, "outerRadius")
    start, opening = _angle(fields, "startAngle"), _angle(fields, "openingAngle")
    if centre is None or inner is None or outer is None or start is None or opening is None:
        return None
    if not (inner < outer and opening > 0):
        return None
    if opening > 2 * math.pi - 0.01:  # all around: a disc says as much as a ring with a hole
        return Drawn("circle", *centre, outer)
    return _around(band(centre, inner, outer, start, opening))


def _polygon(fields: Pairs) -> Drawn | None:
    corners: list[tuple[float, float]] = []
    for position in fields.get("pos", ()):
        corner = _position(position)
        if corner is None:
            return None
        corners.append(corner)
    for name in ("posList", "pos_list"):
        for positions in fields.get(name, ()):
            numbers = positions.split()
            each = 3 if _one(fields, "crs") == "3d" else 2
            if len(numbers) % each or len(numbers) > MOST_CORNERS * each:
                return None
            for at in range(0, len(numbers), each):
                corner = _position(" ".join(numbers[at : at + each]))
                if corner is None:
                    return None
                corners.append(corner)
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    return _around(tuple(corners))


def _around(ring: Ring | None) -> Drawn | None:
    if ring is None or not 3 <= len(ring) <= MOST_CORNERS:
        return None
    reach = reach_m(ring)
    if reach > FARTHEST_M:
        return None
    if len(ring) > MOST_LOOKED_UP or crosses_itself(ring):
        return Drawn("circle", *middle(ring), reach)
    if not has_area(ring):
        return None
    return Drawn("polygon", *middle(ring), reach, ring)


def _one(fields: Pairs, name: str) -> str | None:
    """The value of a name that was told exactly once."""
    told = fields.get(name, ())
    return told[0] if len(told) == 1 else None


def _centre(fields: Pairs) -> tuple[float, float] | None:
    told = _one(fields, "pos")
    return _position(told) if told is not None else None


def _position(text: str) -> tuple[float, float] | None:
    """ "lat lon" or "lat lon altitude"."""
    numbers = text[:100].split()
    if len(numbers) not in (2, 3):
        return None
    return point(numbers[0], numbers[1]) if number(numbers[-1]) is not None else None


def _metres(fields: Pairs, name: str) -> float | None:
    return number(_one(fields, name), 0, FARTHEST_M)


def _angle(fields: Pairs, name: str) -> float | None:
    """Radians. Degrees where no unit is told."""
    told = _ANGLE.fullmatch((_one(fields, name) or "")[:64])
    value = number(told[1], -1000, 1000) if told else None
    if told is None or value is None:
        return None
    return value if told[2] == "rad" else math.radians(value)
