"""Every incident at every place, with every way up or down, by day and by night: all of it holds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from small_deployment import shipped

from routing.decide import MOST_ROUTES, decide
from routing.hours import Hours, open_at
from routing.model import (
    NEIGHBOUR,
    OPERATOR,
    SERVICES,
    Agency,
    Candidate,
    Circumstances,
    Contact,
    Directory,
    Location,
    Route,
    RouteDecision,
)

_, BENGKALIS = shipped()
WIB = timezone(timedelta(hours=7))
DAY = datetime(2026, 11, 23, 10, 0, tzinfo=WIB)  # a Monday
NIGHT = datetime(2026, 11, 29, 2, 0, tzinfo=WIB)  # a Sunday
OFFICE = (Hours(frozenset(range(5)), 8 * 60, 16 * 60),)


def with_rules() -> Directory:
    """The shipped agencies, every second one in office hours, every third allowed across the water, and
    a post of one desa."""
    agencies = [
        replace(
            agency,
            hours=OFFICE if number % 2 else (),
            crossing=number % 3 == 0,
            capacity=1,
            priority=number % 4,
        )
        for number, agency in enumerate(BENGKALIS.agencies)
    ]
    post = Agency(
        "pos-air-jamban", "Pos Air Jamban", frozenset({"kebakaran"}), frozenset({"14.03.09.1001"}),
        (Contact("jasnita", "101"), Contact("langsung", "sip:pos@10.1.2.3")), ring="all",
    )  # fmt: skip
    return replace(BENGKALIS, agencies=(*agencies, post))


def too_many() -> Directory:
    """More responsible posts than are dialled, every second one closed at night, behind neighbours on the
    same land whom nobody needs any more."""
    contacts = (Contact("damkar-sip", "101"), Contact("jasnita", "102"))
    handles = frozenset({"kebakaran", "medis"})
    nearby, here = frozenset({"14.03.13"}), frozenset({"14.03.09"})
    posts = [
        Agency(f"pos-{n:02}", f"Pos {n}", handles, here, contacts, hours=OFFICE if n % 2 else ())
        for n in range(20)
    ]
    others = [Agency(f"jauh-{n:02}", f"Jauh {n}", handles, nearby, contacts) for n in range(20)]
    return replace(BENGKALIS, agencies=(*others, *posts, *BENGKALIS.agencies))


DEPLOYMENTS = {"as-shipped": BENGKALIS, "with-rules": with_rules(), "too-many": too_many()}


def places() -> Iterator[Location | None]:
    yield None
    codes = [code for place in BENGKALIS.places.values() for code in (place.code, *place.desa)]
    assert len(codes) == 166
    for code in codes:
        yield Location("check", code, confidence=1.0)
    yield Location("check", "14.03.11", lat=2.3, lon=101.7, confidence=0.3, kind="sea")
    yield Location("check", kind="sea")
    for neighbour in (*BENGKALIS.neighbours, None, "nowhere"):
        yield Location("check", kind="outside", neighbour=neighbour)
    shares = (Candidate("14.03.03", 0.6), Candidate("14.03.01", 0.35), Candidate("14.03.12", 0.05))
    yield Location("check", "14.03.03", confidence=0.6, kind="inside", candidates=shares)
    edge = (Candidate("14.03.13", 0.2),)
    yield Location("check", lat=1.0, lon=101.4, kind="outside", neighbour="siak", candidates=edge)


def circumstances() -> Iterator[Circumstances]:
    for down in (frozenset[str](), *(frozenset({name}) for name in BENGKALIS.trunks)):
        for at in (None, DAY, NIGHT):
            yield Circumstances(at=at, down=down)
    everybody = frozenset(agency.id for agency in BENGKALIS.agencies)
    yield Circumstances(
        DAY,
        holiday=True,
        down=frozenset(BENGKALIS.trunks),
        full_agencies=everybody,
        full_trunks=frozenset(BENGKALIS.trunks),
        caller_class="false_reports",
    )


def is_closed(agency: Agency | None, now: Circumstances) -> bool:
    at = now.at
    if agency is None or at is None or not agency.hours:
        return False
    return now.holiday or not open_at(agency.hours, at.weekday(), at.hour * 60 + at.minute)


def lands(directory: Directory, codes: frozenset[str]) -> set[str]:
    return {directory.places[code[:8]].block for code in codes}


def holds(
    directory: Directory, incident: str, location: Location | None, now: Circumstances,
    decision: RouteDecision,
) -> None:  # fmt: skip
    by_id = {agency.id: agency for agency in directory.agencies}
    *routes, last = decision.routes
    assert last == Route(OPERATOR, "pusat-sip", "")
    assert all(route.agency != OPERATOR for route in routes)
    assert len(set(decision.routes)) == len(decision.routes) <= MOST_ROUTES + 1
    assert all(reason.rule_id and reason.text for reason in decision.because)
    assert not (routes and routes[0].together)
    closed = [is_closed(by_id.get(route.agency), now) for route in routes]
    assert closed == sorted(closed)
    known = {location.code, *(c.code for c in location.candidates)} if location else set()
    here = lands(directory, frozenset(code for code in known if code))
    asked = {route.agency for route in routes}
    for agency in directory.agencies:
        if location and incident in agency.handles and agency.contacts:
            responsible = {location.code, (location.code or "")[:8]} & agency.covers
            assert not responsible or agency.id in asked
    for route in routes:
        if route.agency.startswith(NEIGHBOUR):
            assert location is not None
            assert location.kind == "outside"
            continue
        agency = by_id[route.agency]
        assert incident in agency.handles
        wide = agency.covers >= set(directory.places)
        assert wide or agency.crossing or lands(directory, agency.covers) & here


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_the_whole_table_of_decisions_holds(name: str) -> None:
    directory = DEPLOYMENTS[name]
    decisions = 0
    begun = time.perf_counter()
    for incident in SERVICES:
        for location in places():
            asked = {now: decide(directory, incident, location, now) for now in circumstances()}
            decisions += len(asked)
            plain = decide(directory, incident, location)
            for now, decision in asked.items():
                holds(directory, incident, location, now, decision)
                assert sorted(map(anyhow, decision.routes)) == sorted(map(anyhow, plain.routes))
            assert decide(directory, incident, location, now) == decision
    assert decisions > 15_000
    assert time.perf_counter() - begun < 20


def anyhow(route: Route) -> tuple[str, str, str]:
    """Whom a route reaches: nobody is dropped, whatever the circumstances."""
    return route.agency, route.trunk, route.target


def dialled(decision: RouteDecision) -> list[str]:
    return [f"{route.agency} {route.trunk}".strip() for route in decision.routes]


def rules(decision: RouteDecision) -> list[str]:
    return [reason.rule_id for reason in decision.because]


def test_a_post_of_the_desa_comes_before_those_of_its_kecamatan() -> None:
    directory = DEPLOYMENTS["with-rules"]
    decision = decide(directory, "kebakaran", Location("check", "14.03.09.1001", confidence=1.0))
    assert [(r.agency, r.together) for r in decision.routes[:3]] == [
        ("pos-air-jamban", False), ("pos-air-jamban", True), ("damkar-mandau", False),
    ]  # fmt: skip
    assert "Air Jamban, Mandau (14.03.09.1001)" in decision.because[0].text
    kecamatan = decide(directory, "kebakaran", Location("check", "14.03.09", confidence=1.0))
    assert kecamatan.routes[0].agency == "damkar-mandau"
    assert "serves-a-part" in rules(kecamatan)


def test_a_way_that_fails_or_is_full_stands_behind_the_other_one() -> None:
    mandau = Location("check", "14.03.09", confidence=1.0)
    for now, rule in (
        (Circumstances(down=frozenset({"damkar-sip"})), "trunk-down"),
        (Circumstances(full_trunks=frozenset({"damkar-sip"})), "trunk-full"),
    ):
        decision = decide(BENGKALIS, "kebakaran", mandau, now)
        assert dialled(decision)[:2] == ["damkar-mandau jasnita", "damkar-mandau damkar-sip"]
        assert rule in rules(decision)


def test_who_is_dialled_directly_does_not_suffer_for_another_who_is() -> None:
    directory = DEPLOYMENTS["with-rules"]
    desa = Location("check", "14.03.09.1001", confidence=1.0)
    down = Circumstances(down=frozenset({"langsung"}))
    assert decide(directory, "kebakaran", desa, down) == decide(directory, "kebakaran", desa)


def test_an_agency_that_talks_to_as_many_as_it_can_stands_behind_the_others_who_serve() -> None:
    pinggir = Location("check", "14.03.13", confidence=1.0)
    now = Circumstances(full_agencies=frozenset({"damkar-pinggir"}))
    decision = decide(BENGKALIS, "hewan-liar", pinggir, now)
    assert dialled(decision)[:2] == ["bbksda-duri jasnita", "damkar-pinggir damkar-sip"]
    assert "agency-full" in rules(decision)


def test_a_closed_agency_stands_behind_all_who_are_open() -> None:
    directory = replace(
        BENGKALIS,
        agencies=tuple(
            replace(a, hours=OFFICE) if a.id == "damkar-mandau" else a for a in BENGKALIS.agencies
        ),
    )
    mandau = Location("check", "14.03.09", confidence=1.0)
    day = decide(directory, "kebakaran", mandau, Circumstances(at=DAY))
    night = decide(directory, "kebakaran", mandau, Circumstances(at=NIGHT))
    assert dialled(day)[0] == "damkar-mandau damkar-sip"
    assert [name.split()[0] for name in dialled(night)[-3:-1]] == ["damkar-mandau"] * 2
    assert "closed" in rules(night)


def test_on_a_holiday_whoever_has_hours_is_closed() -> None:
    directory = replace(
        BENGKALIS,
        agencies=tuple(
            replace(a, hours=OFFICE) if a.id == "damkar-mandau" else a for a in BENGKALIS.agencies
        ),
    )
    mandau = Location("check", "14.03.09", confidence=1.0)
    holiday = decide(directory, "kebakaran", mandau, Circumstances(at=DAY, holiday=True))
    assert [name.split()[0] for name in dialled(holiday)[-3:-1]] == ["damkar-mandau"] * 2
    (said,) = [reason.text for reason in holiday.because if reason.rule_id == "closed"]
    assert "hari libur" in said
    always = decide(BENGKALIS, "kebakaran", mandau, Circumstances(at=DAY, holiday=True))
    assert always == decide(BENGKALIS, "kebakaran", mandau)


def test_an_agency_called_like_a_full_trunk_is_not_taken_for_full() -> None:
    mandau = Location("check", "14.03.09", confidence=1.0)
    now = Circumstances(
        full_agencies=frozenset({"damkar-sip"}), full_trunks=frozenset({"damkar-mandau"})
    )
    assert decide(BENGKALIS, "kebakaran", mandau, now) == decide(BENGKALIS, "kebakaran", mandau)


def test_a_caller_outside_is_handed_to_the_centre_of_the_neighbour_live() -> None:
    siak = decide(BENGKALIS, "medis", Location("check", kind="outside", neighbour="siak"))
    assert dialled(siak) == ["tetangga-siak jasnita", "operator pusat-sip"]
    assert rules(siak) == ["neighbour", "operator-last"]
    dumai = decide(BENGKALIS, "medis", Location("check", kind="outside", neighbour="dumai"))
    assert dialled(dumai) == ["operator pusat-sip"]
    assert rules(dumai) == ["outside", "operator-last"]
    assert "Kota Dumai" in dumai.because[0].text


def test_a_place_that_may_be_another_asks_those_who_serve_the_other_after_the_first() -> None:
    shares = (Candidate("14.03.03", 0.6), Candidate("14.03.01", 0.35), Candidate("14.03.12", 0.05))
    location = Location("check", "14.03.03", confidence=0.6, candidates=shares)
    decision = decide(BENGKALIS, "kriminal", location)
    first, second, *_ = (route.agency for route in decision.routes)
    assert (first, second) == ("polsek-bukit-batu", "polsek-bengkalis")
    (said,) = [reason.text for reason in decision.because if reason.rule_id == "may-serve"]
    assert "35%" in said


def test_of_too_many_the_reserve_is_left_out_and_then_second_numbers() -> None:
    mandau = Location("check", "14.03.09", confidence=1.0)
    night = decide(DEPLOYMENTS["too-many"], "kebakaran", mandau, Circumstances(at=NIGHT))
    routes = night.routes[:-1]
    assert len(routes) == MOST_ROUTES
    assert {route.agency for route in routes} == {
        "damkar-mandau", *(f"pos-{n:02}" for n in range(20))
    }  # fmt: skip
    assert [route.agency for route in routes[-10:]] == [f"pos-{n:02}" for n in range(1, 20, 2)]
    assert [route.agency for route in routes].count("pos-00") == 2
    (said,) = [reason.text for reason in night.because if reason.rule_id == "most-routes"]
    assert "24" in said


def test_nobody_who_is_responsible_is_left_out_however_many_there_are() -> None:
    posts = tuple(
        Agency(f"pos-{n:02}", "Pos", frozenset({"medis"}), frozenset({"14.03.09"}),
               (Contact("jasnita", "1"), Contact("jasnita", "2")))
        for n in range(40)
    )  # fmt: skip
    mandau = Location("check", "14.03.09", confidence=1.0)
    decision = decide(replace(BENGKALIS, agencies=posts), "medis", mandau)
    assert [(r.agency, r.target) for r in decision.routes[:-1]] == [(p.id, "1") for p in posts]


def test_a_little_of_many_desa_is_a_part_of_their_kecamatan() -> None:
    bantan = tuple(Candidate(code, 0.05) for code in sorted(BENGKALIS.places["14.03.02"].desa)[:8])
    rest = (Candidate("14.03.01.1001", 0.6), *bantan)
    location = Location("check", "14.03.01.1001", confidence=0.6, candidates=rest)
    decision = decide(BENGKALIS, "kriminal", location)
    first, second, *_ = (route.agency for route in decision.routes)
    assert (first, second) == ("polsek-bengkalis", "polsek-bantan")
    (said,) = [reason.text for reason in decision.because if reason.rule_id == "may-serve"]
    assert "Bantan (14.03.02)" in said
    assert "40%" in said
    nowhere = decide(BENGKALIS, "kriminal", Location("check", candidates=bantan))
    assert nowhere.routes[0].agency == "polsek-bantan"


def test_the_sea_in_a_circle_takes_nothing_from_the_land_in_it() -> None:
    shares = (Candidate("14.03.11", 0.12), Candidate("14.03.10", 0.04), Candidate("14.03.01", 0.01))
    location = Location("check", "14.03.11", confidence=0.3, kind="sea", candidates=shares)
    decision = decide(BENGKALIS, "kriminal", location)
    said = [reason.text for reason in decision.because if reason.rule_id == "may-serve"]
    assert len(said) == 1
    assert "Rupat (14.03.10) (24% kemungkinan tempatnya)" in said[0]


def test_a_caller_who_an_approximate_map_puts_next_door_is_asked_for_of_ours_as_well() -> None:
    def outside(neighbour: str | None, share: float) -> RouteDecision:
        location = Location(
            "aml_https", None, 1.0, 101.4, kind="outside", neighbour=neighbour,
            candidates=(Candidate("14.03.13", share),),
        )  # fmt: skip
        return decide(BENGKALIS, "kebakaran", location)

    siak = outside("siak", 0.2)
    assert dialled(siak)[:2] == ["tetangga-siak jasnita", "damkar-pinggir damkar-sip"]
    said = {reason.rule_id: reason.text for reason in siak.because}
    assert said["approximate-map"] == "menurut peta perkiraan; mungkin juga di Pinggir (14.03.13)"
    assert "serves" not in said
    assert "%" not in said["may-serve"]
    dumai = outside("dumai", 0.2)
    assert dialled(dumai)[0] == "damkar-pinggir damkar-sip"
    assert "petugas" not in dumai.because[0].text
    assert dialled(outside("siak", 0.05)) == ["tetangga-siak jasnita", "operator pusat-sip"]


@pytest.mark.parametrize(
    ("lat", "said"),
    [
        (None, "posisi di Kabupaten Siak: disambungkan ke pusat 112 di sana"),
        (1.0, "posisi di luar wilayah, terdekat Kabupaten Siak: disambungkan ke pusat 112 di sana"),
    ],
)
def test_a_coordinate_outside_is_only_told_to_be_near_a_neighbour(
    lat: float | None, said: str
) -> None:
    location = Location("check", lat=lat, kind="outside", neighbour="siak")
    assert decide(BENGKALIS, "medis", location).because[0].text == said


def test_reasons_tell_what_is_in_doubt_about_a_coordinate() -> None:
    def told(now: Circumstances, **keys: Any) -> dict[str, str]:
        location = Location("check", "14.03.09", **keys)
        decision = decide(BENGKALIS, "kebakaran", location, now)
        return {reason.rule_id: reason.text for reason in decision.because}

    rough, official = Circumstances(), Circumstances(approximate=False)
    inside = told(rough, lat=1.2, lon=101.2, confidence=0.7, kind="inside")
    assert inside["approximate-map"] == "Mandau (14.03.09) menurut peta perkiraan"
    surely = told(official, lat=1.2, lon=101.2, confidence=0.7, kind="inside")
    assert "approximate-map" not in surely
    snapped = told(official, lat=1.2, lon=101.2, confidence=0.57, kind="snapped")
    assert snapped["snapped"] == "di luar batas wilayah; yang terdekat Mandau (14.03.09)"
    sea = told(official, lat=1.2, lon=101.2, confidence=0.3, kind="sea")
    assert sea["sea"] == "di luar semua wilayah (laut atau tepi); yang terdekat Mandau (14.03.09)"
    keyed = told(rough, confidence=0.4)
    assert keyed.keys().isdisjoint({"approximate-map", "snapped", "sea"})


def test_who_made_false_reports_is_dialled_for_like_anybody() -> None:
    mandau = Location("check", "14.03.09", confidence=1.0)
    decision = decide(BENGKALIS, "kebakaran", mandau, Circumstances(caller_class="false_reports"))
    assert decision.routes == decide(BENGKALIS, "kebakaran", mandau).routes
    assert "false-reports" in rules(decision)
