"""Nothing but numbers, names and whole SIP addresses reaches a dial string."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.platforms.asterisk.targets import UnsafeTarget, dial_string, safe_name

HOSTILE = [
    "",
    "1",
    "101&PJSIP/999@keluar",
    "101,60,g",
    "101@lain",
    "101\n",
    "101\nEXEC",
    "${SHELL(id)}",
    "١١٢",
    "+62811",
    "0812 3456",
    "1" * 21,
    "sip:",
    "sip:a@b&Local/x",
    "sip:a@b,30",
    "sip:a@b\n",
    "sip:a b@c",
    "sip:a@b:123456",
    "sip:a@b;x=y",
    "sip:${X}@b",
    "SIP:a@b",
]


def test_a_number_is_dialled_over_its_trunk() -> None:
    assert dial_string("jasnita", "0765123456") == "PJSIP/0765123456@jasnita"
    assert dial_string("pusat-sip", "*99#") == "PJSIP/*99#@pusat-sip"


def test_a_sip_address_is_dialled_directly() -> None:
    assert dial_string("langsung", "sip:pos.1+a@10.1.2.3:5070") == (
        "PJSIP/langsung/sip:pos.1+a@10.1.2.3:5070"
    )


@pytest.mark.parametrize("number", HOSTILE)
def test_a_hostile_number_is_refused(number: str) -> None:
    with pytest.raises(UnsafeTarget):
        dial_string("jasnita", number)


@pytest.mark.parametrize("trunk", ["", "a b", "a&b", "a,b", "a/b", "Jasnita", "a\n", "a" * 41])
def test_a_hostile_trunk_is_refused(trunk: str) -> None:
    assert not safe_name(trunk)
    with pytest.raises(UnsafeTarget):
        dial_string(trunk, "101")


@given(
    trunk=st.text(max_size=10), number=st.text(max_size=20) | st.text("sip:@&,1*#.a", max_size=9)
)
def test_whatever_is_written_a_dial_string_has_one_leg_and_no_options(
    trunk: str, number: str
) -> None:
    try:
        string = dial_string(trunk, number)
    except UnsafeTarget:
        return
    assert re.fullmatch(r"PJSIP/[A-Za-z0-9*#@:/._+-]+", string)
