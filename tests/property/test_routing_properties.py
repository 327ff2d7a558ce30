"""Whatever is asked, routing answers; whatever is written, the directory is read or refused."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from small_deployment import shipped

from routing.boundaries import EARTH_M
from routing.decide import SURE, decide
from routing.directory import read_directory
from routing.geography import distance_m, geography, locate, surroundings
from routing.model import (
    OPERATOR,
    SERVICES,
    Agency,
    Contact,
    Directory,
    Location,
    Operator,
    Place,
)

_, BENGKALIS = shipped()
CODES = ("a", "b", "c", "d")

AROUND = geography(surroundings(BENGKALIS.places))
any_float = st.floats(allow_nan=True, allow_infinity=True)
incidents = st.none() | st.sampled_from(list(SERVICES)) | st.text(max_size=30)
locations = st.none() | st.builds(
    Location,
    source=st.text(max_size=10),
    code=st.none() | st.sampled_from([*CODES, *BENGKALIS.places]) | st.text(max_size=12),
    lat=st.none() | any_float,
    lon=st.none() | any_float,
    radius_m=st.none() | any_float,
    confidence=any_float,
)
contacts = st.lists(
    st.builds(Contact, via=st.sampled_from(["x", "y"]), number=st.sampled_from(["101", "102"])),
    max_size=3,
).map(tuple)
agencies = st.lists(
    st.builds(
        Agency,
        id=st.sampled_from(["p", "q", "r", "s", "t"]),
        name=st.text(max_size=5),
        handles=st.frozensets(st.sampled_from(list(SERVICES)), max_size=3),
        covers=st.frozensets(st.sampled_from(CODES)),
        contacts=contacts,
    ),
    max_size=6,
    unique_by=lambda agency: agency.id,
)
directories = st.builds(
    lambda found, numbers: Directory(
        tuple(found),
        (Operator("pusat", "Petugas", numbers),),
        {},
        (),
        {code: Place(code, code.upper(), "daratan") for code in CODES},
    ),
    agencies,
    contacts,
)


@given(st.just(BENGKALIS) | directories, incidents, locations)
@settings(max_examples=400)
def test_a_decision_is_made_of_those_who_serve_and_ends_at_a_person(
    directory: Directory, incident: str | None, location: Location | None
) -> None:
    decision = decide(directory, incident, location)
    assert decision == decide(directory, incident, location)
    *routes, last = decision.routes
    assert last.agency == OPERATOR
    assert decision.because[-1].rule_id == "operator-last"
    by_id = {agency.id: agency for agency in directory.agencies}
    said = " ".join(reason.text for reason in decision.because)
    place = directory.places.get((location.code or "")[:8]) if location else None
    here = {place.code} if place else set(directory.places)
    for route in routes:
        agency = by_id[route.agency]
        assert incident in agency.handles
        assert place is not None or agency.covers >= here
        assert agency.id in said
    serving = [
        a for a in directory.agencies if incident in a.handles and a.covers >= here
    ]  # nobody who serves is left out
    dialled = {r.agency for r in routes}
    assert dialled >= {a.id for a in serving if a.contacts}
    assert len(routes) == sum(len(by_id[name].contacts) for name in dialled)
    everywhere = set(directory.places)
    order = [
        (not by_id[r.agency].covers >= here, by_id[r.agency].covers >= everywhere) for r in routes
    ]
    assert order == sorted(order)
    guessed = place is not None and incident in SERVICES
    low = any(reason.rule_id == "low-confidence" for reason in decision.because)
    assert low == (guessed and not (location is not None and location.confidence >= SURE))


@given(any_float, any_float, any_float)
@settings(max_examples=300)
def test_any_numbers_are_located_or_outside(lat: float, lon: float, radius_m: float) -> None:
    found = locate(AROUND, lat, lon, radius_m)
    assert (found.kind == "outside") == (found.code is None) == (found.name is None)
    assert found.distance_m >= 0
    if found.code is not None:
        assert found.name == BENGKALIS.places[found.code].name


@given(st.sampled_from([(p.code, at) for p in BENGKALIS.places.values() for at in p.points]))
def test_a_settlement_lies_in_its_own_kecamatan(known: tuple[str, tuple[float, float]]) -> None:
    code, (lat, lon) = known
    found = locate(AROUND, lat, lon)
    assert (found.code, found.kind) == (code, "inside")


points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(points, points)
def test_distances_are_the_same_both_ways_and_fit_on_the_earth(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    there = distance_m(one, other)
    assert abs(there - distance_m(other, one)) <= 1e-3
    assert 0 <= there <= 3.1416 * EARTH_M
    assert distance_m(one, one) == 0


def tree_with(number: str) -> dict[str, object]:
    return {
        "places": {"kecamatan": {"a": {"name": "A", "block": "daratan"}}},
        "trunks": {"keluar": {"jasnita": {"host": "10.1.2.3"}}},
        "operators": {"pusat": {"name": "P", "contacts": [{"via": "jasnita", "number": number}]}},
    }


@given(
    st.text(max_size=30)
    | st.text("0123456789*#sip:@.ISI-NOMOR&,;\n\r/|${}", max_size=30)
    | st.from_regex(r"sip:[a-z.]+@[a-z0-9.]+(:[0-9]+)?[\n;&,]?", fullmatch=True)
)
@settings(max_examples=500)
def test_no_number_that_is_accepted_can_mean_more_than_a_number(number: str) -> None:
    directory, problems = read_directory(tree_with(number))
    if directory is None:
        assert [p.path for p in problems] == [("pusat", "contacts", 0, "number")]
    else:
        assert not re.search(r"[^0-9A-Za-z*#:@._+-]", number)
        assert number.startswith("sip:") or not re.search(r"[^0-9*#A-Z-]", number)


texts = st.text(max_size=12) | st.sampled_from(
    ["semua", "kebakaran", "101", "sip:a@b", "15s", "jasnita", "1.5", "nan", "ISI-NOMOR", "press"]
)
keys = st.text(max_size=8) | st.sampled_from(
    ["keluar", "masuk", "kecamatan", "name", "handles", "covers", "contacts", "via", "number", "ring",
     "accept", "host", "channels", "addresses", "header", "block", "points", "pusat", "jasnita", "14.03.09"]
)  # fmt: skip
trees = st.recursive(
    texts | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["agencies", "trunks", "operators", "places", "x"]), trees))
@settings(max_examples=300)
def test_a_tree_of_any_shape_is_read_or_told(tree: dict[str, object]) -> None:
    directory, problems = read_directory(tree)
    assert (directory is None) == bool(problems)
    for problem in problems:
        assert problem.file in ("agencies", "trunks", "operators", "places")
        assert problem.message
