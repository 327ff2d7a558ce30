"""A controller that starts anew finds the calls of its forerunner, and tells none of them a thing twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_deployment import offered

from ivr.flow.events import CallOffered, Event, LocationLearned
from ivr.flow.journal import to_json
from ivr.location.aml import Report
from ivr.location.arrivals import AFTER_S, Arrivals, location
from ivr.location.spool import Arrival, Correction, Spool, arrival
from ivr.store.projection import Record
from ivr.store.recent import Recent, recent
from ivr.store.recorder import insert
from ivr.store.tables import connect, migrate
from routing.geography import Geography

NOW = 1_795_421_730.123_456


def put(url: str, call_id: str, *events: Event, at: float = NOW) -> None:
    engine = connect(url)
    records = []
    for seq, event in enumerate(events, 1):
        said = to_json(event)
        records.append(Record(call_id, seq, at, said.pop("kind"), said))
    insert(engine, records)
    engine.dispose()


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'siaga.db'}"
    migrate(url)
    return url


def call(call_id: str, caller: str | None, at: float) -> CallOffered:
    return replace(offered(), call_id=call_id, caller=caller, at=at)


def learned(arrived: Arrival) -> LocationLearned:
    return LocationLearned(location(arrived, Geography(), None))


def test_the_calls_of_the_last_while_come_back_in_their_order(url: str) -> None:
    put(url, "old", call("old", "1", NOW - AFTER_S - 1), at=NOW - AFTER_S - 1)
    put(url, "2", call("2", None, NOW - 1), at=NOW - 1)
    put(url, "1", call("1", "081276123456", NOW - 9), at=NOW - 9)
    assert recent(url, NOW - AFTER_S) == Recent(
        (("1", "081276123456", NOW - 9, None), ("2", None, NOW - 1, None))
    )


def test_what_the_spool_still_holds_is_not_told_again_after_a_restart(
    url: str, tmp_path: Path
) -> None:
    told = arrival(Report("aml_https", "+6281276123456", raw="told"), NOW + 1)
    corrected = arrival(Correction("1", "sari", code="14.03.09"), NOW + 2)
    corrected_old = arrival(Correction("old", "sari", code="14.03.09"), NOW + 3)
    news = arrival(Report("aml_https", "+6281276123456", raw="news"), NOW + 4)
    for one in (told, corrected, corrected_old, news):
        Spool(tmp_path / "spool").put(one)
    put(url, "old", call("old", None, NOW - 9999), learned(corrected_old), at=NOW - 9999)
    put(url, "1", call("1", "081276123456", NOW), learned(told), learned(corrected))

    known = recent(url, NOW + 5 - AFTER_S)
    arrivals = Arrivals(known.locations)
    for call_id, caller, at, ended_at in known.calls:
        arrivals.offered(call_id, caller, at)
        if ended_at is not None:
            arrivals.ended(call_id, ended_at)
    fresh = Spool(tmp_path / "spool").fresh(NOW + 5)
    assert len(fresh) == 4
    assert [(one, arrivals.take(one)) for one in fresh if one == news] == [(news, ("1",))]
    assert [arrivals.take(one) for one in fresh] == [()] * 4
