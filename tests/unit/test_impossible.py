"""What came with a call is kept from agencies only where it cannot be a place at all."""

from __future__ import annotations

import pytest

from ivr.location.impossible import is_impossible
from ivr.location.source import PANI, PIDF, PIDF_FORMAT

CIRCLE = 'shape="Circle",crs="2d",pos="1.2856 101.197",radius="50"'


@pytest.mark.parametrize(
    "text",
    [
        'shape="Circle",crs="2d",pos="200.0 200.0",radius="50"',
        'shape="Circle",crs="2d",pos="nan 101.2",radius="50"',
        'shape="Point",pos="1.2"',
        'shape="Point",pos=""',
        'shape="Point",pos="0 0"',  # what a device says that knows nothing
        'shape="Polygon",pos="1.0 101.0",pos="1.1 101.0",pos="91 101.1"',
        'shape="Polygon",crs="2d",posList="1.0 101.0 1.1 101.0 1.1 181.0"',
        'shape="Polygon",crs="2d",posList="1.0 101.0 1.1"',
        'shape="Polygon",crs="3d",posList="1.0 101.0 5 95 101.0 5 1.1 101.1 5"',
        'shape="Point",pos="95 101.2",crs="2',  # cut, but the number stands there
        "<presence><oops",
        'country="ID",LMK="toko "maju"",A3="Mandau"',
    ],
)
def test_what_is_nowhere_on_earth_or_does_not_read_is_impossible(text: str) -> None:
    assert is_impossible({PIDF: text})


@pytest.mark.parametrize(
    "text",
    [
        CIRCLE,
        'shape="Point",pos="52.1 5.1"',  # on no map of ours, but on Earth
        'shape="Circle",pos="1.2 101.2",radius="900000"',
        'shape="Hexagon",pos="1.2 101.2"',
        'shape="Sphere",crs="3d",pos="1.2 101.2 30",radius="5"',
        'shape="Polygon",crs="3d",posList="1.0 101.0 5 1.1 101.0 5 1.1 101.1 5"',
        'country="ID",RD="Jalan Sudirman",HNO="5"',
        'country="NL",A3="Utrecht"',
        'shape="Polygon",pos="1.0 101.0",pos="1.1 101.0",pos="1.1 10',
        'shape="Polygon",pos="1.0 101.0",po',
        'shape="Poly',
    ],
)
def test_what_we_merely_cannot_place_or_what_was_cut_is_not(text: str) -> None:
    assert not is_impossible({PIDF: text})


def test_a_location_by_reference_and_none_at_all_are_not() -> None:
    assert not is_impossible({PIDF: "https://lis.example/1", PIDF_FORMAT: "URI"})
    assert not is_impossible({PIDF: 'URI="https://lis.example/1"'})
    assert not is_impossible({PIDF: " "})
    assert not is_impossible({PANI: "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=zzzz"})
