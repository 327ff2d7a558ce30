"""The edges of areas, laid out so that a point, a distance or a line of latitude is looked up at once.

An area's edges lie in slabs of latitude: which area holds a point is told by the few edges of one slab.
The outlines lie in a grid, so that only those near a point are asked. All edges lie in boxes within boxes,
so that the nearest is found by looking into a few of them. Degrees in, metres out; metres are those of a
plane that touches the Earth at the point that is asked about, right to a few parts in a thousand within
a hundred kilometres.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

EARTH_M = 6_371_008.8  # mean radius, IUGG
DEGREE_M = math.radians(1) * EARTH_M

Ring = tuple[tuple[float, float], ...]
"""A closed line of (lat, lon) in degrees WGS 84; the first point is not repeated at the end."""

Spans = Callable[[float], Sequence[float]]
"""Where a line of latitude enters and leaves a shape: an even number of longitudes, going up."""

_SLABS = 4096
"""At most so many slabs an area has."""

_PIECES, _MOST_PIECES = 24, 2_000_000
"""Into so many pieces on average the slabs of an outline cut its edges, and no more pieces in all: edges
that run from end to end would otherwise fill the memory."""

_CELLS, _MOST_CELLS = 64, 400_000
"""At most so many rows and columns the grid of outlines has, and so many entries in all."""

_LINES = 400
"""So many lines of latitude measure a shape: a share is right to a few thousandths."""

_TWIGS = 8
"""So many edges or boxes lie in a box."""

_ROUNDING = 1e-9  # degrees, a tenth of a millimetre

_Rise = tuple[float, float, float, float]  # lower lat, its lon, upper lat, lon per lat
_Edge = tuple[float, float, float, float, int]  # lat, lon, steps to the other end, area
_Box = tuple[float, float, float, float, tuple["_Box", ...], tuple[_Edge, ...]]


@dataclass(frozen=True, slots=True)
class Outline:
    """The rings of one polygon. What lies in an odd number of them is inside."""

    south: float
    west: float
    north: float
    east: float
    per_degree: float
    slabs: tuple[tuple[_Rise, ...], ...]

    def holds(self, lat: float, lon: float) -> bool:
        """Whether the point is inside. Of two areas with a common edge exactly one holds a point
        of it, as both compute it from the same two ends in the same order."""
        if not (self.south <= lat < self.north and self.west <= lon <= self.east):
            return False
        inside = False
        for low, start, high, slope in self._slab(lat):
            if low <= lat < high and lon < start + (lat - low) * slope:
                inside = not inside
        return inside

    def spans(self, lat: float) -> Sequence[float]:
        """The longitudes at which a line of latitude crosses the rings, going up."""
        if not self.south <= lat < self.north:
            return ()
        return sorted(
            start + (lat - low) * slope
            for low, start, high, slope in self._slab(lat)
            if low <= lat < high
        )

    def _slab(self, lat: float) -> tuple[_Rise, ...]:
        number = int((lat - self.south) * self.per_degree)
        return self.slabs[min(number, len(self.slabs) - 1)]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Which outlines may hold a point, by the cell that it lies in: their numbers, going up."""

    south: float
    west: float
    north: float
    east: float
    rows_per_degree: float
    columns_per_degree: float
    size: int
    cells: tuple[tuple[int, ...], ...]

    def near(self, lat: float, lon: float) -> tuple[int, ...]:
        if not (self.south <= lat <= self.north and self.west <= lon <= self.east):
            return ()
        row = _cell(lat, self.south, self.rows_per_degree, self.size)
        return self.cells[
            row * self.size + _cell(lon, self.west, self.columns_per_degree, self.size)
        ]


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The outlines of several areas' polygons in the order they were given, the area that each belongs
    to, a grid over them, and all their edges in boxes."""

    outlines: tuple[Outline, ...] = ()
    owners: tuple[int, ...] = ()
    grid: _Grid | None = None
    box: _Box | None = None

    def holder(self, lat: float, lon: float) -> int | None:
        """The first area that holds the point."""
        if self.grid is not None:
            for number in self.grid.near(lat, lon):
                if self.outlines[number].holds(lat, lon):
                    return self.owners[number]
        return None

    def nearest(self, lat: float, lon: float) -> tuple[float, int]:
        """Metres to the nearest edge of any area, and which area's it is; inf and -1 without areas."""
        if self.box is None:
            return math.inf, -1
        narrow = math.cos(math.radians(lat))
        best, area = math.inf, -1
        waiting: list[tuple[float, _Box]] = [(0.0, self.box)]
        while waiting:
            least, box = waiting.pop()
            if least > best:
                continue
            for edge in box[5]:
                away = _to_edge(edge, lat, lon, narrow)
                if away < best or (away == best and edge[4] < area):
                    best, area = away, edge[4]
            near = [(to, one) for one in box[4] if (to := _to_box(one, lat, lon, narrow)) <= best]
            near.sort(key=_first, reverse=True)  # the nearest is looked into first
            waiting += near
        return math.sqrt(best) * DEGREE_M, area

    def shares(self, south: float, north: float, shape: Spans) -> list[tuple[int, float]]:
        """The areas that a shape between two latitudes touches, each with its share (0 to 1)."""
        step = (north - south) / _LINES
        total = 0.0
        found = dict.fromkeys(self.owners, 0.0)
        near = [
            (owner, outline)
            for owner, outline in zip(self.owners, self.outlines, strict=True)
            if outline.south < north and south < outline.north
        ]
        for line in range(_LINES):
            lat = south + (line + 0.5) * step
            spans = shape(lat)
            if not spans:
                continue
            total += _width(spans)
            for owner, outline in near:
                if (
                    outline.south <= lat < outline.north
                    and outline.west < spans[-1]
                    and spans[0] < outline.east
                ):
                    found[owner] += _common(spans, outline.spans(lat))
        if total <= 0:
            return []
        whole = max(total, sum(found.values()))  # areas that overlap give no more than all of it
        return [(owner, width / whole) for owner, width in found.items() if width > 0]


