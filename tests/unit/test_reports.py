"""What is recorded of a call adds up to the call object that others read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from small_deployment import offered
from sqlalchemy import func, select

from ivr.flow.events import (
    CallerHungUp,
    DialEnded,
    DigitsEntered,
    Event,
    NoInput,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.journal import to_json
from ivr.flow.spoken import Heard
from ivr.store import reports
from ivr.store.projection import Record
from ivr.store.recorder import insert
from ivr.store.tables import CALLS, LOCATIONS, MIGRATIONS, Base, connect, migrate, reading
from routing.model import Candidate, Location, Reason, Route

START = 1_750_000_000.0

ROUTES = (
    Route("damkar-mandau", "damkar-sip", "101", 20.0, "answer"),
    Route("damkar-mandau", "jasnita", "ISI-NOMOR", 15.0, "press"),
    Route("operator", "pusat-sip", ""),
)
BECAUSE = (
    Reason("serves", "damkar-mandau menangani kebakaran di Mandau (14.03.09)"),
    Reason("operator-last", "petugas 112 selalu menjadi tujuan terakhir"),
)
TWENTY_S = (
    (0.0, offered()),
    (0.1, "said", {"texts": ["Anda terhubung ke 112."]}),
    (4.0, NoInput()),
    (6.0, DigitsEntered("1")),
    (6.0, "learned", {"incident": "kebakaran"}),
    (9.5, "learned", {"place": "14.03.09", "confidence": 0.9}),
    (9.6, RouteDecided(ROUTES, BECAUSE)),
    (9.7, "leg.dialling", {"who": "damkar-mandau/damkar-sip"}),
    (9.8, DialEnded("damkar-mandau", "damkar-sip", "failed", "CHANUNAVAIL")),
    (9.9, "leg.dialling", {"who": "damkar-mandau/jasnita"}),
    (10.0, "leg.ringing", {"channel": "PJSIP/jasnita-1"}),
    (12.0, "leg.ringing", {"channel": "PJSIP/jasnita-2"}),
    (13.0, "leg.accepted", {"who": "damkar-mandau/jasnita"}),
    (13.1, "leg.bridged", {}),
    (20.0, "leg.ended", {"by": "human"}),
    (20.1, CallerHungUp()),
)


def records(
    *happened: tuple[float, Event] | tuple[float, str, dict[str, object]], call_id: str = "1"
) -> list[Record]:
    found = []
    for seq, (after, what, *body) in enumerate(happened, 1):
        if isinstance(what, str):
            found.append(Record(call_id, seq, START + after, what, body[0]))
        else:
            said = to_json(what)
            found.append(Record(call_id, seq, START + after, said.pop("kind"), said))
    return found


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'siaga.db'}"
    migrate(url)
    return url


def put(url: str, given: list[Record]) -> None:
    engine = connect(url)
    insert(engine, given)
    engine.dispose()


def shown(url: str, call: str = "1") -> dict[str, Any]:
    found = reports.show_call(url, call)
    assert found is not None
    return found


def test_a_call_is_told_with_every_field_that_others_rely_on(url: str) -> None:
    put(url, records(*TWENTY_S))
    call = shown(url)
    expected = {
        "call_id": "1",
        "case_number": "BKS-1",
        "incident": "kebakaran",
        "location": {
            "code": "14.03.09",
            "source": "ivr_dtmf",
            "lat": None,
            "lon": None,
            "radius_m": None,
            "confidence": 0.9,
            "kind": "",
            "neighbour": None,
            "text": "",
        },
        "phone": None,
        "disagreement": False,
        "route": [
            {"agency": "damkar-mandau", "trunk": "damkar-sip"},
            {"agency": "damkar-mandau", "trunk": "jasnita"},
            {"agency": "operator", "trunk": "pusat-sip"},
        ],
        "because": [reason.text for reason in BECAUSE],
        "bridged": True,
        "bridged_to": "damkar-mandau",
        "ended_by": "human",
        "place": "14.03.09",
        "caller": "+6281276123456",
        "dialled": "112",
        "trunk": "telkomsel",
        "dialplan_version": "v1",
        "test": False,
        "offered_at": START,
        "human_at": START + 10.0,
        "bridged_at": START + 13.1,
        "ended_at": START + 20.0,
    }
    assert {name: call[name] for name in expected} == expected


def test_the_transcript_says_what_both_sides_did_and_when(url: str) -> None:
    put(url, records(*TWENTY_S))
    assert shown(url)["transcript"] == [
        "   0.10  < Anda terhubung ke 112.",
        "   4.00  > (diam)",
        "   6.00  > 1",
        "   9.60  = damkar-mandau via damkar-sip, damkar-mandau via jasnita, operator via pusat-sip",
        "   9.60    because: damkar-mandau menangani kebakaran di Mandau (14.03.09)",
        "   9.60    because: petugas 112 selalu menjadi tujuan terakhir",
        "   9.70  * dial damkar-mandau via damkar-sip",
        "   9.80  ! damkar-mandau failed (CHANUNAVAIL)",
        "   9.90  * dial damkar-mandau via jasnita",
        "  10.00  * ringing",
        "  12.00  * ringing",
        "  13.00  * accepted by damkar-mandau via jasnita",
        "  13.10  * bridged",
        "  20.00  * ended by human",
    ]


def test_putting_the_same_records_in_again_changes_nothing(url: str) -> None:
    given = records(*TWENTY_S)
    put(url, given)
    once = shown(url)
    put(url, given)
    put(url, list(reversed(given)))
    assert shown(url) == once


def test_a_call_of_one_moment_counts(url: str) -> None:
    put(url, records((0.0, offered()), (0.4, CallerHungUp())))
    call = shown(url)
    assert call["case_number"] == "BKS-1"
    assert (call["bridged"], call["bridged_to"], call["ended_by"]) == (False, None, "caller")
    assert (call["incident"], call["location"], call["route"], call["because"]) == (
        None,
        None,
        [],
        [],
    )
    assert call["transcript"] == []


@pytest.mark.parametrize(
    ("heard", "taken_for"),
    [
        (
            Heard("x", "1", 0.971, place="area:1", place_confidence=1.0),
            "pilihan 1 0,97; tempat area:1 1,00",
        ),
        (Heard("x", place="14.03.09", place_confidence=0.9), "tempat 14.03.09 0,90"),
        (Heard("x", "4", 0.2), "tidak dipahami; pilihan 4 0,20"),
        (Heard("x"), "tidak dipahami"),
    ],
)
def test_what_a_caller_said_stands_beside_what_it_was_taken_for(
    url: str, heard: Heard, taken_for: str
) -> None:
    put(url, records((0.0, offered()), (2.0, SpeechHeard(heard))))
    assert shown(url)["transcript"] == [f'   2.00  > "x" ({taken_for})']


def test_a_location_that_came_with_the_call_is_kept_as_received(url: str) -> None:
    shares = (Candidate("14.03.09", 0.8), Candidate("14.03.16", 0.2))
    here = Location(
        "sip_pidf",
        "14.03.09",
        1.2856,
        101.197,
        50.0,
        0.8,
        "GPS",
        shape="circle",
        kind="inside",
        candidates=shares,
        observed_at=START - 5.0,
        raw='shape="Circle",pos="1.2856 101.197",radius="50"',
    )
    put(url, records((0.0, offered(here))))
    call = shown(url)
    assert call["location"] == {
        "code": "14.03.09",
        "source": "sip_pidf",
        "lat": 1.2856,
        "lon": 101.197,
        "radius_m": 50.0,
        "confidence": 0.8,
        "kind": "inside",
        "neighbour": None,
        "text": "",
    }
    assert call["transcript"] == ["   0.00  @ sip_pidf: 14.03.09 1.2856,101.1970 +-50 m (80%)"]
    (kept,) = call["locations"]  # type: ignore[misc]
    assert kept["raw"] == here.raw
    assert kept["candidates"] == [
        {"code": "14.03.09", "share": 0.8},
        {"code": "14.03.16", "share": 0.2},
    ]
    assert (kept["observed_at"], kept["received_at"]) == (START - 5.0, START)
    assert kept["superseded_by"] is None


def test_what_the_caller_says_is_where_help_is_needed_and_the_disagreement_is_shown(
    url: str,
) -> None:
    phone = {"source": "aml_https", "code": "14.03.16", "confidence": 0.7, "kind": "inside"}
    put(
        url,
        records(
            (0.0, offered(Location("sip_pidf", "14.03.13", confidence=0.3))),
            (5.0, "learned", {"place": "14.03.09", "confidence": 0.9, "source": "ivr_dtmf"}),
            (6.0, "location_learned", {"location": phone}),
        ),
    )
    call = shown(url)
    location, telephone = call["location"], call["phone"]
    assert isinstance(location, dict) and isinstance(telephone, dict)
    assert (location["code"], location["source"]) == ("14.03.09", "ivr_dtmf")
    assert (telephone["code"], telephone["source"]) == ("14.03.16", "aml_https")
    assert call["disagreement"] is True
    assert "PERHATIKAN: ponselnya berada di tempat lain: 14.03.16" in reports.describe(call)


def test_a_newer_word_of_a_source_supersedes_the_older_and_both_are_kept(url: str) -> None:
    def told(code: str, source: str = "aml_https") -> dict[str, object]:
        return {"location": {"source": source, "code": code, "confidence": 0.7}}

    put(
        url,
        records(
            (0.0, offered(None)),
            (1.0, "location_learned", told("14.03.09")),
            (2.0, "location_learned", told("14.03.16", "pani")),
            (3.0, "location_learned", told("14.03.13")),
        ),
    )
    locations = shown(url)["locations"]
    assert isinstance(locations, list)
    assert [(one["code"], one["superseded_by"]) for one in locations] == [
        ("14.03.09", locations[2]["seq"]),
        ("14.03.16", None),
        ("14.03.13", None),
    ]


def test_what_an_operator_corrected_is_not_undone_by_a_key(url: str) -> None:
    corrected = {"location": {"source": "operator", "code": "14.03.13", "confidence": 0.95}}
    put(
        url,
        records(
            (0.0, offered(None)),
            (1.0, "location_learned", corrected),
            (2.0, "learned", {"place": "14.03.01", "confidence": 0.9, "source": "operator"}),
        ),
    )
    call = shown(url)
    location = call["location"]
    assert isinstance(location, dict)
    assert (call["place"], location["code"]) == ("14.03.13", "14.03.13")


def test_a_place_taken_from_the_phone_is_not_recorded_as_said_by_the_caller(url: str) -> None:
    here = Location("sip_pidf", "14.03.09", 1.2856, 101.197, 50.0, 0.9)
    learned = {"place": "14.03.09", "confidence": 0.9, "source": "sip_pidf"}
    put(url, records((0.0, offered(here)), (1.0, "learned", learned)))
    locations = shown(url)["locations"]
    assert isinstance(locations, list)
    assert [one["source"] for one in locations] == ["sip_pidf"]
    assert shown(url)["place"] == "14.03.09"


def test_what_the_agency_said_came_of_it_is_told_and_the_last_word_counts(url: str) -> None:
    said = {"who": "damkar-mandau/jasnita", "outcome": "palsu"}
    put(
        url,
        records(
            *TWENTY_S,
            (30.0, "leg.outcome", said),
            (31.0, "leg.outcome", {**said, "outcome": "dikirim"}),
        ),
    )
    call = shown(url)
    assert call["outcome"] == "dikirim"
    assert call["transcript"][-2:] == [
        "  30.00  * outcome palsu by damkar-mandau",
        "  31.00  * outcome dikirim by damkar-mandau",
    ]


def test_a_leg_that_led_to_nobody_says_why(url: str) -> None:
    legs = [
        {"who": "damkar-mandau/jasnita", "result": "no_answer", "cause": "voicemail"},
        {"who": "damkar-mandau/jasnita", "result": "busy"},
    ]
    put(url, records((0.0, offered()), *((1.0, "leg.result", leg) for leg in legs)))
    assert shown(url)["transcript"] == [
        "   1.00  * damkar-mandau via jasnita no_answer (voicemail)",
        "   1.00  * damkar-mandau via jasnita busy",
    ]


def test_the_last_decision_is_the_one_that_counts(url: str) -> None:
    first = RouteDecided(ROUTES, BECAUSE)
    second = RouteDecided(ROUTES[2:], BECAUSE[1:])
    put(url, records((0.0, offered()), (1.0, first), (2.0, second)))
    assert shown(url)["route"] == [{"agency": "operator", "trunk": "pusat-sip"}]


def test_an_observation_before_the_offer_loses_nothing(url: str) -> None:
    put(url, records((0.0, "leg.ringing", {}), (0.1, offered())))
    call = shown(url)
    assert (call["human_at"], call["case_number"]) == (START, "BKS-1")


def test_a_call_is_found_by_its_case_number_and_by_its_call_id(url: str) -> None:
    put(url, records(*TWENTY_S))
    put(
        url,
        records(
            (
                1.0,
                "call_offered",
                {**to_json(offered()), "case_number": "BKS-2", "sip_call_id": "abc@127.0.0.1"},
            ),
            call_id="2",
        ),
    )
    assert shown(url, "BKS-2")["call_id"] == "2"
    found = reports.call_by_sip_id(url, "abc@127.0.0.1")
    assert found is not None
    assert found["call_id"] == "2"
    assert reports.show_call(url, "BKS-3") is None
    assert reports.call_by_sip_id(url, "") is None


def test_the_newest_calls_come_first_and_are_counted(url: str) -> None:
    assert reports.describe_list(reports.list_calls(url, 10)) == "Belum ada panggilan."
    for number in range(5):
        body = {**to_json(offered()), "case_number": f"BKS-{number}", "at": START + number}
        put(url, [Record(str(number), 1, START, "call_offered", body)])
    newest = reports.list_calls(url, 2)
    assert [call["case_number"] for call in newest] == ["BKS-4", "BKS-3"]
    assert reports.describe_list(newest).splitlines()[1].startswith("BKS-4 ")


def test_a_call_is_described_in_words(url: str) -> None:
    put(url, records(*TWENTY_S))
    first, second, empty, *lines = reports.describe(shown(url)).splitlines()
    assert first.startswith("BKS-1  (1)  ")
    assert second == (
        "kejadian kebakaran, tempat 14.03.09, tersambung ke damkar-mandau, diakhiri human"
    )
    assert (empty, len(lines)) == ("", 14)


def test_a_call_of_which_little_is_known_is_described_too(url: str) -> None:
    put(url, records((0.0, "leg.ringing", {})))
    assert reports.describe(shown(url)).splitlines()[:2] == [
        "-  (1)  -",
        "kejadian tidak diketahui, tempat tidak diketahui, tersambung ke -, diakhiri -",
    ]
    assert len(reports.describe_list(reports.list_calls(url, 5)).splitlines()) == 2


def test_migrating_twice_is_harmless_and_makes_the_tables_of_today(url: str) -> None:
    put(url, records(*TWENTY_S))
    migrate(url)
    assert shown(url)["case_number"] == "BKS-1"
    engine = connect(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_a_database_of_an_earlier_version_keeps_its_calls(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    earlier = Config()
    earlier.set_main_option("script_location", str(MIGRATIONS))
    earlier.attributes["url"] = url
    command.upgrade(earlier, "0001")
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.execute("INSERT INTO calls (call_id, case_number, test) VALUES ('1', 'BKS-1', 0)")
        old.commit()
    migrate(url)
    assert (shown(url)["case_number"], shown(url)["outcome"]) == ("BKS-1", None)
    put(url, records(*TWENTY_S, call_id="2"))
    assert shown(url, "2")["bridged"]


def test_a_report_is_of_one_moment_though_the_call_goes_on_while_it_is_read(tmp_path: Path) -> None:
    """A location that arrives between two reads is in neither its own table nor the call's."""
    url = f"sqlite:///{tmp_path / 'siaga.db'}"
    migrate(url)
    store, other = connect(url), connect(url)
    before, after = records((0.0, offered()), (9.5, "learned", {"place": "14.03.09"}))
    insert(other, [before])
    count = select(func.count()).select_from(LOCATIONS)
    with reading(store) as seen:
        assert seen.execute(select(CALLS.c.place)).scalar() is None
        insert(other, [after])
        assert seen.execute(count).scalar() == 0
    with reading(store) as seen:
        assert seen.execute(select(CALLS.c.place)).scalar() == "14.03.09"
        assert seen.execute(count).scalar() == 1
    store.dispose()
    other.dispose()
