"""``explain``: an administrator asks who would be dialled, for a place, a point, a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from small_deployment import SHIPPED, shipped

from ivr.calls.published import Published
from ivr.commands.explain import explained, moment
from ivr.deployment import Texts
from routing.geography import geography, surroundings
from routing.hours import Hours
from routing.model import RouteDecision

DIALPLAN, DIRECTORY = shipped()
WIB = timezone(timedelta(hours=7))
POINTS = {name: one.points for name, one in DIRECTORY.neighbours.items()}
PUBLISHED = Published(
    DIALPLAN,
    DIRECTORY,
    Texts(SHIPPED, {}, ""),
    geography=geography(surroundings(DIRECTORY.places), POINTS),
)


def decision(
    published: Published, incident: str, at: str | None, place: str | None, when: str | None = None
) -> RouteDecision:
    return explained(published, incident, at, place, when).decision


def rules(found: RouteDecision) -> list[str]:
    return [reason.rule_id for reason in found.because]


@pytest.mark.parametrize("at", ["1.2856,101.197", "1.2856,101.197,50"])
def test_a_fire_at_a_point_in_duri_is_for_the_post_of_mandau(at: str) -> None:
    found = decision(PUBLISHED, "kebakaran", at, None)
    assert found.routes[0].agency == "damkar-mandau"
    assert found.because[0].text == "Mandau (14.03.09) menurut peta perkiraan"
    assert "damkar-mandau menangani kebakaran di Mandau" in found.because[1].text


def test_with_official_areas_no_map_is_told_to_be_approximate() -> None:
    official = replace(PUBLISHED, geography=replace(PUBLISHED.geography, approximate=False))
    found = decision(official, "kebakaran", "1.2856,101.197", None)
    assert "approximate-map" not in rules(found)


def test_a_point_in_siak_is_for_the_centre_of_siak() -> None:
    found = decision(PUBLISHED, "kebakaran", "0.70,101.95", None)
    assert found.routes[0].agency == "tetangga-siak"
    assert "neighbour" in rules(found)


@pytest.mark.parametrize("place", ["14.03.09", "14.03.09.1001"])
def test_a_place_is_a_kecamatan_or_a_desa(place: str) -> None:
    found = decision(PUBLISHED, "kebakaran", None, place)
    assert found.routes[0].agency == "damkar-mandau"


@pytest.mark.parametrize("place", ["14.03.09.9999", "14.03.99", "Mandau", "14.03.09x"])
def test_a_place_that_is_not_known_is_told(place: str) -> None:
    with pytest.raises(ValueError, match="tidak dikenal"):
        decision(PUBLISHED, "kebakaran", None, place)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("1.2856,101.197", "Di dalam batas Mandau (14.03.09), menurut batas perkiraan."),
        ("1.27,101.14,9000", "% Bathin Solapan (14.03.16)"),
        ("2.3,101.65", "Di laut, paling dekat Rupat Utara (14.03.11)"),
        ("0.70,101.95", "Di luar wilayah, di atau dekat Kabupaten Siak"),
        ("-6.2,106.8", "Di luar wilayah, menurut"),
    ],
)
def test_how_a_point_lies_to_the_areas_is_told(at: str, said: str) -> None:
    assert said in explained(PUBLISHED, "kebakaran", at, None).understood


def test_how_a_place_and_a_time_were_understood_is_told() -> None:
    found = explained(PUBLISHED, "kebakaran", None, "14.03.10.2007", "2026-11-24 22:00")
    assert found.understood == "Di Makeruh, Rupat (14.03.10.2007). Selasa 22:00 WIB."
    found = explained(PUBLISHED, "kebakaran", None, "14.03.10")
    assert found.understood == "Di Rupat (14.03.10). Jam buka tidak dinilai; tambahkan --when."


def test_the_hours_of_a_day_are_told() -> None:
    office = (Hours(frozenset(range(5)), 480, 960),)
    agencies = tuple(
        replace(one, hours=office) if one.id == "damkar-mandau" else one
        for one in DIRECTORY.agencies
    )
    published = replace(PUBLISHED, directory=replace(DIRECTORY, agencies=agencies))
    for when, is_closed in (("Senin 22:00", True), ("senin 10:00", False), (None, False)):
        found = decision(published, "kebakaran", None, "14.03.09", when)
        assert ("closed" in rules(found)) == is_closed


def test_a_holiday_is_a_date_and_no_day_of_the_week() -> None:
    office = (Hours(frozenset(range(7)), 480, 960),)
    agencies = tuple(replace(one, hours=office) for one in DIRECTORY.agencies)
    holidays = {date(2026, 11, 24): "Hari Guru", date(2024, 1, 1): "Tahun Baru"}
    published = replace(
        PUBLISHED,
        directory=replace(DIRECTORY, agencies=agencies),
        dialplan=replace(DIALPLAN, calendar=replace(DIALPLAN.calendar, holidays=holidays)),
    )
    found = explained(published, "kebakaran", None, "14.03.09", "2026-11-24 10:00")
    assert "closed" in rules(found.decision)
    assert found.understood == "Di Mandau (14.03.09). Selasa 10:00 WIB, hari libur."
    for when in ("2026-11-25 10:00", "Senin 10:00"):
        assert "closed" not in rules(decision(published, "kebakaran", None, "14.03.09", when))


def test_a_moment_is_a_date_or_any_day_of_the_week() -> None:
    assert moment("2026-11-24 22:00", WIB) == datetime(2026, 11, 24, 22, 0, tzinfo=WIB)
    monday = moment("Senin 22:00", WIB)
    assert (monday.weekday(), monday.hour, monday.utcoffset()) == (0, 22, timedelta(hours=7))


@pytest.mark.parametrize(
    "text", ["", "besok", "Senen 22:00", "Senin 25:00", "2026-13-01 10:00", "22:00"]
)
def test_what_is_no_moment_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="tidak dapat dibaca"):
        moment(text, WIB)
