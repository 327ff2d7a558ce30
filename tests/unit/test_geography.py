"""Where a coordinate lies: in an area, close by, at sea, with a neighbour, or nowhere we know."""

from __future__ import annotations

import math

import pytest

from routing.geography import Area, Geography, Ring, geography, locate, locate_ring, surroundings
from routing.model import Candidate, Place

DEGREE_M = 111_195.0


def square(south: float, west: float, side: float = 0.2) -> Ring:
    north, east = south + side, west + side
    return ((south, west), (south, east), (north, east), (north, west))


WEST = Area("14.03.09", "Mandau", ((square(1.0, 101.0),),))
EAST = Area("14.03.13", "Pinggir", ((square(1.0, 101.2),),))
SIAK = Area("siak", "Siak", ((square(0.8, 101.0, 0.19),),), neighbour=True)
POINTS = {"dumai": ((1.4, 101.1),), "siak": ((0.9, 101.1),)}
BOTH = geography([EAST, WEST, SIAK], POINTS, approximate=False)


def test_a_point_in_an_area_is_wholly_there() -> None:
    found = locate(BOTH, 1.1, 101.1)
    assert (found.code, found.name, found.kind, found.distance_m) == (
        "14.03.09",
        "Mandau",
        "inside",
        0.0,
    )
    assert found.candidates == (Candidate("14.03.09", 1.0),)
    assert (found.neighbour, found.approximate) == (None, False)


def test_close_by_is_snapped_and_beyond_is_the_sea_up_to_twelve_miles() -> None:
    kinds = {
        km: locate(BOTH, 1.1, 101.4 + km * 1000 / DEGREE_M).kind for km in (1, 1.9, 2.1, 22, 23)
    }
    assert kinds == {1: "snapped", 1.9: "snapped", 2.1: "sea", 22: "sea", 23: "outside"}
    sea = locate(BOTH, 1.1, 101.45)
    assert (sea.code, sea.candidates, sea.neighbour) == ("14.03.13", (), None)
    assert sea.distance_m == pytest.approx(0.05 * DEGREE_M, rel=1e-3)


def test_the_land_of_a_neighbour_is_outside_however_close_it_is() -> None:
    found = locate(BOTH, 0.985, 101.1)  # 1.7 km from us
    assert (found.kind, found.code, found.neighbour) == ("outside", None, "siak")


def test_close_to_us_an_approximate_map_may_be_wrong_about_the_land_of_a_neighbour() -> None:
    rough = geography([EAST, WEST, SIAK], POINTS, approximate=True)
    for lat, radius_m in ((0.97, 0.0), (0.97, 100.0), (0.95, 0.0), (0.95, 5_500.0)):
        found = locate(rough, lat, 101.1, radius_m)
        assert (found.kind, found.code, found.neighbour) == ("outside", None, "siak")
        (edge,) = found.candidates
        assert (edge.code, 0.1 < edge.share < 0.5) == ("14.03.09", True)
    far = locate(rough, 0.93, 101.1)  # 7.8 km from us
    assert (far.kind, far.candidates) == ("outside", ())
    assert locate(BOTH, 0.97, 101.1).candidates == ()
    assert len(locate(rough, 0.97, 101.2, 8_000.0).candidates) == 2


def test_close_to_us_a_desa_stands_for_its_kecamatan() -> None:
    desa = Area("14.03.09.1001", "Air Jamban", ((square(1.0, 101.0),),))
    found = locate(geography([desa, SIAK]), 0.97, 101.1)
    assert [candidate.code for candidate in found.candidates] == ["14.03.09"]


def test_off_its_land_a_neighbour_is_named_only_where_it_is_nearer_than_we_are() -> None:
    where = geography([EAST, WEST], {"far": ((1.1, 101.85),)}, approximate=False)
    nearer_to_us = locate(where, 1.1, 101.61)  # 23 km to us, 27 km to the neighbour
    assert (nearer_to_us.kind, nearer_to_us.neighbour) == ("outside", None)
    nearer_to_them = locate(where, 1.1, 101.65)
    assert (nearer_to_them.kind, nearer_to_them.neighbour) == ("outside", "far")


def test_nearer_to_a_neighbours_town_than_to_us_is_outside() -> None:
    assert locate(BOTH, 1.28, 101.1).kind == "sea"
    found = locate(BOTH, 1.32, 101.1)
    assert (found.kind, found.code, found.neighbour) == ("outside", None, "dumai")


