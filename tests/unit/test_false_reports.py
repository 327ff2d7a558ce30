"""A number that reported falsely is known for a while, and no other number is."""

from __future__ import annotations

from pathlib import Path

from small_deployment import offered

from ivr.flow.journal import to_json
from ivr.store.false_reports import EXPIRES_S, has_false_reports
from ivr.store.projection import Record
from ivr.store.recorder import insert
from ivr.store.tables import connect, migrate

NOW = 1_750_000_000.0
NUMBER = "+6281276123456"


def told(tmp_path: Path, *outcomes: str, ago_s: float = 0.0) -> str:
    url = f"sqlite:///{tmp_path / 'siaga.db'}"
    migrate(url)
    engine = connect(url)
    for number, outcome in enumerate(outcomes):
        at = NOW - ago_s + number
        who = {"who": "damkar-mandau/jasnita", "outcome": outcome}
        body = {**to_json(offered()), "at": at}
        insert(
            engine,
            [
                Record(str(number), int(at * 1e6), at, "call_offered", body),
                Record(str(number), int(at * 1e6) + 1, at, "leg.outcome", who),
            ],
        )
    engine.dispose()
    return url


def test_two_false_reports_are_a_record_and_one_is_none(tmp_path: Path) -> None:
    url = told(tmp_path, "palsu", "dikirim", "palsu")
    assert has_false_reports(url, NUMBER, NOW)
    assert not has_false_reports(url, "+6281276999999", NOW)


def test_one_may_be_a_mistake(tmp_path: Path) -> None:
    assert not has_false_reports(told(tmp_path, "palsu", "selesai"), NUMBER, NOW)


def test_the_record_expires(tmp_path: Path) -> None:
    url = told(tmp_path, "palsu", "palsu", ago_s=EXPIRES_S + 60)
    assert not has_false_reports(url, NUMBER, NOW)
