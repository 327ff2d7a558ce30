"""Who is dialled, in which order, and what is said about it."""

from __future__ import annotations

import math

import pytest
from small_deployment import shipped

from routing.decide import decide
from routing.explain import explain, to_json
from routing.geography import geography, locate, surroundings
from routing.model import (
    OPERATOR,
    SERVICES,
    Agency,
    Contact,
    Directory,
    Location,
    Operator,
    Place,
    Route,
    RouteDecision,
)

_, BENGKALIS = shipped()
KECAMATAN = sorted(BENGKALIS.places)
ODD_PLACES: list[Location | None] = [
    None,
    Location("ivr_dtmf"),
    Location("ivr_dtmf", "99.99.99", confidence=1.0),
    Location("sip_pidf", "'; DROP TABLE calls; --\n", math.nan, math.inf, -1.0, math.nan),
]


def at(code: str, confidence: float = 0.9) -> Location:
    return Location("ivr_dtmf", code, confidence=confidence)


def agency(name: str, *covers: str, handles: str = "kebakaran", contacts: int = 1) -> Agency:
    numbers = tuple(Contact(f"trunk-{n}", f"10{n}") for n in range(contacts))
    return Agency(name, name, frozenset({handles}), frozenset(covers), numbers)


def directory(*agencies: Agency) -> Directory:
    places = {code: Place(code, f"Kecamatan {code}", "daratan") for code in ("a", "b", "c")}
    return Directory(
        agencies, (Operator("pusat", "Petugas", (Contact("pusat-sip", "1"),)),), {}, (), places
    )


def dialled(decision: RouteDecision) -> list[str]:
    return [route.agency for route in decision.routes]


def rules(decision: RouteDecision) -> list[str]:
    return [reason.rule_id for reason in decision.because]


@pytest.mark.parametrize("incident", [*SERVICES, None, "", "gempa bumi\r\n", "OPERATOR"])
def test_every_call_has_a_route_and_the_last_is_a_person(incident: str | None) -> None:
    for place in [*map(at, KECAMATAN), *ODD_PLACES]:
        decision = decide(BENGKALIS, incident, place)
        assert decision.routes[-1] == Route(OPERATOR, "pusat-sip", "")
        assert dialled(decision).count(OPERATOR) == 1
        assert rules(decision)[-1] == "operator-last"


@pytest.mark.parametrize("incident", SERVICES)
def test_as_shipped_every_incident_has_an_agency_in_every_kecamatan(incident: str) -> None:
    # The animal wardens of Duri serve the mainland; the fire posts serve animals everywhere.
    for code in KECAMATAN:
        assert len(dialled(decide(BENGKALIS, incident, at(code)))) > 1, (incident, code)


@pytest.mark.parametrize("incident", SERVICES)
def test_as_shipped_those_who_serve_come_first_and_the_posts_next_to_them_last(
    incident: str,
) -> None:
    by_id = {agency.id: agency for agency in BENGKALIS.agencies}
    everywhere = set(BENGKALIS.places)
    for code in KECAMATAN:
        found = [by_id[name] for name in dialled(decide(BENGKALIS, incident, at(code)))[:-1]]
        assert all(incident in one.handles for one in found)
        order = [(code not in one.covers, one.covers >= everywhere) for one in found]
        assert order == sorted(order)
        here = [len(one.covers) for one in found if code in one.covers]
        assert here == sorted(here)


def test_a_fire_in_mandau_goes_to_its_post_by_every_way_then_to_the_next_post_and_to_a_person() -> (
    None
):
    decision = decide(BENGKALIS, "kebakaran", at("14.03.09"))
    assert decision.routes == (
        Route("damkar-mandau", "damkar-sip", "101", 20.0, "answer"),
        Route("damkar-mandau", "jasnita", "ISI-NOMOR", 15.0, "press"),
        Route("damkar-pinggir", "damkar-sip", "102", 20.0, "answer", reserve=True),
        Route("damkar-pinggir", "jasnita", "ISI-NOMOR", 15.0, "press", reserve=True),
        Route("damkar-bukit-batu", "damkar-sip", "103", 20.0, "answer", reserve=True),
        Route("damkar-bukit-batu", "jasnita", "ISI-NOMOR", 15.0, "press", reserve=True),
        Route(OPERATOR, "pusat-sip", ""),
    )
    assert [reason.text for reason in decision.because] == [
        "damkar-mandau menangani kebakaran di Mandau (14.03.09)",
        "damkar-pinggir melayani tempat lain di daratan yang sama dengan Mandau",
        "damkar-bukit-batu melayani tempat lain di daratan yang sama dengan Mandau",
        "petugas 112 selalu menjadi tujuan terakhir",
    ]


def test_the_fewest_kecamatan_come_first_and_equals_keep_the_order_of_the_file() -> None:
    given = directory(
        agency("wide", "a", "b", "c"), agency("two", "a", "b"), agency("one", "a", contacts=2),
        agency("other-two", "a", "c"), agency("elsewhere", "b"), agency("police", "a", handles="kriminal"),
    )  # fmt: skip
    assert dialled(decide(given, "kebakaran", at("a"))) == [
        "one", "one", "two", "other-two", "wide", "elsewhere", "operator",
    ]  # fmt: skip


