"""Looking up a point, a distance or a share gives what an independent geometry library gives."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import MultiPoint, Point, Polygon, affinity, delaunay_triangles

from routing.boundaries import DEGREE_M
from routing.geography import SEA_M, SNAP_M, Area, Geography, Ring, geography, locate, locate_ring

LAT, LON = 1.3, 101.5
NARROW = math.cos(math.radians(LAT))

unit = st.floats(-0.2, 0.2, allow_subnormal=False)
spot = st.tuples(unit, unit).map(lambda at: (round(LAT + at[0], 5), round(LON + at[1], 5)))


def starlike(radii: list[float], lat: float = LAT, lon: float = LON) -> Ring:
    turn = 2 * math.pi / len(radii)
    return tuple(
        (lat + r * math.sin(turn * n), lon + r * math.cos(turn * n)) for n, r in enumerate(radii)
    )


rings = st.lists(st.floats(0.03, 0.15), min_size=3, max_size=40).map(starlike)
holes = st.lists(st.floats(0.005, 0.02), min_size=3, max_size=9).map(starlike)


def shape(ring: Ring, *inner: Ring) -> Polygon:
    """In plain metres of longitude and latitude, as seen from the middle of the tests."""
    flat = [[((lon - LON) * NARROW, lat - LAT) for lat, lon in one] for one in (ring, *inner)]
    return affinity.scale(Polygon(flat[0], flat[1:]), DEGREE_M, DEGREE_M, origin=(0, 0))


def at(lat: float, lon: float) -> Point:
    return Point((lon - LON) * NARROW * DEGREE_M, (lat - LAT) * DEGREE_M)


@given(rings, holes, spot)
@settings(max_examples=300, deadline=None)
def test_a_point_is_inside_where_its_area_is_and_in_a_hole_it_is_not(
    ring: Ring, hole: Ring, point: tuple[float, float]
) -> None:
    area = shape(ring, hole)
    assume(area.is_valid)
    found = locate(geography([Area("a", "A", ((ring, hole),))]), *point)
    distance = area.distance(at(*point))
    assume(area.boundary.distance(at(*point)) > 0.01)
    assert (found.kind == "inside") == (distance == 0)
    assert found.distance_m == pytest.approx(distance, rel=1e-3, abs=0.01)
    if abs(distance - SNAP_M) > 10 and abs(distance - SEA_M) > 100 and distance > 0:
        nearby = "snapped" if distance < SNAP_M else "sea"
        assert found.kind == (nearby if distance < SEA_M else "outside")


@given(
    st.lists(spot, min_size=5, max_size=12, unique=True),
    st.sampled_from([0.0, 0.5, 1 / 3, 0.9]),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_a_point_on_a_common_border_belongs_to_exactly_one_area(
    sites: list[tuple[float, float]], part: float, data: st.DataObject
) -> None:
    points = MultiPoint([(lon, lat) for lat, lon in sites])
    areas = [
        Area(f"{number:02}", "A", ((tuple((y, x) for x, y in cell.exterior.coords[:-1]),),))
        for number, cell in enumerate(delaunay_triangles(points).geoms)
    ]
    assume(len(areas) > 2)
    ring = data.draw(st.sampled_from(areas)).polygons[0][0]
    (lat, lon), (lat2, lon2) = ring[0], ring[1]
    lat, lon = lat + (lat2 - lat) * part, lon + (lon2 - lon) * part
    hull = points.convex_hull
    assume(hull.contains(Point(lon, lat)) and hull.boundary.distance(Point(lon, lat)) > 1e-6)
    holders = [area.code for area in areas if locate(geography([area]), lat, lon).kind == "inside"]
    assert len(holders) == 1


@given(rings, rings, spot, st.floats(50, 20_000))
@settings(max_examples=200, deadline=None)
def test_the_share_of_a_circle_is_right_to_a_hundredth(
    one: Ring, other: Ring, middle: tuple[float, float], radius_m: float
) -> None:
    moved = tuple((lat, lon + 0.4) for lat, lon in other)
    where = geography([Area("a", "A", ((one,),)), Area("b", "B", ((moved,),))])
    found = locate(where, *middle, radius_m)
    circle = at(*middle).buffer(radius_m, quad_segs=64)
    shares = {candidate.code: candidate.share for candidate in found.candidates}
    for code, ring in (("a", one), ("b", moved)):
        expected = circle.intersection(shape(ring)).area / circle.area
        assert shares.get(code, 0.0) == pytest.approx(expected, abs=0.01)
    assert sum(shares.values()) <= 1 + 1e-9
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@given(rings, rings)
@settings(max_examples=200, deadline=None)
def test_the_share_of_a_polygon_is_right_to_a_hundredth(area: Ring, told: Ring) -> None:
    moved = tuple((lat + 0.03, lon - 0.06) for lat, lon in told)
    found = locate_ring(geography([Area("a", "A", ((area,),))]), moved)
    expected = shape(moved).intersection(shape(area)).area / shape(moved).area
    share = found.candidates[0].share if found.candidates else 0.0
    assert share == pytest.approx(expected, abs=0.01)


anything = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(anything, anything), max_size=8), anything)
@settings(max_examples=300, deadline=None)
def test_no_numbers_make_a_look_up_raise(ring: list[tuple[float, float]], radius_m: float) -> None:
    where = geography([Area("a", "A", ((starlike([0.1] * 8),),))], {"tetangga": ((1.0, 103.0),)})
    for geo in (where, Geography()):
        for found in (
            *(locate(geo, *point, radius_m) for point in ring),
            locate_ring(geo, tuple(ring)),
        ):
            assert (found.kind == "outside") == (found.code is None)
            assert found.distance_m >= 0


@given(st.floats(-89, 89), st.floats(-179, 179))
@settings(max_examples=100, deadline=None)
def test_a_line_without_a_surface_is_its_middle(lat: float, lon: float) -> None:
    where = geography([Area("a", "A", ((starlike([0.5] * 16, lat, lon),),))])
    assert locate_ring(where, ((lat, lon), (lat, lon + 0.01))).kind == "inside"
