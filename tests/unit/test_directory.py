"""What administrators write is read, or refused with the place where it stands and what to do."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from routing.directory import Problem, is_placeholder, is_unset, read_directory
from routing.model import Agency, Carrier, Contact, Directory, Operator, Place, Trunk

GOOD: dict[str, Any] = {
    "places": {
        "kecamatan": {
            "14.03.09": {"name": "Mandau", "block": "daratan", "points": [["1.253", "101.303"]]},
            "14.03.13": {"name": "Pinggir", "block": "daratan"},
        }
    },
    "trunks": {
        "keluar": {
            "jasnita": {"host": "ISI-ALAMAT", "channels": "30"},
            "damkar-sip": {"host": "10.1.2.3:5062"},
        },
        "masuk": {"telkomsel": {"header": "X-Trunk: telkomsel"}, "lain": {"addresses": ["10.1.2.0/24"]}},
    },
    "agencies": {
        "damkar-mandau": {
            "name": "Pos Damkar Mandau",
            "handles": ["kebakaran", "hewan-liar"],
            "covers": ["Mandau", "14.03.13"],
            "contacts": [
                {"via": "damkar-sip", "number": "101", "accept": "answer"},
                {"via": "jasnita", "number": "ISI-NOMOR", "ring": "15s"},
                {"number": "sip:pos@10.1.2.3:5062"},
            ],
        },
        "polres": {
            "name": "Polres",
            "handles": ["kriminal"],
            "covers": "semua",
            "contacts": [{"via": "jasnita", "number": "*110#"}],
        },
    },
    "operators": {"pusat": {"name": "Petugas", "contacts": [{"via": "jasnita", "number": "100"}]}},
}  # fmt: skip

CONTACT = ("damkar-mandau", "contacts", 0)


def changed(file: str, path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """What is good, with one value put in somewhere."""
    tree = copy.deepcopy(GOOD)
    part = tree[file]
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return tree


def problems(tree: dict[str, Any]) -> list[Problem]:
    directory, found = read_directory(tree)
    assert (directory is None) == bool(found)
    assert all(problem.message for problem in found)
    return found


def one_problem(file: str, path: tuple[str | int, ...], value: object) -> Problem:
    (found,) = problems(changed(file, path, value))
    assert found.file == file
    return found


def test_what_is_good_becomes_the_directory_it_says() -> None:
    directory, found = read_directory(GOOD)
    assert found == []
    assert directory == Directory(
        agencies=(
            Agency(
                "damkar-mandau",
                "Pos Damkar Mandau",
                frozenset({"kebakaran", "hewan-liar"}),
                frozenset({"14.03.09", "14.03.13"}),
                (
                    Contact("damkar-sip", "101", 20.0, "answer"),
                    Contact("jasnita", "ISI-NOMOR", 15.0, "press"),
                    Contact("langsung", "sip:pos@10.1.2.3:5062", 20.0, "press"),
                ),
            ),
            Agency(
                "polres",
                "Polres",
                frozenset({"kriminal"}),
                frozenset({"14.03.09", "14.03.13"}),
                (Contact("jasnita", "*110#"),),
            ),
        ),
        operators=(Operator("pusat", "Petugas", (Contact("jasnita", "100"),)),),
        trunks={
            "jasnita": Trunk("jasnita", "ISI-ALAMAT", 30),
            "damkar-sip": Trunk("damkar-sip", "10.1.2.3:5062", 2),
        },
        carriers=(
            Carrier("telkomsel", (), "X-Trunk: telkomsel"),
            Carrier("lain", ("10.1.2.0/24",)),
        ),
        places={
            "14.03.09": Place("14.03.09", "Mandau", "daratan", ((1.253, 101.303),)),
            "14.03.13": Place("14.03.13", "Pinggir", "daratan"),
        },
    )


def test_what_has_yet_to_be_filled_in_is_known_as_such() -> None:
    directory, _ = read_directory(GOOD)
    assert directory is not None
    damkar, polres = directory.agencies
    told = [is_placeholder(contact, directory.trunks) for contact in damkar.contacts]
    assert told == [False, True, False]
    assert is_placeholder(polres.contacts[0], directory.trunks), "its trunk has no address yet"
    assert is_placeholder(Contact("gone", "101"), directory.trunks)
    assert [is_unset(trunk) for trunk in directory.trunks.values()] == [True, False]


@pytest.mark.parametrize(
    "number",
    [
        "101&PJSIP/9", "1,2", "101\n", "101\r\n", "\n101", "10 1", "101|2", "101;x", "101)", "${X}", "$[1]",
        "sip:x@y;z", "sip:x@y?a=b", "sip:x@y,2", "sip:x&PJSIP/9@y", "sip:x@y\n", "sip:@y", "sip:x@", "sip:x",
        "sips:x@y", "SIP:x@y", "sip:x@y:port", "sip:x y@z", "tel:101", "+6281", "PJSIP/101", "1", "", "ISI-",
        "isi-nomor", "ISI-NOMOR&1", "1" * 21, "١٢٣", "１２３",
    ],
)  # fmt: skip
def test_a_number_that_could_be_anything_else_is_refused(number: str) -> None:
    found = one_problem("agencies", (*CONTACT, "number"), number)
    assert (found.path, found.code) == ((*CONTACT, "number"), "number")
    found = one_problem("operators", ("pusat", "contacts", 0, "number"), number)
    assert found.path == ("pusat", "contacts", 0, "number")


@pytest.mark.parametrize("number", ["10", "112", "*21#", "081276123456", "ISI-NOMOR", "1" * 20])
def test_a_number_is_kept_as_it_is_written(number: str) -> None:
    directory, found = read_directory(changed("agencies", (*CONTACT, "number"), number))
    assert found == []
    assert directory is not None
    assert directory.agencies[0].contacts[0].number == number


@pytest.mark.parametrize(
    ("file", "path", "key", "meant"),
    [
        ("agencies", ("damkar-mandau",), "handels", "handles"),
        ("agencies", CONTACT, "nomber", "number"),
        ("operators", ("pusat",), "contact", "contacts"),
        ("trunks", ("keluar", "jasnita"), "chanels", "channels"),
        ("trunks", (), "kelaur", "keluar"),
        ("places", ("kecamatan", "14.03.09"), "point", "points"),
    ],
)
def test_an_unknown_key_is_told_with_what_was_meant(
    file: str, path: tuple[str | int, ...], key: str, meant: str
) -> None:
    found = one_problem(file, (*path, key), "x")
    assert (found.path, found.code) == ((*path, key), "unknown-key")
    assert f"`{meant}`" in found.message


@pytest.mark.parametrize(
    ("file", "path", "value", "code"),
    [
        ("agencies", (*CONTACT, "via"), "jasnit", "unknown-trunk"),
        ("operators", ("pusat", "contacts", 0, "via"), "damkar", "unknown-trunk"),
        ("agencies", ("damkar-mandau", "covers", 1), "Pingir", "unknown-place"),
        ("agencies", ("damkar-mandau", "handles", 0), "kebakran", "unknown-incident"),
        ("agencies", (*CONTACT, "ring"), "15", "duration"),
        ("agencies", (*CONTACT, "ring"), "4s", "type"),
        ("agencies", (*CONTACT, "ring"), "121s", "type"),
        ("agencies", (*CONTACT, "accept"), "maybe", "type"),
        ("trunks", ("keluar", "jasnita", "host"), "10.1.2.3;x", "host"),
        ("trunks", ("keluar", "jasnita", "channels"), "0", "type"),
        ("trunks", ("masuk", "telkomsel", "header"), "X-Trunk telkomsel", "header"),
        ("trunks", ("masuk", "telkomsel", "header"), "X: a\r\nY: b", "header"),
        ("trunks", ("masuk", "lain", "addresses", 0), "10.1.2.0/33", "address"),
        ("agencies", ("Damkar Mandau",), GOOD["agencies"]["polres"], "name"),
        ("agencies", ("x\nexten => 1",), GOOD["agencies"]["polres"], "name"),
        ("agencies", ("operator",), GOOD["agencies"]["polres"], "name"),
        ("agencies", (*CONTACT, "lines"), "0", "type"),
        ("agencies", ("damkar-mandau", "ring"), "semua", "type"),
        ("agencies", ("damkar-mandau", "contacts"), [], "type"),
        ("agencies", ("damkar-mandau",), "", "type"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(
    file: str, path: tuple[str | int, ...], value: object, code: str
) -> None:
    found = one_problem(file, path, value)
    assert (found.path, found.code) == (path, code)


@pytest.mark.parametrize(
    ("named", "code"), [("polse", "unknown-agency"), ("damkar-mandau", "notify-itself")]
)
def test_only_another_agency_that_there_is_can_be_told(named: str, code: str) -> None:
    found = one_problem("agencies", ("damkar-mandau", "notify"), [named])
    assert (found.path, found.code) == (("damkar-mandau", "notify", 0), code)


@pytest.mark.parametrize("point", [["91", "0"], ["0", "181"], ["nan", "0"], ["0", "inf"]])
def test_a_point_off_the_earth_is_refused(point: list[str]) -> None:
    found = one_problem("places", ("kecamatan", "14.03.09", "points"), [point])
    assert (found.path, found.code) == (("kecamatan", "14.03.09", "points"), "point")


def test_a_number_without_a_way_and_a_carrier_without_a_sign_are_told() -> None:
    found = one_problem("agencies", CONTACT, {"number": "101"})
    assert (found.path, found.code) == (CONTACT, "no-trunk")
    found = one_problem("trunks", ("masuk", "lain"), {})
    assert (found.path, found.code) == (("masuk", "lain"), "carrier")


def test_a_key_that_is_missing_is_named() -> None:
    tree = copy.deepcopy(GOOD)
    del tree["agencies"]["damkar-mandau"]["name"]
    (found,) = problems(tree)
    assert (found.code, found.path) == ("missing-key", ("damkar-mandau", "name"))
    assert "`name`" in found.message


def test_without_an_operator_nothing_is_published() -> None:
    for nobody in ({}, None, ""):
        (found,) = problems({**GOOD, "operators": nobody})
        assert (found.file, found.code) == ("operators", "no-operator")


def test_all_problems_come_in_one_run() -> None:
    tree = copy.deepcopy(GOOD)
    tree["agencies"]["damkar-mandau"]["contacts"][0]["number"] = "1,2"
    tree["agencies"]["damkar-mandau"]["contacts"][1]["rng"] = "15s"
    tree["agencies"]["polres"]["covers"] = ["Duri"]
    tree["operators"]["pusat"]["contacts"][0]["via"] = "gone"
    tree["trunks"]["keluar"]["jasnita"]["host"] = "a b"
    tree["places"]["kecamatan"]["14.03.13"]["points"] = [["200", "0"]]
    told = {(p.file, p.path, p.code) for p in problems(tree)}
    assert told >= {
        ("agencies", ("damkar-mandau", "contacts", 0, "number"), "number"),
        ("agencies", ("damkar-mandau", "contacts", 1, "rng"), "unknown-key"),
        ("agencies", ("polres", "covers", 0), "unknown-place"),
        ("operators", ("pusat", "contacts", 0, "via"), "unknown-trunk"),
        ("trunks", ("keluar", "jasnita", "host"), "host"),
        ("places", ("kecamatan", "14.03.13", "points"), "point"),
    }


def trunk(**written: str) -> tuple[Trunk | None, list[Problem]]:
    """One more trunk with these keys, as it is read, or what is wrong with it."""
    directory, found = read_directory(changed("trunks", ("keluar", "gsm-mandau"), written))
    return directory.trunks["gsm-mandau"] if directory else None, found


def test_a_trunk_is_reached_by_address_by_registering_or_by_being_registered_with() -> None:
    assert trunk(host="10.1.2.3") == (Trunk("gsm-mandau", "10.1.2.3"), [])
    written = {"host": "sip.a.id", "register": "out", "login": "+62766.a_b-1", "pilot": "0766112"}
    out = Trunk(
        "gsm-mandau",
        "sip.a.id",
        register="out",
        login="+62766.a_b-1",
        pilot="0766112",
        location=True,
    )
    assert trunk(**written, location="yes") == (out, [])
    gateway = {"register": "in", "login": "gsm-mandau", "channels": "4", "setup": "10s"}
    into = Trunk("gsm-mandau", "", 4, register="in", login="gsm-mandau", setup_s=10.0)
    assert trunk(**gateway, location="no") == (into, [])


@pytest.mark.parametrize(
    ("written", "key", "code"),
    [
        ({}, "host", "missing-key"),
        ({"register": "out", "login": "a"}, "host", "missing-key"),
        ({"register": "out", "host": "10.1.2.3"}, "login", "missing-key"),
        ({"register": "in"}, "login", "missing-key"),
        ({"register": "in", "login": "gsm", "host": "10.1.2.3"}, "host", "host"),
        ({"host": "10.1.2.3", "login": "a"}, "login", "login"),
        ({"host": "10.1.2.3", "register": "both"}, "register", "type"),
        ({"host": "10.1.2.3", "register": "out", "login": "a;b"}, "login", "login"),
        ({"host": "10.1.2.3", "register": "out", "login": "a\nb"}, "login", "login"),
        ({"host": "10.1.2.3", "register": "out", "login": "a@b"}, "login", "login"),
        ({"host": "10.1.2.3", "register": "out", "login": ""}, "login", "login"),
        ({"host": "10.1.2.3", "pilot": "+62766112"}, "pilot", "pilot"),
        ({"host": "10.1.2.3", "pilot": "12"}, "pilot", "pilot"),
        ({"host": "10.1.2.3", "pilot": "1" * 16}, "pilot", "pilot"),
        ({"host": "10.1.2.3", "pilot": "112a"}, "pilot", "pilot"),
        ({"host": "10.1.2.3", "pilot": "\u0661\u0661\u0662"}, "pilot", "pilot"),
        ({"host": "10.1.2.3", "setup": "4"}, "setup", "duration"),
        ({"host": "10.1.2.3", "setup": "0s"}, "setup", "type"),
        ({"host": "10.1.2.3", "setup": "16s"}, "setup", "type"),
        ({"host": "10.1.2.3", "location": "ya"}, "location", "type"),
        ({"host": "10.1.2.3", "location": "true"}, "location", "type"),
    ],
)
def test_a_trunk_that_could_not_work_is_told_at_the_key_to_mend(
    written: dict[str, str], key: str, code: str
) -> None:
    _, (found,) = trunk(**written)
    assert (found.path, found.code) == (("keluar", "gsm-mandau", key), code)


@pytest.mark.parametrize("key", ["regster", "logn", "pilt", "setip", "locaton", "registration"])
def test_a_misspelt_key_of_a_trunk_is_told_with_what_was_meant(key: str) -> None:
    _, (found,) = trunk(host="10.1.2.3", **{key: "in"})
    assert found.path == ("keluar", "gsm-mandau", key)
    meant = {"regster": "register", "logn": "login", "pilt": "pilot", "setip": "setup"}
    meant |= {"locaton": "location", "registration": "register"}
    assert f"`{meant[key]}`" in found.message


@pytest.mark.parametrize(
    "login", ["081276000111", "GSM", "gsm.1", "jasnita", "anonymous", "langsung", "petugas-pusat", "masuk-x"]
)  # fmt: skip
def test_a_gateways_login_is_nobody_elses_name_and_no_number(login: str) -> None:
    _, (found,) = trunk(register="in", login=login)
    assert (found.path, found.code) == (("keluar", "gsm-mandau", "login"), "login")


def test_two_gateways_do_not_share_a_login() -> None:
    tree = changed("trunks", ("keluar", "satu"), {"register": "in", "login": "gsm"})
    tree["trunks"]["keluar"]["dua"] = {"register": "in", "login": "gsm"}
    (found,) = problems(tree)
    assert found.path == ("keluar", "dua", "login")


@pytest.mark.parametrize("name", ["anonymous", "langsung", "masuk-telkomsel", "petugas-pusat"])
def test_a_trunk_is_not_named_like_somebody_whom_asterisk_already_knows(name: str) -> None:
    found = one_problem("trunks", ("keluar", name), {"host": "10.1.2.3"})
    assert (found.path, found.code) == (("keluar", name), "name")


def test_a_trunk_is_unset_until_its_address_and_its_login_are_filled_in() -> None:
    assert not is_unset(Trunk("gsm", "", register="in", login="gsm"))
    assert is_unset(Trunk("gsm", "", register="in", login="ISI-LOGIN"))
    assert is_unset(Trunk("a", "ISI-ALAMAT", register="out", login="a"))
    assert is_unset(Trunk("a", "10.1.2.3", register="out", login="ISI-LOGIN"))
    assert not is_unset(Trunk("a", "10.1.2.3", register="out", login="a"))
    for written in (
        {"register": "in", "login": "ISI-LOGIN"},
        {"register": "out", "host": "ISI-ALAMAT", "login": "ISI-LOGIN"},
    ):
        read, found = trunk(**written)
        assert found == []
        assert read is not None
        assert is_unset(read)