@pytest.mark.parametrize("place", ODD_PLACES)
def test_an_unknown_place_leaves_the_agencies_of_the_whole_kabupaten(
    place: Location | None,
) -> None:
    given = directory(agency("wide", "a", "b", "c"), agency("two", "a", "b"))
    decision = decide(given, "kebakaran", place)
    assert dialled(decision) == ["wide", "operator"]
    assert rules(decision) == ["unknown-place", "kabupaten", "operator-last"]
    everywhere = set(BENGKALIS.places)
    for incident in SERVICES:
        for one in decide(BENGKALIS, incident, place).routes[:-1]:
            (found,) = (a for a in BENGKALIS.agencies if a.id == one.agency)
            assert found.covers == everywhere


def test_an_unknown_incident_goes_to_a_person_at_once() -> None:
    for incident in (None, "", "gempa"):
        decision = decide(BENGKALIS, incident, at("14.03.09"))
        assert dialled(decision) == [OPERATOR]
        assert rules(decision) == ["unknown-incident", "operator-last"]


def test_where_nobody_serves_a_person_does_and_it_is_said() -> None:
    given = directory(agency("police", "a", "b", handles="kriminal"))
    decision = decide(given, "kebakaran", at("c"))
    assert dialled(decision) == [OPERATOR]
    assert rules(decision) == ["nobody", "operator-last"]


@pytest.mark.parametrize("confidence", [0.0, 0.49, -1.0, math.nan])
def test_a_guessed_place_is_used_and_said_to_be_a_guess(confidence: float) -> None:
    sure = decide(BENGKALIS, "kebakaran", at("14.03.09", 0.5))
    guess = decide(BENGKALIS, "kebakaran", at("14.03.09", confidence))
    assert guess.routes == sure.routes
    assert "low-confidence" in rules(guess)
    assert "low-confidence" not in rules(sure)


def test_without_an_operator_there_still_is_a_last_route() -> None:
    bare = Directory((), (), {}, ())
    assert decide(bare, "kebakaran", None).routes == (Route(OPERATOR, "", ""),)


def test_a_decision_is_explained_to_people_and_to_programs() -> None:
    decision = decide(BENGKALIS, "kebakaran", at("14.03.09"))
    assert explain(decision).splitlines() == [
        "1. damkar-mandau lewat damkar-sip ke 101",
        "2. damkar-mandau lewat jasnita ke ISI-NOMOR",
        "3. damkar-pinggir lewat damkar-sip ke 102",
        "4. damkar-pinggir lewat jasnita ke ISI-NOMOR",
        "5. damkar-bukit-batu lewat damkar-sip ke 103",
        "6. damkar-bukit-batu lewat jasnita ke ISI-NOMOR",
        "7. operator lewat pusat-sip",
        "",
        "- damkar-mandau menangani kebakaran di Mandau (14.03.09) [serves]",
        "- damkar-pinggir melayani tempat lain di daratan yang sama dengan Mandau [same-block]",
        "- damkar-bukit-batu melayani tempat lain di daratan yang sama dengan Mandau [same-block]",
        "- petugas 112 selalu menjadi tujuan terakhir [operator-last]",
    ]
    said = to_json(decision)
    assert set(said) == {"routes", "because", "notify"}
    assert said["routes"] == [
        {"agency": route.agency, "trunk": route.trunk, "target": route.target}
        for route in decision.routes
    ]


def test_a_known_coordinate_lies_in_mandau() -> None:
    found = locate(geography(surroundings(BENGKALIS.places)), 1.2856, 101.197)
    assert (found.code, found.name, found.kind, found.approximate) == (
        "14.03.09",
        "Mandau",
        "inside",
        True,
    )
    assert found.distance_m < 1.0


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        (math.nan, 101.0),
        (1.0, math.nan),
        (math.inf, 101.0),
        (1.0, -math.inf),
        (200.0, 101.0),
        (1.0, 200.0),
        (-90.1, 0.0),
        (0.0, 180.1),
        (-6.2, 106.8),  # Jakarta
        (101.197, 1.2856),  # the two swapped
        (0.0, 0.0),
    ],
)
def test_what_is_no_point_or_far_away_is_outside(lat: float, lon: float) -> None:
    found = locate(geography(surroundings(BENGKALIS.places)), lat, lon)
    assert (found.code, found.name, found.kind) == (None, None, "outside")


def test_contacts_of_an_agency_may_ring_together_and_others_be_told() -> None:
    place = Place("14.03.09", "Mandau", "daratan")
    contacts = (Contact("satu", "101"), Contact("dua", "102", lines=3))
    agency = Agency(
        "damkar", "Damkar", frozenset({"kebakaran"}), frozenset({place.code}), contacts,
        ring="all", notify=("polsek", "rsud"),
    )  # fmt: skip
    other = Agency("polsek", "Polsek", frozenset({"kriminal"}), frozenset({place.code}), contacts)
    operator = Operator("pusat", "Pusat", (Contact("satu", "100"),))
    directory = Directory((agency, other), (operator,), {}, (), {place.code: place})
    decision = decide(directory, "kebakaran", at(place.code))
    assert [(r.trunk, r.together, r.lines) for r in decision.routes[:-1]] == [
        ("satu", False, 1),
        ("dua", True, 3),
    ]
    assert decision.notify == ("polsek", "rsud")
    assert "polsek diberi tahu" in " ".join(r.text for r in decision.because)
    assert decide(directory, "kriminal", at(place.code)).notify == ()
