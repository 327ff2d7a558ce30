"""Scenarios that SIPp can read, values that cannot break out of them, and traces read back."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from ivr.softphone.sipp import clean, read_trace, render

CALLER: dict[str, Any] = {
    "uri": "sip:112@127.0.0.1:5060",
    "caller": "<sip:+6281276123456@127.0.0.1>",
    "address": "127.0.0.1",
    "rtp_port": 4000,
    "headers": ("X-Siaga-Trunk: telkomsel",),
    "pidf": None,
    "info_keys": (),
    "hold_ms": None,
}
ANSWERER: dict[str, Any] = {
    "address": "127.0.0.3",
    "rtp_port": 4002,
    "ring_ms": 500,
    "refuse": None,
}
SCENARIOS = [
    ("caller", CALLER),
    ("caller", {**CALLER, "pidf": "<presence/>"}),
    ("caller", {**CALLER, "info_keys": ((100, "1"),), "hold_ms": 50}),
    ("answerer", ANSWERER),
    ("answerer", {**ANSWERER, "refuse": "486 Busy Here"}),
]
TRACE = """----------------------------------------------- 2026-11-23T19:35:56.306313Z
UDP message sent [535] bytes:

INVITE sip:112@127.0.0.1:45060 SIP/2.0
Call-ID: 1-8728@127.0.0.1

----------------------------------------------- 2026-11-23T19:35:56.308410Z
UDP message received [694] bytes:

SIP/2.0 200 OK
CSeq: 1 INVITE
P-Asserted-Identity: "Pos" <sip:damkar-mandau@127.0.0.1>

v=0
c=IN IP4 127.0.0.1
m=audio 20774 RTP/AVP 0 101
"""


@pytest.mark.parametrize(("name", "values"), SCENARIOS)
def test_every_scenario_is_xml_whose_jumps_lead_somewhere(
    name: str, values: dict[str, Any]
) -> None:
    root = ElementTree.fromstring(render(name, **values))
    labels = {element.get("id") for element in root.iter("label")}
    jumps = {element.get(way) for element in root.iter() for way in ("next", "ontimeout")} - {None}
    assert jumps <= labels


@pytest.mark.parametrize("hostile", ["+62\r\nX: y", "a]]>b", "[call_id]", "a\0b"])
def test_a_value_cannot_become_a_header_or_a_command_of_the_scenario(hostile: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a SIP message"):
        clean(hostile)


def test_a_trace_is_read_with_its_times_and_who_answered() -> None:
    invite, answer = read_trace(TRACE)
    assert invite.sent
    assert invite.first_line.startswith("INVITE sip:112@")
    assert invite.header("call-id") == "1-8728@127.0.0.1"
    assert not answer.sent
    assert 0.0020 < answer.at - invite.at < 0.0022
    assert answer.asserted == "damkar-mandau"
    assert answer.media == ("127.0.0.1", 20774)


def test_an_empty_trace_has_no_messages() -> None:
    assert read_trace("") == []
