"""What came with a call is read whole, in pieces, and nothing that a stranger sent stops the call."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from ivr.location.source import PANI, PIDF, PIDF_CONFIDENCE, PIDF_FORMAT, PIDF_METHOD
from ivr.platforms.asterisk.agi import Command, Reply
from ivr.platforms.asterisk.fastagi import CallGone, TooSlow
from ivr.platforms.asterisk.signalling import MOST_PIECES, PIECE, decoded, read

CIRCLE = 'shape="Circle",crs="2d",pos="1.2856 101.197",radius="50"'


@dataclass
class Session:
    """A caller's channel that holds this variable, and answers as Asterisk does."""

    said: str = ""
    told: str = "1"
    failing_at: int | None = None
    failure: Exception = field(default_factory=CallGone)
    asked: list[Command] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        return {"agi_arg_3": self.told} if self.told else {}

    async def run(self, command: Command, seconds: float) -> Reply:
        if len(self.asked) == self.failing_at:
            raise self.failure
        self.asked.append(command)
        (expression,) = command.arguments
        found = re.fullmatch(r"\$\{SIAGA_SAID:(\d+):(\d+)\}", expression)
        assert found is not None
        start, length = int(found[1]), int(found[2])
        return Reply(200, "1", self.said[start : start + length])


def said(*pairs: tuple[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='-._~')}" for name, value in pairs)


def found(session: Session) -> dict[str, str]:
    return asyncio.run(read(session))


@pytest.mark.parametrize("told", ["0", ""])
def test_a_call_that_tells_nothing_of_its_place_costs_no_round_trip(told: str) -> None:
    session = Session(told=told)
    assert found(session) == {}
    assert session.asked == []


def test_everything_short_comes_in_one_round_trip() -> None:
    pairs = (
        (PIDF, CIRCLE),
        (PIDF_FORMAT, "GML"),
        (PIDF_METHOD, "GPS"),
        (PIDF_CONFIDENCE, 'value="66",pdf="normal"'),
        (PANI, '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp="510101A2B0012345";network-provided'),
    )
    session = Session(said(*pairs))
    assert found(session) == dict(pairs)
    assert len(session.asked) == 1


def test_several_headers_are_one_list_in_their_order() -> None:
    session = Session(said((PANI, "one"), (PANI, "two;network-provided")))
    assert found(session) == {PANI: "one, two;network-provided"}


@pytest.mark.parametrize("length", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 5000])
def test_a_long_shape_is_read_to_its_end(length: int) -> None:
    value = "1" * (length - len(PIDF) - 1)
    assert found(Session(said((PIDF, value)))) == {PIDF: value}


def test_what_does_not_end_is_cut() -> None:
    session = Session(said((PIDF, "9" * 100_000)))
    assert len(found(session)[PIDF]) == MOST_PIECES * PIECE - len(PIDF) - 1
    assert len(session.asked) == MOST_PIECES


@pytest.mark.parametrize(
    "hostile",
    [
        "a\nHANGUP\n200 result=1 (x)",
        "&pidf.format=URI",
        '"); DROP',
        "${SHELL(id)}",
        "\0\r",
        "é\ud7ff",
    ],
)
def test_a_strangers_bytes_come_through_as_they_are(hostile: str) -> None:
    assert found(Session(said((PANI, hostile)))) == {PANI: hostile}


def test_a_value_that_was_cut_in_the_middle_of_a_letter_loses_that_letter_only() -> None:
    assert decoded("pidf=1.2%20101%2") == {PIDF: "1.2 101"}
    assert decoded("pidf=1.2%20101%") == {PIDF: "1.2 101"}
    assert decoded("pidf=%ff%fe") == {PIDF: "\ufffd\ufffd"}


def test_a_name_that_nobody_knows_and_an_empty_value_are_left_out() -> None:
    assert decoded("pidf=&SIAGA_T1=PJSIP&=x&&pidf.format=GML&pidf.format=URI") == {
        PIDF_FORMAT: "GML"
    }


def test_what_was_read_before_a_failure_counts() -> None:
    session = Session(said((PANI, "x" * 20), (PIDF, "9" * 2000)), failing_at=1)
    session.failure = TooSlow("GET FULL VARIABLE")
    assert found(session)[PANI] == "x" * 20


def test_a_caller_who_hangs_up_meanwhile_is_gone() -> None:
    with pytest.raises(CallGone):
        found(Session(said((PIDF, CIRCLE)), failing_at=0))
