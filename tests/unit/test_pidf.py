"""What a network tells of a caller's place is a place on Earth, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_deployment import small

from ivr.location import pidf
from routing.model import Location

PLACES = small()[1].places
MANDAU = 'shape="Circle",crs="2d",pos="1.2690 101.2940",radius="50"'


def test_a_circle_is_a_location_in_its_kecamatan() -> None:
    assert pidf.read(MANDAU, PLACES, "cell") == Location(
        source="sip_pidf",
        code="14.03.09",
        lat=1.2690,
        lon=101.2940,
        radius_m=50.0,
        confidence=0.6,
        method="cell",
    )


def test_a_point_has_no_radius() -> None:
    found = pidf.read('shape="Point",crs="2d",pos="1.2690 101.2940"', PLACES)
    assert found is not None
    assert (found.code, found.radius_m) == ("14.03.09", 0.0)


def test_a_place_outside_is_kept_and_names_no_kecamatan() -> None:
    found = pidf.read('shape="Point",pos="-6.2 106.8"', PLACES)
    assert found is not None
    assert (found.code, found.lat, found.lon, found.confidence) == (None, -6.2, 106.8, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        'shape="Point"',
        'shape="Point",pos=""',
        'shape="Point",pos="1.2"',
        'shape="Point",pos="1.2 101.2 5.0"',
        'shape="Point",pos="1,2 101,2"',
        'shape="Point",pos="utara barat"',
        'shape="Point",pos="nan nan"',
        'shape="Point",pos="nan 101.2"',
        'shape="Point",pos="1.2 inf"',
        'shape="Point",pos="1e999 101.2"',
        'shape="Point",pos="200 101.2"',
        'shape="Point",pos="-90.1 101.2"',
        'shape="Point",pos="1.2 200"',
        'shape="Point",pos="1.2 -180.5"',
        'shape="Circle",pos="1.2 101.2",radius="nan"',
        'shape="Circle",pos="1.2 101.2",radius="inf"',
        'shape="Circle",pos="1.2 101.2",radius="-1"',
        'shape="Circle",pos="1.2 101.2",radius="dekat"',
        'pos="1.2 101.2"',
        'shape="Polygon",crs="2d",pos_list="1.2 101.2 1.3 101.3 1.2 101.3 1.2 101.2"',
        'shape="Polygon",pos="1.2 101.2"',
        'shape="Ellipse",pos="1.2 101.2"',
        'shape="point",pos="1.2 101.2"',
        'shape="Point" pos=1.2 101.2',
        'shape="Point",pos="' + "1" * 5000 + ' 2"',
        "x" * 2000 + MANDAU,
    ],
)
def test_what_is_no_place_on_earth_is_no_location(text: str) -> None:
    assert pidf.read(text, PLACES) is None


@given(
    st.text(max_size=200)
    | st.builds(
        'shape="{}",pos="{} {}",radius="{}"'.format,
        st.sampled_from(["Point", "Circle", "Polygon"]),
        st.floats(),
        st.floats(),
        st.floats(),
    )
)
def test_whatever_a_caller_sends_no_location_is_off_the_earth(text: str) -> None:
    found = pidf.read(text, PLACES)
    if found is not None:
        assert found.lat is not None
        assert found.lon is not None
        assert found.radius_m is not None
        assert abs(found.lat) <= 90
        assert abs(found.lon) <= 180
        assert found.radius_m >= 0