def boundaries(areas: Iterable[Iterable[Sequence[Ring]]]) -> Boundaries:
    """The polygons of each area, each an outer ring and its holes, made ready."""
    polygons = [(owner, polygon) for owner, area in enumerate(areas) for polygon in area]
    edges = [
        (lat, lon, lat2 - lat, lon2 - lon, owner)
        for owner, polygon in polygons
        for ring in polygon
        for (lat, lon), (lat2, lon2) in sides(ring)
    ]
    outlines = tuple(outline(polygon) for _, polygon in polygons)
    return Boundaries(
        outlines, tuple(owner for owner, _ in polygons), _grid(outlines), _boxed(edges)
    )


def outline(rings: Sequence[Ring]) -> Outline:
    """One polygon's outline; one without rings holds nothing."""
    lats = [lat for ring in rings for lat, _ in ring]
    lons = [lon for ring in rings for _, lon in ring]
    if not lats:
        return Outline(0.0, 0.0, 0.0, 0.0, 0.0, ((),))
    south, north = min(lats), max(lats)
    climbed = sum(abs(other[0] - one[0]) for ring in rings for one, other in sides(ring))
    pieces = min(_PIECES * len(lats), _MOST_PIECES)
    fitting = pieces * (north - south) / climbed if climbed > 0 else 1.0
    count = max(1, min(len(lats), _SLABS, int(fitting)))
    per_degree = count / (north - south) if north > south else 0.0
    slabs: list[list[_Rise]] = [[] for _ in range(count)]
    for ring in rings:
        for one, other in sides(ring):
            (low, start), (high, end) = sorted((one, other))
            if low == high:
                continue
            rise = (low, start, high, (end - start) / (high - low))
            last = min(int((high - south) * per_degree), count - 1)
            for number in range(min(int((low - south) * per_degree), count - 1), last + 1):
                slabs[number].append(rise)
    west, east = min(lons) - _ROUNDING, max(lons) + _ROUNDING
    return Outline(south, west, north, east, per_degree, tuple(map(tuple, slabs)))


