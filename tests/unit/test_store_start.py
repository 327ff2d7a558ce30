"""A controller starts, takes calls and numbers them, whatever state its database is in."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from small_deployment import offered
from sqlalchemy import Engine
from structlog.testing import capture_logs

from ivr.calls.board import Board, Fact
from ivr.store import tables
from ivr.store.case_numbers import CaseNumbers
from ivr.store.projection import Record
from ivr.store.recorder import Recorder, insert
from ivr.store.tables import connect, migrate

NOON = 1_795_410_000.0  # 23 November 2026, 12:00 in Riau
DAY_S = 86_400.0

AWAY = ["nonsense", "postgresql+nodriver://x@127.0.0.1:1/x", "sqlite:////nowhere/at/all/siaga.db"]


@contextmanager
def recorder(journal: Path, url: str) -> Iterator[Recorder]:
    found = Recorder(journal, url)
    try:
        yield found
    finally:
        found.close()


@contextmanager
def busy(file: Path) -> Iterator[None]:
    """Another process that writes, and lets others read."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'siaga.db'}"
    migrate(url)
    return url


def record(number: str, seq: int = 1) -> Record:
    return Record(str(seq), seq, NOON, "call_offered", {"case_number": number})


def numbers(url: str, *journaled: Record, now: float = NOON) -> CaseNumbers:
    return CaseNumbers(now, journaled, lambda: connect(url), Path(tempfile.mkdtemp()) / "shared")


@pytest.mark.parametrize("url", AWAY)
def test_a_database_that_cannot_even_be_named_right_stops_no_call(tmp_path: Path, url: str) -> None:
    with capture_logs() as logs:
        with recorder(tmp_path / "journal", url) as it:
            assert it.next_case_number(NOON).startswith("112-261123-")
            asyncio.run(asyncio.wait_for(it.commit("1", offered()), 1.0))
            assert asyncio.run(it.events_of("1")) == (offered(),)
        with recorder(tmp_path / "journal", url) as again:
            assert asyncio.run(again.events_of("1")) == (offered(),)
    assert {"database_away", "case_numbers_unknown"} <= {line["event"] for line in logs}


def test_numbers_count_within_a_day_of_riau_and_begin_anew(url: str) -> None:
    it = numbers(url)
    late = NOON + DAY_S / 2 - 1.0
    given = [it.next(at) for at in (NOON, late, late + 1.0, NOON + DAY_S)]
    assert given == ["112-261123-0001", "112-261123-0002", "112-261124-0001", "112-261124-0002"]


def test_no_number_is_given_twice_though_the_journal_is_not_in_the_database_yet(
    tmp_path: Path, url: str
) -> None:
    """The controller stops between the journal and the database, and is started again."""
    given = []
    with capture_logs(), busy(tmp_path / "siaga.db"):
        for call_id in ("1", "2", "3"):
            with recorder(tmp_path / "journal", url) as it:
                given.append(it.next_case_number(time.time()))
                event = replace(offered(), call_id=call_id, case_number=given[-1])
                asyncio.run(it.commit(call_id, event))
    with recorder(tmp_path / "journal", url) as it:
        given.append(it.next_case_number(time.time()))
    assert len(set(given)) == 4


def test_counting_goes_on_after_the_highest_number_wherever_it_stands(url: str) -> None:
    engine = connect(url)
    insert(engine, [record("112-261123-0007"), record("112-261122-0999", 2)])
    engine.dispose()
    assert numbers(url).next(NOON) == "112-261123-0008"
    assert numbers(url, record("112-261123-0011", 3)).next(NOON) == "112-261123-0012"
    assert numbers(url, record("BKS-1", 4), record("112-261122-5000", 5)).next(NOON)[-4:] == "0008"


def test_a_database_that_does_not_answer_costs_no_number_and_no_two_calls_share_one(
    tmp_path: Path,
) -> None:
    def away() -> Engine:
        raise OSError("no route to the database")

    with capture_logs():
        first = CaseNumbers(NOON, (), away, tmp_path / "1")
        again = CaseNumbers(NOON + 60.0, (), away, tmp_path / "2")
        told = CaseNumbers(NOON, [record("112-261123-99999")], away, tmp_path / "3")
    assert [first.next(NOON) for _ in range(2)] == ["112-261123-53201", "112-261123-53202"]
    assert again.next(NOON) == "112-261123-53261"
    assert told.next(NOON) == "112-261123-100000"


def test_two_controllers_beside_each_other_never_give_one_number_twice(tmp_path: Path) -> None:
    def away() -> Engine:
        raise OSError("no route to the database")

    with capture_logs():
        old, new = (CaseNumbers(NOON, (), away, tmp_path / "shared") for _ in range(2))
    given = [one.next(NOON) for _ in range(20) for one in (old, new)]
    assert len(set(given)) == 40
    tomorrow = [one.next(NOON + 86_400) for one in (new, old)]
    assert tomorrow == ["112-261124-0001", "112-261124-0002"]


def test_a_disk_that_refuses_the_shared_number_costs_no_call(tmp_path: Path) -> None:
    def away() -> Engine:
        raise OSError("no route to the database")

    with capture_logs() as logs:
        number = CaseNumbers(NOON, (), away, tmp_path / "no" / "folder").next(NOON)
    assert number == "112-261123-53201"
    assert "case_number_not_shared" in [line["event"] for line in logs]


def test_the_end_of_a_call_that_is_older_than_the_controller_is_recorded_once() -> None:
    board = Board()
    assert board.feed(Fact("1", "ended", 0.0, who="caller"))
    assert not board.feed(Fact("1", "ended", 0.0, cause="16"))
    assert not board.calls


def test_a_checkout_may_lie_under_a_name_with_a_percent_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "100%s"
    folder.symlink_to(tables.MIGRATIONS)
    monkeypatch.setattr(tables, "MIGRATIONS", folder)
    migrate(f"sqlite:///{tmp_path / 'siaga.db'}")
    assert (tmp_path / "siaga.db").exists()