def test_far_away_no_neighbour_is_named() -> None:
    found = locate(BOTH, -6.2, 106.8)
    assert (found.kind, found.code, found.neighbour) == ("outside", None, None)
    assert 900_000 < found.distance_m < 1_000_000


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 200.0])
def test_what_is_no_point_on_earth_is_outside_at_no_distance(bad: float) -> None:
    for found in (
        locate(BOTH, bad, 101.1),
        locate(BOTH, 1.1, bad, 50.0),
        locate_ring(BOTH, ((1.0, 101.0), (1.1, bad), (1.1, 101.1))),
        locate_ring(BOTH, ()),
    ):
        assert (found.kind, found.code, found.distance_m) == ("outside", None, math.inf)


def test_a_circle_lies_in_all_areas_that_it_touches_by_its_share() -> None:
    found = locate(BOTH, 1.1, 101.2 - 250 / DEGREE_M, 1000.0)
    shares = {candidate.code: candidate.share for candidate in found.candidates}
    assert list(shares) == ["14.03.09", "14.03.13"]
    assert shares["14.03.09"] + shares["14.03.13"] == pytest.approx(1.0)
    assert shares["14.03.13"] == pytest.approx(0.3425, abs=0.005)  # of a circle cut at r/4


def test_a_circle_at_sea_is_told_by_the_land_that_it_touches() -> None:
    found = locate(BOTH, 1.23, 101.21, 5000.0)
    assert (found.kind, found.code) == ("sea", "14.03.13")
    assert 0 < sum(candidate.share for candidate in found.candidates) < 0.5


def test_a_circle_around_a_point_outside_names_no_area_but_tells_what_it_touches() -> None:
    found = locate(BOTH, 0.98, 101.1, 5000.0)
    assert (found.kind, found.code, found.neighbour) == ("outside", None, "siak")
    assert [candidate.code for candidate in found.candidates] == ["14.03.09"]


def test_a_radius_that_is_no_length_is_none() -> None:
    for radius in (math.nan, math.inf, -5.0, 0.0):
        assert locate(BOTH, 1.1, 101.199, radius).candidates == (Candidate("14.03.09", 1.0),)


def test_a_polygon_is_shared_out_and_its_direction_does_not_matter() -> None:
    ring = square(1.05, 101.14, 0.1)
    for told in (ring, ring[::-1], (*ring, ring[0])):
        shares = [(c.code, round(c.share, 3)) for c in locate_ring(BOTH, told).candidates]
        assert shares == [("14.03.09", 0.6), ("14.03.13", 0.4)]


def test_a_hole_belongs_to_whoever_lies_in_it() -> None:
    hole = square(1.05, 101.05, 0.05)
    outer = Area("a", "A", ((square(1.0, 101.0), hole),))
    inner = Area("b", "B", ((hole,),))
    assert locate(geography([outer, inner]), 1.07, 101.07).code == "b"
    assert locate(geography([outer]), 1.07, 101.07).kind == "sea"


def test_a_desa_is_told_before_its_kecamatan() -> None:
    desa = Area("14.03.09.1001", "Air Jamban", ((square(1.0, 101.0, 0.1),),))
    where = geography([WEST, desa])
    assert locate(where, 1.05, 101.05).code == "14.03.09.1001"
    assert locate(where, 1.15, 101.15).code == "14.03.09"
    assert sum(c.share for c in locate(where, 1.05, 101.05, 3000.0).candidates) <= 1


def test_without_areas_nothing_is_known_and_no_neighbour_is_named() -> None:
    for where in (Geography(), geography([], POINTS)):
        found = locate(where, 1.1, 101.1, 500.0)
        assert (found.kind, found.neighbour, found.distance_m) == ("outside", None, math.inf)


def test_where_no_areas_are_given_the_land_around_settlements_stands_in() -> None:
    places = {
        "a": Place("a", "A", "daratan", ((1.0, 101.0), (1.0, 101.1))),
        "b": Place("b", "B", "daratan", ((1.1, 101.0),)),
        "c": Place("c", "C", "daratan"),
    }
    where = geography(surroundings(places))
    assert [area.code for area in where.areas] == ["a", "b"]
    assert where.approximate
    assert locate(where, 1.04, 101.0).code == "a"
    assert locate(where, 1.06, 101.0).code == "b"
    assert locate(where, 1.0, 101.05).kind == "inside"
    assert locate(where, 1.0, 100.88).kind == "snapped"