def _grid(outlines: Sequence[Outline]) -> _Grid | None:
    if not outlines:
        return None
    south, west = min(one.south for one in outlines), min(one.west for one in outlines)
    north, east = max(one.north for one in outlines), max(one.east for one in outlines)
    few, many = 4 * math.isqrt(len(outlines)), math.isqrt(_MOST_CELLS // len(outlines))
    size = max(1, min(_CELLS, few, many))
    rows = size / (north - south) if north > south else 0.0
    columns = size / (east - west) if east > west else 0.0
    cells: list[list[int]] = [[] for _ in range(size * size)]
    for number, one in enumerate(outlines):
        first, last = _cell(one.west, west, columns, size), _cell(one.east, west, columns, size)
        for row in range(
            _cell(one.south, south, rows, size), _cell(one.north, south, rows, size) + 1
        ):
            for column in range(first, last + 1):
                cells[row * size + column].append(number)
    return _Grid(south, west, north, east, rows, columns, size, tuple(map(tuple, cells)))


def _cell(at: float, start: float, per_degree: float, size: int) -> int:
    """The row or column of a coordinate; never a lower one for a higher coordinate."""
    return min(int((at - start) * per_degree), size - 1)


def sides(ring: Ring) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The two ends of each side, the one that closes the ring included."""
    return zip(ring, (*ring[1:], ring[0]), strict=True)


def turn(ring: Ring) -> float:
    """Twice the surface in square degrees, above 0 where the ring runs against the clock."""
    lat0, lon0 = ring[0]
    return sum(
        (lon - lon0) * (lat2 - lat0) - (lon2 - lon0) * (lat - lat0)
        for (lat, lon), (lat2, lon2) in sides(ring)
    )


def _boxed(edges: Sequence[_Edge]) -> _Box | None:
    """Edges that follow each other lie near each other: so they are boxed, and boxes likewise."""
    level: list[_Box] = []
    for first in range(0, len(edges), _TWIGS):
        some = tuple(edges[first : first + _TWIGS])
        lats = [lat for lat, _, up, _, _ in some for lat in (lat, lat + up)]
        lons = [lon for _, lon, _, on, _ in some for lon in (lon, lon + on)]
        level.append((min(lats), min(lons), max(lats), max(lons), (), some))
    while len(level) > 1:
        above: list[_Box] = []
        for first in range(0, len(level), _TWIGS):
            boxes = tuple(level[first : first + _TWIGS])
            south, west = min(box[0] for box in boxes), min(box[1] for box in boxes)
            north, east = max(box[2] for box in boxes), max(box[3] for box in boxes)
            above.append((south, west, north, east, boxes, ()))
        level = above
    return level[0] if level else None


def _first(one: tuple[float, _Box]) -> float:
    return one[0]


def _to_box(box: _Box, lat: float, lon: float, narrow: float) -> float:
    """Square degrees of latitude to a box; 0 within it."""
    south, west, north, east, _, _ = box
    up = south - lat if lat < south else lat - north if lat > north else 0.0
    on = west - lon if lon < west else lon - east if lon > east else 0.0
    on *= narrow
    return up * up + on * on


def _to_edge(edge: _Edge, lat: float, lon: float, narrow: float) -> float:
    """Square degrees of latitude to an edge."""
    y, x, up, on, _ = edge
    y -= lat
    x = (x - lon) * narrow
    on *= narrow
    length = up * up + on * on
    if length > 0:
        along = -(y * up + x * on) / length
        if along >= 1:
            y += up
            x += on
        elif along > 0:
            y += up * along
            x += on * along
    return y * y + x * x


def _width(spans: Sequence[float]) -> float:
    return sum(spans[1::2]) - sum(spans[::2])


def _common(ones: Sequence[float], others: Sequence[float]) -> float:
    """How much of two lists of spans lies in both."""
    both = 0.0
    one = other = 0
    while one < len(ones) and other < len(others):
        end, other_end = ones[one + 1], others[other + 1]
        both += max(0.0, min(end, other_end) - max(ones[one], others[other]))
        if end < other_end:
            one += 2
        else:
            other += 2
    return both
