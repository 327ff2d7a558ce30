"""Whether a person can be reached, by what Asterisk says."""

from __future__ import annotations

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


def standing(said: str | None, variables: str | None = "") -> dict[str, bool]:
    found = judge(said, variables, DIRECTORY.operators, DIRECTORY, NOW)
    return {one.operator: one.reachable for one in found}


def test_a_phone_that_answers_options_can_be_reached_and_a_played_one_always() -> None:
    said = contacts(petugas_pusat="Avail", jasnita="Unavail", lain="NonQual")
    assert standing(said) == {"pusat": True, "cadangan": False, "latihan": True}


def test_one_way_of_two_is_enough() -> None:
    assert standing(contacts(lain="Avail"))["cadangan"]


def test_a_peer_that_answers_options_but_not_calls_cannot_be_reached_for_a_minute() -> None:
    said = contacts(petugas_pusat="Avail")
    for outcome in ("CHANUNAVAIL", "CONGESTION"):
        assert not standing(said, f"   SIAGA_HASIL_pusat={outcome} {NOW - 5:.0f}")["pusat"]
        old = NOW - OUTCOME_S - 1
        assert standing(said, f"   SIAGA_HASIL_pusat={outcome} {old:.0f}")["pusat"]
    assert standing(said, f"   SIAGA_HASIL_pusat=BUSY {NOW:.0f}")["pusat"], "busy is alive"


def test_without_an_answer_nobody_can_be_reached_and_it_says_why() -> None:
    found = judge(None, None, DIRECTORY.operators, DIRECTORY, NOW)
    assert found[0] == Standing("pusat", False, "Asterisk tidak menjawab")
    assert not any(one.reachable for one in found)


@given(st.text(), st.text())
def test_no_text_breaks_it(said: str, variables: str) -> None:
    found = judge(said, variables, DIRECTORY.operators, DIRECTORY, NOW)
    assert [one.operator for one in found] == ["pusat", "cadangan", "latihan"]
