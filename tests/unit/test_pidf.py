"""What a network tells of a caller's place is a place on Earth, or nothing."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from location_world import IN_MANDAU, IN_PINGGIR, MANDAU, PINGGIR, asked
from structlog.testing import capture_logs

from ivr.location.pidf import LONGEST, Pidf, confidence, draw, pairs
from ivr.location.source import PIDF, PIDF_CONFIDENCE, PIDF_FORMAT, PIDF_METHOD
from routing.geography import distance_m
from routing.model import Location

CIRCLE = 'shape="Circle",crs="2d",pos="1.2500 101.2500",radius="50"'


def found(text: str, **more: str) -> Location | None:
    names = {"format": PIDF_FORMAT, "method": PIDF_METHOD, "sure": PIDF_CONFIDENCE}
    signalling = {PIDF: text, **{names[name]: value for name, value in more.items()}}
    locations = asyncio.run(Pidf().find(asked(signalling)))
    assert len(locations) <= 1
    return locations[0] if locations else None


def test_a_small_circle_inside_an_area_is_sure() -> None:
    location = found(CIRCLE, format="GML", method="GPS")
    assert location is not None
    assert (location.source, location.code, location.kind) == ("sip_pidf", MANDAU, "inside")
    assert (location.lat, location.lon, location.radius_m) == (1.25, 101.25, 50.0)
    assert (location.shape, location.method, location.raw) == ("circle", "gps", CIRCLE)
    assert location.confidence >= 0.9


@pytest.mark.parametrize(("method", "reach"), [("", 2000), ("GPS", 2000), ("Cell", 10_000)])
@pytest.mark.parametrize(
    ("text", "radius_m"),
    [
        ('shape="Point",crs="2d",pos="{} 101.2500"', None),
        ('shape="Circle",crs="2d",pos="{} 101.2500",radius="0"', 0.0),
    ],
)
def test_a_point_without_a_radius_is_not_sure_and_all_around_is_looked_at(
    text: str, radius_m: float | None, method: str, reach: float
) -> None:
    location = found(text.format(1.25), method=method)
    assert location is not None
    assert (location.code, location.radius_m, location.shape) == (MANDAU, radius_m, "point")
    assert 0.5 <= location.confidence < 0.9
    within = found(text.format(1.15 + 0.9 * reach / 111_195), method=method)
    beyond = found(text.format(1.15 + 1.1 * reach / 111_195), method=method)
    assert within is not None
    assert beyond is not None
    assert len(within.candidates) == 2
    assert reach > 9000 or len(beyond.candidates) == 1


def test_latitude_comes_first() -> None:
    swapped = found('shape="Point",pos="101.25 1.25"')
    assert swapped is None  # there is no latitude 101


def test_a_circle_over_a_boundary_gives_shares() -> None:
    location = found('shape="Circle",pos="1.16 101.25",radius="3000"')
    assert location is not None
    shares = {candidate.code: candidate.share for candidate in location.candidates}
    assert shares[MANDAU] > shares[PINGGIR] > 0
    assert location.code == MANDAU
    assert location.confidence < 0.9


def test_a_circle_that_holds_the_phone_only_now_and_then_reaches_farther() -> None:
    sure = found('shape="Circle",pos="1.17 101.25",radius="1500"', sure="95")
    unsure = found('shape="Circle",pos="1.17 101.25",radius="1500"', sure='pdf="normal",value="40"')
    assert sure is not None
    assert unsure is not None
    assert unsure.confidence < sure.confidence
    assert unsure.radius_m == 1500.0


def test_a_place_outside_is_kept_and_names_no_kecamatan() -> None:
    location = found('shape="Point",pos="-6.2 106.8"')
    assert location is not None
    assert (location.code, location.lat, location.lon) == (None, -6.2, 106.8)
    assert (location.kind, location.confidence) == ("outside", 0.0)


@pytest.mark.parametrize(
    ("text", "shape", "code"),
    [
        (
            'shape="Ellipse",crs="2d",pos="1.25 101.25",semiMajorAxis="900",semiMinorAxis="300",'
            'orientation="20 degrees"',
            "ellipse",
            MANDAU,
        ),
        (
            'shape="Ellipsoid",crs="3d",pos="1.05 101.25 12",semiMajorAxis="900",semiMinorAxis="300",'
            'verticalAxis="20",orientation="0.3 radians"',
            "ellipse",
            PINGGIR,
        ),
        (
            'shape="Polygon",crs="2d",pos="1.2 101.2",pos="1.2 101.3",pos="1.3 101.3",pos="1.2 101.2"',
            "polygon",
            MANDAU,
        ),
        (
            'shape="Polygon",crs="2d",posList="1.2 101.2 1.2 101.3 1.3 101.3 1.2 101.2"',
            "polygon",
            MANDAU,
        ),
        (
            'shape="Prism",crs="3d",posList="1.0 101.2 5 1.0 101.3 5 1.1 101.3 5",height="9"',
            "polygon",
            PINGGIR,
        ),
        (
            'shape="ArcBand",crs="2d",pos="1.25 101.25",innerRadius="500",outerRadius="1500",'
            'startAngle="30 degrees",openingAngle="120 degrees"',
            "polygon",
            MANDAU,
        ),
        (
            'shape="ArcBand",pos="1.25 101.25",innerRadius="0",outerRadius="1500",'
            'startAngle="0",openingAngle="360"',
            "circle",
            MANDAU,
        ),
        ('shape="Sphere",crs="3d",pos="1.05 101.25 30.5",radius="100"', "circle", PINGGIR),
        ('shape="Point",crs="3d",pos="1.05 101.25 30.5"', "point", PINGGIR),
    ],
)
def test_every_shape_of_the_standard_is_placed(text: str, shape: str, code: str) -> None:
    location = found(text)
    assert location is not None
    assert (location.shape, location.code, location.kind) == (shape, code, "inside")
    assert location.lat is not None
    assert location.lon is not None


def test_a_sector_lies_on_the_side_it_opens_to() -> None:
    eastward = 'shape="ArcBand",pos="1.15 101.25",innerRadius="100",outerRadius="9000",{}'
    north = found(eastward.format('startAngle="-20",openingAngle="40"'))
    south = found(eastward.format('startAngle="160",openingAngle="40"'))
    assert north is not None
    assert south is not None
    assert (north.code, south.code) == (MANDAU, PINGGIR)


def test_an_ellipse_is_turned_clockwise_from_north() -> None:
    drawn = draw(
        pairs(
            'shape="Ellipse",pos="1.25 101.25",semiMajorAxis="5000",semiMinorAxis="100",'
            'orientation="90"'
        )
        or {}
    )
    assert drawn is not None
    assert drawn.ring is not None
    high = max(lat for lat, _ in drawn.ring) - 1.25
    wide = max(lon for _, lon in drawn.ring) - 101.25
    assert math.isclose(wide * 111_195, 5000, rel_tol=0.01)
    assert math.isclose(high * 111_195, 100, rel_tol=0.05)


def ring(corners: list[tuple[float, float]]) -> str:
    return 'shape="Polygon",posList="' + " ".join(f"{lat} {lon}" for lat, lon in corners) + '"'


BOW_TIE = [(1.2, 101.2), (1.3, 101.3), (1.2, 101.3), (1.3, 101.2)]
ZIGZAG = [(1.2 + number % 2 / 10, 101.2 + number / 2000) for number in range(130)]
FINE = [
    (1.25 + 0.05 * math.cos(turn / 100 * math.tau), 101.25 + 0.05 * math.sin(turn / 100 * math.tau))
    for turn in range(100)
]


@pytest.mark.parametrize("corners", [BOW_TIE, ZIGZAG, ZIGZAG[:32], FINE])
def test_a_ring_that_is_too_fine_or_crosses_itself_is_the_circle_around_it(
    corners: list[tuple[float, float]],
) -> None:
    drawn = draw(pairs(ring(corners)) or {})
    assert drawn is not None
    assert (drawn.shape, drawn.ring) == ("circle", None)
    assert drawn.radius_m is not None
    assert all(distance_m((drawn.lat, drawn.lon), at) <= drawn.radius_m + 0.1 for at in corners)
    location = found(ring(corners))
    assert location is not None
    assert location.code == MANDAU


def test_a_ring_of_as_many_corners_as_may_be_is_looked_up_as_it_is() -> None:
    drawn = draw(pairs(ring([*FINE[::4], (1.3, 101.25)])) or {})
    assert drawn is not None
    assert drawn.ring is not None
    assert drawn.shape == "polygon"


@pytest.mark.parametrize(
    "text",
    [
        'shape="Circle",pos="1.2 101.2",radius="60001"',
        ring([(1.0, 101.0), (1.0, 102.2), (2.2, 102.2), (2.2, 101.0)]),
        ring([(1.0 + number % 2 * 1.2, 101.0 + number / 100) for number in range(120)]),
    ],
)
def test_a_shape_that_reaches_over_sixty_kilometres_is_no_place(text: str) -> None:
    assert draw(pairs(text) or {}) is None


NO_PLACE = [
    "unknown",
    'shape="Point"',
    'shape="Point",pos=""',
    'shape="Point",pos="1.2"',
    'shape="Point",pos="1.2 101.2 5.0 7"',
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
    'shape="Point",pos="0 0"',
    'shape="Point",pos="1.2 101.2",pos="1.3 101.3"',
    'shape="Circle",pos="1.2 101.2"',
    'shape="Circle",pos="1.2 101.2",radius="nan"',
    'shape="Circle",pos="1.2 101.2",radius="inf"',
    'shape="Circle",pos="1.2 101.2",radius="-1"',
    'shape="Circle",pos="1.2 101.2",radius="dekat"',
    'shape="Circle",pos="1.2 101.2",radius="40000000"',
    'pos="1.2 101.2"',
    'shape="Polygon",pos="1.2 101.2"',
    'shape="Polygon",pos="1.2 101.2",pos="1.2 101.2",pos="1.2 101.2",pos="1.2 101.2"',
    'shape="Polygon",pos="1.1 101.1",pos="1.2 101.2",pos="1.3 101.3"',
    'shape="Polygon",posList="1.2 101.2 1.3"',
    'shape="Polygon",posList="1.2 101.2 1.3 nan 1.4 101.5"',
    'shape="Polygon",pos="-60 -100",pos="60 -100",pos="60 100"',
    'shape="Polygon",' + ",".join(f'pos="1.2 101.{at}"' for at in range(200, 900)),
    'shape="Polygon",posList="' + " ".join(f"1.2 101.{at}" for at in range(200, 900)) + '"',
    'shape="Polygon",posList="' + "1.2 101.2 " * 5000 + '"',
    'shape="Ellipse",pos="1.2 101.2"',
    'shape="Ellipse",pos="1.2 101.2",semiMajorAxis="1",semiMinorAxis="0",orientation="0"',
    'shape="Ellipse",pos="1.2 101.2",semiMajorAxis="1",semiMinorAxis="2",orientation="0"',
    'shape="Ellipse",pos="1.2 101.2",semiMajorAxis="2",semiMinorAxis="1",orientation="nan degrees"',
    'shape="Ellipse",pos="1.2 101.2",semiMajorAxis="2",semiMinorAxis="1",orientation="1 gon"',
    'shape="Ellipse",pos="89.9 101.2",semiMajorAxis="9000",semiMinorAxis="100",orientation="0"',
    'shape="ArcBand",pos="1.2 101.2",innerRadius="9",outerRadius="1",startAngle="0",openingAngle="9"',
    'shape="point",pos="1.2 101.2"',
    'shape="Point" pos=1.2 101.2',
    'shape="Point",pos="1.25 101.25',
    'shape="Point",pos="1.25 101.25"x',
    'shape="Point",pos="1.25 101.25\x00"',
    'shape="Point",pos="1.25\n101.25"',
    'shape="Point",pos="' + "1" * 5000 + ' 2"',
    'shape="Point","pos"="1.25 101.25"',
    "x" * 2000 + CIRCLE,
    (CIRCLE + ",") * 500,
    '<!DOCTYPE lolz [<!ENTITY lol "lol">]><presence>&lol;</presence>',
    'shape="Point",pos="&xxe; 101.2"',
    "A" * 1_000_000,
    "\ud800\udfff",
]


@pytest.mark.parametrize("text", NO_PLACE)
def test_what_is_no_place_on_earth_is_no_location_and_one_line_in_the_log(text: str) -> None:
    with capture_logs() as lines:
        assert found(text) is None
    assert len(lines) == 1
    assert all(key in ("event", "log_level", "length", "pii_received") for key in lines[0])


def test_no_location_is_no_line_in_the_log() -> None:
    with capture_logs() as lines:
        assert found("") is None
        assert found("  ") is None
    assert lines == []


@pytest.mark.parametrize(
    "text", ['URI="https://lis.invalid/abc"', 'shape="Point",pos="1.25 101.25"']
)
def test_a_location_by_reference_is_not_fetched(text: str) -> None:
    with capture_logs() as lines:
        assert found(text, format="URI") is None
    assert [line["event"] for line in lines] == ["pidf_by_reference"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("66", 0.66),
        ('pdf="normal",value="66"', 0.66),
        ('pdf="unknown",value="95.5"', 0.955),
        ('value="101"', None),
        ('value="nan"', None),
        ('pdf="normal"', None),
        ("x" * 100_000, None),
    ],
)
def test_confidence_is_told_in_per_cent(text: str, expected: float | None) -> None:
    assert confidence(text) == expected


@given(
    st.text(max_size=200)
    | st.builds(
        'shape="{}",pos="{} {}",radius="{}"'.format,
        st.sampled_from(["Point", "Circle", "Polygon", "Sphere"]),
        st.floats(),
        st.floats(),
        st.floats(),
    )
    | st.builds(
        'shape="Ellipse",pos="{} {}",semiMajorAxis="{}",semiMinorAxis="{}",orientation="{}"'.format,
        *[st.floats(-200, 200)] * 5,
    )
    | st.builds(
        'shape="ArcBand",pos="{} {}",innerRadius="{}",outerRadius="{}",startAngle="{}",'
        'openingAngle="{}"'.format,
        *[st.floats(-200, 200)] * 6,
    )
    | st.lists(st.floats(-200, 200).map(str), max_size=20).map(
        lambda numbers: f'shape="Polygon",posList="{" ".join(numbers)}"'
    )
)
def test_whatever_a_caller_sends_no_location_is_off_the_earth(text: str) -> None:
    location = found(text)
    if location is not None and location.shape != "civic":
        assert location.lat is not None
        assert location.lon is not None
        assert abs(location.lat) <= 90
        assert abs(location.lon) <= 180
        assert location.radius_m is None or 0 <= location.radius_m < math.inf


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z]\w{0,10}", fullmatch=True), st.text("abc 1.2,=", max_size=9)
    )
)
def test_pairs_come_back_as_they_were_written(fields: dict[str, str]) -> None:
    text = ",".join(f'{name}="{value}"' for name, value in fields.items())
    assert pairs(text) == {name: [value.strip()] for name, value in fields.items()}


def test_the_areas_may_be_approximate_and_then_nothing_is_sure() -> None:
    here = asked({PIDF: CIRCLE}, approximate=True)
    (location,) = asyncio.run(Pidf().find(here))
    assert location.code == MANDAU
    assert 0.5 <= location.confidence <= 0.7


def test_what_was_told_is_kept_up_to_two_kilobytes() -> None:
    corners = " ".join(f"{1.2 + at / 10000:.4f} {101.2 + at % 7 / 1000:.4f}" for at in range(150))
    text = f'shape="Polygon",posList="{corners}"'
    assert 2048 < len(text) < LONGEST
    location = found(text)
    assert location is not None
    assert location.raw == text[:2048]


def test_points_of_the_world_are_where_the_tests_think() -> None:
    for point, code in ((IN_MANDAU, MANDAU), (IN_PINGGIR, PINGGIR)):
        location = found(f'shape="Point",pos="{point[0]} {point[1]}"')
        assert location is not None
        assert location.code == code
