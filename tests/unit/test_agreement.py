"""How far the areas that are shipped agree with surveyed ones, and that what is known is right.

The shipped areas are our own approximation, which an administrator replaces by the kabupaten's layer.
The aim was 95 % of the land and 90 % of the desa. IT IS NOT REACHED (85 % and 86 %): the floors stand
just under what is, so that a change for the worse is noticed. Locations found with these areas therefore never
count as sure. The surveyed areas are not part of this project; where the folder that ``SIAGA_GEO_REFERENCE``
names (or ``../shared/geo``) is not there, the comparison is skipped and says so.
"""

from __future__ import annotations

import csv
import json
import os
import random
from pathlib import Path

import pytest
from shapely import Polygon
from shapely.ops import unary_union
from small_deployment import ROOT, SHIPPED

from ivr.deployment import read
from ivr.flow.areas_file import read_areas
from ivr.flow.loader import load
from routing.geography import Area, geography, locate

LAND_FLOOR = 0.84
DESA_FLOOR = 0.85

REFERENCE = Path(os.environ.get("SIAGA_GEO_REFERENCE", ROOT.parent / "shared" / "geo"))
SURVEYED = REFERENCE / "kecamatan_150m.geojson"

LOADED = load(read(SHIPPED).files)
SHIPPED_AREAS = LOADED.geography

needs_reference = pytest.mark.skipif(
    not SURVEYED.exists(),
    reason=f"AGREEMENT NOT MEASURED: no surveyed areas in {REFERENCE}; set SIAGA_GEO_REFERENCE",
)


def shape(area: Area) -> object:
    return unary_union(
        [
            Polygon(
                [(lon, lat) for lat, lon in outer], [[(x, y) for y, x in hole] for hole in holes]
            )
            for outer, *holes in area.polygons
        ]
    )


SHAPES = {area.code: shape(area) for area in (*SHIPPED_AREAS.areas, *SHIPPED_AREAS.grounds)}


@needs_reference
def test_the_land_agrees_with_the_survey() -> None:
    surveyed = geography(read_areas(SURVEYED.read_text(encoding="utf-8"), ())[0])
    chance = random.Random(112)
    points: list[tuple[str | None, float, float]] = []
    while len(points) < 5000:
        lat, lon = chance.uniform(0.8, 2.2), chance.uniform(100.8, 102.6)
        found = locate(surveyed, lat, lon)
        if found.kind == "inside":
            points.append((found.code, lat, lon))
    agree = sum(locate(SHIPPED_AREAS, lat, lon).code == code for code, lat, lon in points) / 5000
    print(f"land: {agree:.1%} of 5,000 points; the aim is 95 %")
    assert agree >= LAND_FLOOR


@needs_reference
def test_the_desa_agree_with_the_survey() -> None:
    with (REFERENCE / "desa.csv").open(encoding="utf-8") as file:
        desa = list(csv.DictReader(file))
    right = [
        row["code"].startswith(
            locate(SHIPPED_AREAS, float(row["lat"]), float(row["lng"])).code or "-"
        )
        for row in desa
    ]
    agree = sum(right) / len(right)
    print(f"desa: {agree:.1%} of {len(right)}; the aim is 90 %")
    assert agree >= DESA_FLOOR


@pytest.mark.parametrize(
    ("place", "lat", "lon", "code"),
    [
        ("Duri, Batang Serosa", 1.27, 101.20, "14.03.09"),
        ("Duri, Air Jamban", 1.2856, 101.197, "14.03.09"),
        ("Tanjung Medang", 2.10, 101.65, "14.03.11"),
        ("Sungai Pakning", 1.37, 102.15, "14.03.03"),
        ("Bengkalis, 240 m off the shore", 1.47, 102.10, "14.03.01"),
        ("Bengkalis Kota", 1.4695, 102.1085, "14.03.01"),
    ],
)
def test_a_town_lies_in_its_kecamatan(place: str, lat: float, lon: float, code: str) -> None:
    found = locate(SHIPPED_AREAS, lat, lon)
    assert (found.code, found.kind in ("inside", "snapped")) == (code, True), place


def test_every_kecamatan_has_an_area_that_holds_its_known_point() -> None:
    assert LOADED.directory is not None
    places = LOADED.directory.places
    assert [area.code for area in SHIPPED_AREAS.areas] == sorted(places)
    for place in places.values():
        assert locate(SHIPPED_AREAS, *place.points[0]).code == place.code, place.name


def test_the_shipped_areas_say_that_they_are_approximate_and_how_they_were_made() -> None:
    text = (SHIPPED / "areas.geojson").read_text(encoding="utf-8")
    assert SHIPPED_AREAS.approximate
    assert "BUKAN batas resmi" in json.loads(text)["source"]
    assert len(text) < 60_000


def test_land_blocks_do_not_touch() -> None:
    assert LOADED.directory is not None
    blocks: dict[str, list[object]] = {}
    for place in LOADED.directory.places.values():
        blocks.setdefault(place.block, []).append(SHAPES[place.code])
    whole = [unary_union(shapes) for shapes in blocks.values()]
    assert len(whole) == 3
    for number, one in enumerate(whole):
        for other in whole[number + 1 :]:
            assert one.distance(other) > 0.01  # a kilometre


def test_areas_and_the_land_of_neighbours_do_not_overlap() -> None:
    codes = list(SHAPES)
    for number, one in enumerate(codes):
        for other in codes[number + 1 :]:
            common = SHAPES[one].intersection(SHAPES[other]).area
            assert common < 0.001 * SHAPES[one].area, (one, other)


@pytest.mark.parametrize(
    ("town", "lat", "lon", "neighbour"),
    [
        ("Dumai", 1.66, 101.44, "dumai"),
        ("Siak Sri Indrapura", 0.80, 102.05, "siak"),
        ("Ujung Tanjung", 1.60, 100.90, "rokan-hilir"),
        ("Pasir Pengaraian", 0.90, 100.40, "rokan-hulu"),
        ("Selatpanjang", 1.00, 102.70, "kepulauan-meranti"),
    ],
)
def test_a_town_of_a_neighbour_is_the_neighbours(
    town: str, lat: float, lon: float, neighbour: str
) -> None:
    found = locate(SHIPPED_AREAS, lat, lon)
    assert (found.kind, found.code, found.neighbour) == ("outside", None, neighbour), town
