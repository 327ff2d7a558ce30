"""Whether a person can be reached, by what Asterisk says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.platforms.asterisk.reachability import OUTCOME_S, Standing, judge
from routing.model import Contact, Directory, Operator, Trunk

NOW = 1_764_000_000.0
DESK = Operator("pusat", "Pusat", (Contact("", "sip:petugas@10.0.0.4:5070"),))
MOBILE = Operator("cadangan", "Cadangan", (Contact("jasnita", "0811"), Contact("lain", "0812")))
PLAYED = Operator("latihan", "Latihan", (Contact("jasnita", "ISI-NOMOR"),))
TRUNKS = {"jasnita": Trunk("jasnita", "10.0.0.9"), "lain": Trunk("lain", "10.0.0.10")}
DIRECTORY = Directory((), (DESK, MOBILE, PLAYED), TRUNKS, ())


def contacts(**statuses: str) -> str:
    rows = [
        f"  Contact:  {aor.replace('_', '-')}/sip:x@10.0.0.1:5060   a1b2c3d4e5 {status}   1.234"
        for aor, status in statuses.items()
    ]
    return "\n".join(["  Contact:  <Aor/ContactUri.....> <Hash....> <Status> <RTT(ms)..>", *rows])


def told(*rows: str) -> str:
    """Asterisk's answer to ``dialplan show globals``."""
    return "\n".join([*rows, "", f"    -- {len(rows)} variable(s)", ""])


def standing(said: str | None, variables: str | None = told()) -> dict[str, bool]:
    found = judge(said, variables, DIRECTORY.operators, DIRECTORY, NOW)
    return {one.operator: one.reachable for one in found}


def test_a_phone_that_answers_options_can_be_reached_and_a_played_one_always() -> None:
    said = contacts(petugas_pusat="Avail", jasnita="Unavail", lain="NonQual")
    assert standing(said) == {"pusat": True, "cadangan": False, "latihan": True}


def test_one_way_of_two_is_enough() -> None:
    assert standing(contacts(lain="Avail"))["cadangan"]


def test_a_gateway_is_watched_under_the_name_it_registers_with() -> None:
    trunks = {"gsm": Trunk("gsm", "", register="in", login="gsm-mandau")}
    operator = Operator("cadangan", "Cadangan", (Contact("gsm", "0811"),))
    directory = Directory((), (operator,), trunks, ())
    for aor, reachable in (("gsm_mandau", True), ("gsm", False)):
        (found,) = judge(contacts(**{aor: "Avail"}), told(), (operator,), directory, NOW)
        assert found.reachable == reachable


def test_a_peer_that_answers_options_but_not_calls_cannot_be_reached_for_a_minute() -> None:
    said = contacts(petugas_pusat="Avail")
    for outcome in ("CHANUNAVAIL", "CONGESTION"):
        assert not standing(said, told(f"   SIAGA_HASIL_pusat={outcome} {NOW - 5:.0f}"))["pusat"]
        old = NOW - OUTCOME_S - 1
        assert standing(said, told(f"   SIAGA_HASIL_pusat={outcome} {old:.0f}"))["pusat"]
    assert standing(said, told(f"   SIAGA_HASIL_pusat=BUSY {NOW:.0f}"))["pusat"], "busy is alive"


def test_without_an_answer_nobody_can_be_reached_and_it_says_why() -> None:
    found = judge(None, None, DIRECTORY.operators, DIRECTORY, NOW)
    assert found[0] == Standing("pusat", False, "Asterisk tidak menjawab")
    assert not any(one.reachable for one in found)


@pytest.mark.parametrize("value", ["", "CHANUNAVAIL", "CHANUNAVAIL kemarin", f"ANSWER {10**12}"])
def test_an_outcome_that_cannot_be_read_is_not_taken_for_a_good_one(value: str) -> None:
    found = judge(
        contacts(petugas_pusat="Avail"),
        told(f"   SIAGA_HASIL_pusat={value}"),
        (DESK,),
        DIRECTORY,
        NOW,
    )
    assert found == (Standing("pusat", False, "hasil panggilan terakhir tidak terbaca"),)


@pytest.mark.parametrize("variables", [None, "", "No such command", "   SIAGA_HASIL_pusat=ANS"])
def test_half_an_answer_is_none(variables: str | None) -> None:
    assert not any(standing(contacts(petugas_pusat="Avail"), variables).values())


@pytest.mark.parametrize(
    "row",
    [
        "Contact: petugas-pusat/sip:x Avail 1.234",
        "Contact: petugas-pusat/sip:x a1b2c3d4e5 Avail nan",
        "Contact: petugas-pusat/sip:x a1b2c3d4e5 Unavail nan Avail 1.234",
        "Contact: petugas-pusat/sip:x a1b2c3d4e5\nAvail 1.234",
        "petugas-pusat/sip:x a1b2c3d4e5 Avail 1.234",
    ],
)
def test_a_row_of_another_shape_is_no_way_to_a_person(row: str) -> None:
    assert not standing(row)["pusat"]


PIECES = st.sampled_from(
    ["Contact:", "petugas-pusat/", "sip:x", "Avail", "nan", "1.2", "SIAGA_HASIL_pusat=",
     "CONGESTION", "9" * 30, "\u0663", " ", "\n", "-- 1 variable(s)", "\x00"]
)  # fmt: skip
NEARLY = st.lists(PIECES | st.text(max_size=3)).map("".join)


@given(NEARLY, NEARLY)
def test_no_text_breaks_it(said: str, variables: str) -> None:
    found = judge(said, variables, DIRECTORY.operators, DIRECTORY, NOW)
    assert [one.operator for one in found] == ["pusat", "cadangan", "latihan"]
