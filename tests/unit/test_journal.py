"""A call can be read back from its record, today's and yesterday's."""

from __future__ import annotations

import json

import pytest
from small_deployment import offered

from ivr.flow.events import CallOffered, DialEnded, NoInput, RouteDecided
from ivr.flow.journal import KINDS, JournalError, from_json, to_json
from routing.model import Location, Reason, Route


def test_an_offered_call_comes_back_with_its_location() -> None:
    event = offered(Location("sip_pidf", lat=1.2, lon=101.3, radius_m=50.0, confidence=0.8))
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_a_decision_comes_back_with_its_reasons() -> None:
    event = RouteDecided(
        (Route("damkar-mandau", "damkar-sip", "101", 15.0, "answer"),),
        (Reason("covers", "damkar-mandau covers 14.03.09"),),
        ("bpbd",),
    )
    written = to_json(event)
    assert written["kind"] == "route_decided"
    assert from_json(json.loads(json.dumps(written))) == event


def test_a_field_of_another_day_is_no_obstacle() -> None:
    assert from_json({"kind": "no_input", "mood": "calm"}) == NoInput()
    old = {"kind": "dial_ended", "agency": "a", "trunk": "t", "status": "busy"}
    assert from_json(old) == DialEnded("a", "t", "busy")


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"kind": "leg.ringing"},
        {"kind": 1},
        {"kind": "dial_ended"},
        {"kind": "route_decided", "routes": 1, "because": []},
        {"kind": "route_decided", "routes": [1], "because": []},
    ],
)
def test_what_is_no_event_is_refused(written: dict[str, object]) -> None:
    with pytest.raises(JournalError):
        from_json(written)


def test_every_event_has_one_name() -> None:
    assert len(set(KINDS.values())) == len(KINDS)
    assert KINDS["call_offered"] is CallOffered
