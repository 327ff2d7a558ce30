"""The place that agencies are told of is the best that is known, in letters that we made."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from small_deployment import small

from ivr.platforms.asterisk.pidf_out import exact, geoloc_variables
from routing.model import Desa, Directory, Location

_, SMALL = small()
MANDAU = "14.03.09"
AIR_JAMBAN = "14.03.09.1001"
PLACE = replace(SMALL.places[MANDAU], desa={AIR_JAMBAN: Desa(AIR_JAMBAN, "Air Jamban", "28783")})
DIRECTORY = replace(SMALL, places={**SMALL.places, MANDAU: PLACE})

CELL = Location("pani", MANDAU, 1.2856, 101.197, 850.4, confidence=0.7)
KEYED = Location("ivr_dtmf", MANDAU, confidence=0.95)


def told(location: Location | None, directory: Directory = DIRECTORY) -> dict[str, str]:
    return {name[15:-1]: value for name, value in geoloc_variables(location, directory)}


def test_a_cell_is_told_as_a_circle_that_goes_on_to_the_agencies_leg() -> None:
    assert told(CELL) == {
        "format": "GML",
        "location_info": 'shape=Circle,crs=2d,pos="1.285600 101.197000",radius=850',
        "pidf_element": "device",
        "pidf_element_id": "caller",
        "method": "Cell",
        "confidence": 'value="70",pdf="unknown"',
        "inheritable": "true",
    }


@pytest.mark.parametrize("radius", [None, 0.0, -1.0, math.nan, math.inf])
def test_without_a_radius_it_is_a_point(radius: float | None) -> None:
    info = told(replace(CELL, radius_m=radius))["location_info"]
    assert info == 'shape=Point,crs=2d,pos="1.285600 101.197000"'


def test_a_place_without_a_coordinate_is_told_by_its_names_and_its_code() -> None:
    said = told(KEYED)
    assert said["format"] == "civicAddress"
    assert said["location_info"].startswith('country="ID",A3="Mandau",')
    assert said["location_info"].endswith('ADDCODE="14.03.09"')
    assert said["method"] == "Manual"
    desa = told(replace(KEYED, code=AIR_JAMBAN))["location_info"]
    assert desa == 'country="ID",A3="Mandau",A4="Air Jamban",PC="28783",ADDCODE="14.03.09.1001"'


@pytest.mark.parametrize("lat", [math.nan, math.inf, 90.01, -200.0])
def test_a_coordinate_that_is_nowhere_is_not_told(lat: float) -> None:
    assert told(replace(CELL, lat=lat))["format"] == "civicAddress"


def test_what_came_in_a_pidf_lo_goes_on_with_its_whole_shape() -> None:
    assert told(replace(CELL, source="sip_pidf", shape="polygon")) == {}


def test_an_unknown_place_is_not_told() -> None:
    assert told(None) == {}
    assert told(Location("operator")) == {}
    assert told(Location("ivr_dtmf", "99.99.99")) == {}


@pytest.mark.parametrize(
    ("location", "word"),
    [
        (Location("aml_https", MANDAU, 1.0, 101.0, method="GPS"), "GPS"),
        (Location("aml_sms", MANDAU, 1.0, 101.0, method="wifi"), "802.11"),
        (Location("known_number", MANDAU, 1.0, 101.0, method="x\r\nA: b"), "Manual"),
    ],
)
def test_the_method_is_a_word_of_the_standard(location: Location, word: str) -> None:
    assert told(location)["method"] == word


def test_a_name_holds_nothing_that_would_end_it() -> None:
    place = replace(PLACE, name='Man"dau",A1="x\n<y>&${SHELL(id)}')
    info = told(KEYED, replace(DIRECTORY, places={MANDAU: place}))["location_info"]
    assert info == 'country="ID",A3="Man dau A1 x y SHELL id",ADDCODE="14.03.09"'


@pytest.mark.parametrize(("share", "percent"), [(math.nan, 0), (-1.0, 0), (2.0, 100)])
def test_a_confidence_is_a_percentage(share: float, percent: int) -> None:
    assert f'value="{percent}"' in told(replace(CELL, confidence=share))["confidence"]


def test_a_caller_who_names_the_kecamatan_his_phone_is_in_loses_no_coordinate() -> None:
    near = Location("sip_pidf", AIR_JAMBAN, 1.2856, 101.197, 20.0)
    elsewhere = Location("aml_https", "14.03.10", 1.7, 101.6, 5.0)
    assert exact(KEYED, (CELL, near, elsewhere)) == near
    assert exact(KEYED, (elsewhere,)) == KEYED
    assert exact(CELL, (CELL, near)) == CELL
    assert exact(None, (near,)) is None


def test_a_desa_that_was_named_is_not_overruled_by_a_point_in_another_one() -> None:
    named = replace(KEYED, code=AIR_JAMBAN)
    other = Location("aml_https", "14.03.09.1002", 1.3, 101.2, 5.0)
    inside = Location("sip_pidf", AIR_JAMBAN, 1.2856, 101.197, 90.0)
    assert exact(named, (other,)) == named
    assert exact(named, (other, inside)) == inside
    assert exact(named, (CELL,)) == CELL  # somewhere in the kecamatan, which denies no desa
    assert exact(KEYED, (other,)) == other


def test_the_desa_of_an_operator_gives_way_only_to_a_point_inside_it() -> None:
    named = Location("operator", AIR_JAMBAN, confidence=1.0)
    inside = Location("sip_pidf", AIR_JAMBAN, 1.2856, 101.197, 90.0)
    assert exact(named, (CELL,)) == named
    assert exact(named, (CELL, inside)) == inside
    assert exact(replace(named, code=MANDAU), (CELL,)) == CELL
