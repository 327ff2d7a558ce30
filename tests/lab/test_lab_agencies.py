"""Agencies as they are met: each ends with the caller at a person, and the true cause on record."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchange import ADDRESS, Exchange, exchange
from exchange import AGENCY as AGENCY_TONE
from exchange import OPERATOR as OPERATOR_TONE
from laboratory import CLEAR, Engine, eventually
from test_lab_nets import with_people

from ivr.softphone.rtp import AUDIBLE, RATE, tone_share
from ivr.softphone.sipp import free_port

KEYS = {
    "14.03.09": "11",
    "14.03.16": "12",
    "14.03.13": "21",
    "14.03.15": "22",
    "14.03.03": "31",
    "14.03.12": "32",
    "14.03.14": "33",
    "14.03.01": "41",
    "14.03.02": "42",
    "14.03.10": "51",
    "14.03.11": "52",
}
INCIDENTS = {"kebakaran": "1", "medis": "3"}

# What an agency's telephones do; what is on record of each (result, cause); who has the caller.
CASES: dict[str, tuple[list[str], list[tuple[str, str]], str]] = {
    "busy": (["sibuk"], [("busy", "BUSY 17 SIP 486")], "operator"),
    "rings out": (["dering"], [("no_answer", "NOANSWER")], "operator"),
    "503": (["macet"], [("failed", "CONGESTION 34 SIP 503")], "operator"),
    "dead trunk": (["MATI", "terima"], [("failed", "silent")], "agency"),
    "closed port": (["TUTUP", "terima"], [("failed", "silent")], "agency"),
    "unregistered": (["GSM", "terima"], [("failed", "CHANUNAVAIL")], "agency"),
    "voicemail": (["pesan"], [("no_answer", "voicemail")], "operator"),
    "announcement": (["pengumuman"], [("no_answer", "announcement")], "operator"),
    "accepts, then drops": (["putus", "terima"], [("answered", "")], "agency"),
    "accepts after 14 s": (["lambat"], [], "agency"),
    "presses 2": (["tolak"], [("declined", "key-2")], "operator"),
    "presses nothing": (["diam"], [("no_answer", "silence")], "operator"),
    "picks up and hangs up": (["kabur"], [("no_answer", "hung-up")], "operator"),
    "all of them down": (
        ["macet", "MATI", "sibuk"],
        [("failed", "CONGESTION 34 SIP 503"), ("failed", "silent"), ("busy", "BUSY")],
        "operator",
    ),
    "two legs, one a voicemail": (["pesan", "lambat"], [], "agency"),
    "two legs, one hangs up": (["kabur", "lambat"], [], "agency"),
}
TOGETHER = ("two legs, one a voicemail", "two legs, one hangs up")


def numbers() -> Mapping[str, tuple[str, str]]:
    """Each case's incident and place, so that all can be called at once; one telephone each."""
    places = [(incident, code) for incident in INCIDENTS for code in KEYS]
    return dict(zip(CASES, places, strict=False))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A peer that takes every packet and never says anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((ADDRESS, 0))
        yield int(mute.getsockname()[1])


def contact(way: str, port: int, silent_port: int, closed_port: int, case: str) -> str:
    name = "".join(letter for letter in case if letter.isalnum())
    match way:
        case "GSM":
            return '{via: gsm, number: "08127600112", ring: 12s}'
        case "MATI":
            uri = f"sip:{name}@{ADDRESS}:{silent_port}"
        case "TUTUP":
            uri = f"sip:{name}@{ADDRESS}:{closed_port}"
        case _:
            uri = f"sip:{way}@{ADDRESS}:{port}"
    return f'{{number: "{uri}", ring: 12s, lines: 60}}'


def agencies_file(port: int, silent_port: int) -> str:
    closed_port = free_port(ADDRESS)
    lines = []
    for number, (case, (incident, code)) in enumerate(numbers().items()):
        ways = [contact(w, port, silent_port, closed_port, case) for w in CASES[case][0]]
        lines += [
            f"agency-{number}:",
            f"  name: {case}",
            f"  handles: [{incident}]",
            f'  covers: ["{code}"]',
            f"  ring: {'all' if case in TOGETHER else 'in-order'}",
            "  contacts:",
            *(f"    - {way}" for way in ways),
        ]
    return "\n".join(lines) + "\n"


def caller_number(case: str) -> str:
    incident, code = numbers()[case]
    return f"0812{list(CASES).index(case):03}{INCIDENTS[incident]}{KEYS[code]}"


def record_of(engine: Engine, number: str) -> dict[str, Any] | None:
    from ivr.store import reports

    url = f"sqlite:///{engine.home / 'siaga.db'}"
    for row in reports.list_calls(url, limit=1000):
        if row["caller"] == number:
            return reports.show_call(url, row["call_id"])
    return None


def events_of(engine: Engine, number: str) -> list[tuple[float, str, dict[str, Any]]]:
    from ivr.store import reports
    from ivr.store.tables import connect

    record = record_of(engine, number)
    if record is None:
        return []
    store = connect(f"sqlite:///{engine.home / 'siaga.db'}")
    try:
        events = reports.events_of(store, record["call_id"])
        return [(at, kind, body) for _, at, kind, body in events]
    finally:
        store.dispose()


def hears(others: Exchange, number: str, hertz: float) -> bool:
    try:
        heard = others.last("caller", number, 0.5)
    except FileNotFoundError:
        return False
    return len(heard) > 2000 and tone_share(heard, hertz) > CLEAR


def test_every_kind_of_agency_ends_with_the_caller_at_a_person_and_its_true_cause_on_record(
    tmp_path: Path, silent_port: int
) -> None:
    port = free_port(ADDRESS)
    engine = with_people(tmp_path / "home", f"{ADDRESS}:{port}")
    operators = engine.deployment / "operators.yaml"
    text = operators.read_text().replace(
        f'"sip:petugas@{ADDRESS}:{port}"', f'"sip:sabar@{ADDRESS}:{port}", ring: 120s'
    )
    operators.write_text(text)
    (engine.deployment / "agencies.yaml").write_text(agencies_file(port, silent_port))
    # Every kecamatan is an island here: nobody of another case may be called instead.
    places = engine.deployment / "places.yaml"
    places.write_text(
        re.sub(r"block: [a-z]+", lambda it: f"block: b{it.start()}", places.read_text())
    )
    gateway_that_never_came(engine)
    engine.environment["SIAGA_RTP_PORTS"] = "34000-35999"
    engine.started()
    try:
        with exchange(tmp_path / "exchange", engine.sip_port, port, patience_s=50) as others:
            for case in CASES:
                others.call(caller_number(case), choosing=True)
            for case, (_, _, person) in CASES.items():
                number = caller_number(case)
                hertz = AGENCY_TONE if person == "agency" else OPERATOR_TONE
                heard = eventually(
                    lambda n=number, h=hertz: hears(others, n, h), 70, f"{case}: a person"
                )
                asyncio.run(heard)
            for case in CASES:
                check_record(engine, case)
                assert longest_silence_s(others, caller_number(case)) < 10.0, case
    finally:
        engine.down()


def gateway_that_never_came(engine: Engine) -> None:
    """A way out to mobiles that is to register with us, and has not."""
    file = engine.deployment / "trunks.yaml"
    gateway = "keluar:\n  gsm: {register: in, login: gsm, channels: 2, setup: 10s}\n"
    file.write_text(file.read_text().replace("keluar:\n", gateway))
    secret = engine.home / "secrets" / "trunk-gsm"
    secret.parent.mkdir(parents=True, mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text("rahasia-laboratorium\n")


def longest_silence_s(others: Exchange, number: str) -> float:
    """For how long a caller heard nothing, at the longest."""
    heard = np.abs(others.last("caller", number, 600).astype(int))
    loud = np.flatnonzero(heard > AUDIBLE)
    return float(np.diff(loud, prepend=0).max()) / RATE


def check_record(engine: Engine, case: str) -> None:
    ways, causes, person = CASES[case]
    number = caller_number(case)
    events = events_of(engine, number)
    ended = [
        body for _, kind, body in events if kind == "dial_ended" and body["agency"] != "operator"
    ]
    found = [(body["status"], body["cause"]) for body in ended]
    assert len(found) == len(causes), (case, found)
    for (status, cause), (expected, words) in zip(found, causes, strict=True):
        assert status == expected, (case, found)
        assert words in cause, (case, found)
    record = record_of(engine, number)
    assert record is not None
    agency = f"agency-{list(CASES).index(case)}"
    assert record["bridged_to"] == (agency if person == "agency" else "operator"), case
    assert not record["ended_at"], case
    dialled = [
        at for at, kind, body in events if kind == "leg.dialling" and body["who"] != "operator"
    ]
    if case in ("dead trunk", "closed port"):
        assert dialled[1] - dialled[0] <= 4.5, "a silent way out costs four seconds"
    if case in TOGETHER:
        results = [body for _, kind, body in events if kind == "leg.accepted"]
        assert len(results) == 1
        assert dialled[1] - dialled[0] < 0.5
    assert len(dialled) == len(ways), (case, dialled)
