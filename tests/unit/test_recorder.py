"""What was committed is not lost: not to a kill, a full disk, a locked or missing database."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from small_deployment import ROOT, offered
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from ivr.flow.events import CallerHungUp, DigitsEntered, Event, NoInput
from ivr.flow.journal import from_json
from ivr.store import recorder as recording
from ivr.store import reports
from ivr.store.projection import Record
from ivr.store.recorder import Recorder, insert, read_journal
from ivr.store.tables import connect, migrate

PROMPTLY_S = 1.0
"""Less than a locked database would keep anybody waiting who waits for it."""


class Store:
    """A home for the records of one test. The database is there once it is migrated."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.journal = home / "journal"
        self.file = home / "siaga.db"
        self.url = f"sqlite:///{self.file}"

    def migrate(self) -> Store:
        migrate(self.url)
        return self

    @contextmanager
    def recorder(self) -> Iterator[Recorder]:
        found = Recorder(self.journal, self.url)
        try:
            yield found
        finally:
            found.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another process's transaction, in the way of every writer."""
        other = sqlite3.connect(self.file, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    def start_again(self) -> None:
        """What the next start of the controller does for the records of the last one."""
        with self.recorder():
            pass

    def stored(self, call_id: str = "1") -> list[Record]:
        """What the database holds; nothing where there is none yet."""
        engine = connect(self.url)
        try:
            return [Record(call_id, *row) for row in reports.events_of(engine, call_id)]
        except OperationalError:
            return []
        finally:
            engine.dispose()

    def journaled(self, call_id: str = "1") -> list[Record]:
        """What the journals hold, in the order in which it was written."""
        files = sorted(self.journal.glob("*.jsonl"))
        return [r for file in files for r in read_journal(file) if r.call_id == call_id]

    def kept(self, call_id: str = "1") -> list[Event]:
        """What would survive if everything stopped now."""
        rows = {r.seq: r for r in [*self.journaled(call_id), *self.stored(call_id)]}
        return events(rows[seq] for seq in sorted(rows))


def until(true: Callable[[], bool]) -> None:
    """Look until it is true, for ten seconds at most."""
    deadline = time.monotonic() + 10.0
    while not true():
        assert time.monotonic() < deadline


def events(records: Any) -> list[Event]:
    return [from_json({"kind": r.kind, **r.body}) for r in records]


@pytest.fixture
def away(tmp_path: Path) -> Store:
    """A store whose database is not there."""
    return Store(tmp_path)


@pytest.fixture
def store(away: Store) -> Store:
    return away.migrate()


def commit(recorder: Recorder, *given: Event, call_id: str = "1") -> None:
    """Commit events one after the other, each promptly."""

    async def run() -> None:
        for event in given:
            await asyncio.wait_for(recorder.commit(call_id, event), PROMPTLY_S)

    asyncio.run(run())


def replayed(store: Store, call_id: str = "1") -> Sequence[Event]:
    """The events of a call as a controller sees them that has just been started."""
    with store.recorder() as recorder:
        return asyncio.run(recorder.events_of(call_id))


def digits(count: int) -> list[Event]:
    return [DigitsEntered(str(number)) for number in range(count)]


def test_a_commit_is_on_disk_when_it_resolves(away: Store) -> None:
    with away.recorder() as recorder:
        for number, event in enumerate([offered(), *digits(5)], 1):
            commit(recorder, event)
            assert len(away.journaled()) == number
            assert away.kept()[-1] == event


def test_what_is_recorded_before_a_commit_is_on_disk_with_it(away: Store) -> None:
    with away.recorder() as recorder:
        recorder.record("1", offered())
        recorder.observe("1", "said", {"texts": ["Anda terhubung ke 112."]})
        commit(recorder, NoInput())
        assert [r.kind for r in away.journaled()] == ["call_offered", "said", "no_input"]


def test_closing_puts_everything_into_the_database_and_leaves_no_journal(store: Store) -> None:
    with store.recorder() as recorder:
        recorder.record("1", offered())
        recorder.observe("1", "leg.ringing", {"channel": "PJSIP/a-1"}, at=1_750_000_003.0)
        recorder.record("1", CallerHungUp())
    assert [r.kind for r in store.stored()] == ["call_offered", "leg.ringing", "caller_hung_up"]
    call = reports.show_call(store.url, "1")
    assert call is not None
    assert (call["case_number"], call["human_at"]) == ("BKS-1", 1_750_000_003.0)
    assert list(store.journal.iterdir()) == []


def test_a_journal_is_for_nobody_else_to_read(away: Store) -> None:
    with away.recorder():
        (file,) = away.journal.iterdir()
        assert file.stat().st_mode & 0o077 == 0
        assert away.journal.stat().st_mode & 0o077 == 0


CHILD = """
import asyncio, resource, signal, sys
from pathlib import Path
from small_deployment import offered
from ivr.flow.events import DigitsEntered
from ivr.store.recorder import Recorder

journal, url = Path(sys.argv[1]), sys.argv[2]

def tell(word):
    print(word, flush=True)
    sys.stdin.readline()

async def main():
    recorder = Recorder(journal, url)
{body}

asyncio.run(main())
"""

KILLED = """
    await recorder.commit("1", offered())
    for number in range(50):
        recorder.record("1", DigitsEntered(str(number)))
    recorder.observe("1", "said", {"texts": ["x"]})
    await recorder.commit("1", DigitsEntered("last"))
    tell("committed")
"""

FULL_DISK = """
    await recorder.commit("1", offered())
    tell("committed")
    (file,) = journal.glob("*.jsonl")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 20, limits[1]))
    for number in range(3):
        try:
            await recorder.commit("1", DigitsEntered(f"lost-{number}"))
            tell("resolved")
        except OSError as error:
            tell(f"failed {error.errno}")
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await recorder.commit("1", DigitsEntered("after"))
    tell("committed")
"""


@contextmanager
def child(store: Store, body: str) -> Iterator[subprocess.Popen[str]]:
    """A process that records; it waits after each word it tells."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD.replace("{body}", body), str(store.journal), store.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str], word: str) -> None:
    """Read until the process has told this; what it logs stands in between."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    raise AssertionError(f"the process ended without saying {word!r}")


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_process_killed_in_the_middle_loses_nothing_that_was_recorded(store: Store) -> None:
    with store.locked(), child(store, KILLED) as process:
        told(process, "committed")
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert store.stored() == [], "the database was locked: all there is stands in the journal"
    store.start_again()
    assert list(store.journal.iterdir()) == []
    kinds = [r.kind for r in store.stored()]
    assert kinds == ["call_offered", *["digits_entered"] * 50, "said", "digits_entered"]
    assert [r.body["digits"] for r in store.stored() if r.kind == "digits_entered"] == [
        *map(str, range(50)),
        "last",
    ]
    once = reports.show_call(store.url, "1")
    store.start_again()
    assert reports.show_call(store.url, "1") == once
    assert replayed(store)[-1] == DigitsEntered("last")


def test_a_process_killed_while_the_database_writes_loses_nothing_either(store: Store) -> None:
    with child(store, KILLED) as process:
        told(process, "committed")
        process.kill()
        process.wait()
    store.start_again()
    assert len(store.stored()) == 53


def test_on_a_full_disk_a_commit_fails_and_the_process_goes_on(away: Store) -> None:
    with child(away, FULL_DISK) as process:
        told(process, "committed")
        for _ in range(3):
            go_on(process)
            told(process, "failed 27")
        go_on(process)
        told(process, "committed")
        process.kill()
        process.wait()
    with capture_logs():
        kept = away.kept()
    assert kept == [offered(), DigitsEntered("after")], "what was half written spoils nothing"


def test_a_torn_last_line_is_skipped_and_the_rest_is_put_in(store: Store) -> None:
    lines = [line_of(1, "call_offered"), line_of(2, "no_input"), line_of(3, "said")]
    for cut in (1, 10, len(lines[2]) // 2, len(lines[2]) - 1):
        call_id = f"cut-{cut}"
        store.journal.mkdir(exist_ok=True)
        data = "\n".join(lines).replace("CALL", call_id)
        torn = data[: data.rindex("\n") + 1 + cut]
        (store.journal / f"{cut}.jsonl").write_text(torn, encoding="utf-8")
        with capture_logs() as logs:
            store.start_again()
        assert [r.seq for r in store.stored(call_id)] == [1, 2]
        assert "journal_line_torn" in [line["event"] for line in logs]
    assert list(store.journal.iterdir()) == []


def line_of(seq: int, kind: str, body: object = None) -> str:
    said = {"call": "CALL", "seq": seq, "at": 1.0, "kind": kind, "body": body or {}}
    return json.dumps(said)


def test_lines_that_are_no_records_do_not_stop_a_start(store: Store) -> None:
    store.journal.mkdir()
    junk = [
        "junk",
        "[]",
        "1",
        "null",
        '{"call":"1"}',
        '{"call":"1","seq":1,"at":1.0,"kind":"x","body":null}',
        '{"call":"1","seq":"x","at":1.0,"kind":"x","body":{}}',
        '{"call":"1","seq":99999999999999999999,"at":1.0,"kind":"x","body":{}}',
        '{"call":null,"seq":1,"at":null,"kind":null,"body":{}}',
        '{"call":"1","seq":3,"at":1.0,"kind":"route_decided","body":{}}',
        '{"call":"1","seq":4,"at":1.0,"kind":"learned","body":{"place":["x"]}}',
    ]
    good = line_of(9, "no_input").replace("CALL", "1")
    (store.journal / "1.jsonl").write_text("\n".join([*junk, good]), encoding="utf-8")
    with capture_logs():
        with store.recorder() as recorder:
            commit(recorder, offered(), call_id="2")
        assert [r.seq for r in store.stored() if r.kind == "no_input"] == [9]
        assert [r.kind for r in store.stored("2")] == ["call_offered"]
    assert list(store.journal.glob("*.jsonl")) == []


def test_putting_a_journal_in_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    with store.locked(), child(store, KILLED) as process:
        told(process, "committed")
        process.kill()
        process.wait()
    (file,) = store.journal.glob("*.jsonl")
    copy = file.read_bytes()
    store.start_again()
    once = (store.stored(), reports.show_call(store.url, "1"))
    for name in ("again.jsonl", "and-again.jsonl"):
        (store.journal / name).write_bytes(copy)
    store.start_again()
    assert (store.stored(), reports.show_call(store.url, "1")) == once


def test_a_locked_database_delays_no_commit_and_loses_nothing(store: Store) -> None:
    given = [offered(), *digits(20)]
    with store.recorder() as recorder, store.locked():
        commit(recorder, *given)
        assert asyncio.run(recorder.events_of("1")) == tuple(given)
        assert store.stored() == []
    assert events(store.stored()) == given


def test_a_call_can_be_replayed_while_the_database_is_locked(store: Store) -> None:
    with store.recorder() as recorder:
        commit(recorder, offered(), NoInput())
    with store.recorder() as recorder, store.locked():

        async def ask() -> Sequence[Event]:
            return await asyncio.wait_for(recorder.events_of("1"), PROMPTLY_S)

        assert asyncio.run(ask()) == (offered(), NoInput())


def test_what_a_missing_database_did_not_take_is_put_in_by_a_later_start(away: Store) -> None:
    with capture_logs():
        with away.recorder() as recorder:
            commit(recorder, offered(), *digits(3))
        assert len(away.journaled()) == 4, "closing must not throw the journal away"
        with away.recorder() as recorder:
            commit(recorder, DigitsEntered("next"))
        assert len(away.journaled()) == 5
    store = away.migrate()
    store.start_again()
    assert events(store.stored()) == [offered(), *digits(3), DigitsEntered("next")]
    assert list(store.journal.iterdir()) == []


def test_a_database_that_comes_back_takes_what_was_kept_for_it(
    away: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "LONGEST_PAUSE_S", 0.05)
    with capture_logs(), away.recorder() as recorder:
        commit(recorder, offered())
        away.migrate()
        commit(recorder, NoInput())
        until(lambda: len(away.stored()) == 2)
    assert events(away.stored()) == [offered(), NoInput()]


def test_a_journal_that_grew_is_replaced_and_no_commit_is_ever_without_one(
    away: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the records of an earlier process wait for the same database."""
    monkeypatch.setattr(recording, "ROTATE_BYTES", 400)
    monkeypatch.setattr(recording, "LONGEST_PAUSE_S", 0.05)
    away.journal.mkdir()
    (away.journal / "0.jsonl").write_text(line_of(1, "no_input"), encoding="utf-8")
    with capture_logs(), away.recorder() as recorder:
        commit(recorder, offered(), *digits(20))
        assert len(list(away.journal.iterdir())) > 3
        away.migrate()
        until(lambda: len(away.stored()) == 21)
        with away.locked():
            commit(recorder, DigitsEntered("locked"))
            assert away.kept() == [offered(), *digits(20), DigitsEntered("locked")]
    assert away.kept() == [offered(), *digits(20), DigitsEntered("locked")]
    assert list(away.journal.iterdir()) == []
    assert [r.kind for r in away.stored("CALL")] == ["no_input"]


def test_a_folder_that_is_gone_when_a_new_journal_is_due_stops_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "ROTATE_BYTES", 100)
    with capture_logs(), store.recorder() as recorder:
        store.journal.rename(store.home / "elsewhere")
        commit(recorder, offered(), *digits(5))
    assert events(store.stored()) == [offered(), *digits(5)]


def test_a_record_that_the_database_refuses_holds_up_no_other(store: Store) -> None:
    with capture_logs() as logs, store.recorder() as recorder:
        recorder.observe("1", "learned", {"place": "14.03.09", "confidence": math.nan})
        recorder.observe("1", "learned", {"place": {"not": "text"}})
        recorder.observe("1", "route_decided", {})
        recorder.observe("1", "odd", {"text": "\udcff", "number": 2**70, "thing": object()})
        commit(recorder, offered())
        recorder.record("1", DigitsEntered("1"))
    kinds = [r.kind for r in store.stored()]
    assert kinds[-2:] == ["call_offered", "digits_entered"]
    assert "route_decided" in kinds, "the event is kept, though nothing could be made of it"
    call = reports.show_call(store.url, "1")
    assert call is not None
    assert call["case_number"] == "BKS-1"
    assert [line.split()[1:] for line in call["transcript"]] == [["?", "route_decided"], [">", "1"]]
    assert not any("6281276" in str(line) for line in logs), "no caller's number in the log"
    assert list(store.journal.glob("*.jsonl")) == []


def test_what_the_database_will_never_take_is_kept_in_a_file(store: Store) -> None:
    with capture_logs() as logs, store.recorder() as recorder:
        recorder.observe("1", "leg.ended", {"by": "human"}, at=math.nan)
        commit(recorder, offered())
    (kept,) = store.journal.iterdir()
    said = json.loads(kept.read_text(encoding="utf-8"))
    assert (said["call"], said["kind"], said["body"]) == ("1", "leg.ended", {"by": "human"})
    assert [line["event"] for line in logs].count("record_refused") == 1
    assert events(store.stored()) == [offered()]


def test_a_living_process_keeps_its_journal(away: Store) -> None:
    with capture_logs(), away.recorder() as living:
        commit(living, offered())
        (file,) = away.journal.iterdir()
        away.start_again()
        assert file.exists()
        away.migrate().start_again()
        assert file.exists()
        assert [r.kind for r in away.journaled()] == ["call_offered"]


def test_events_come_from_memory_and_after_a_restart_from_disk(store: Store) -> None:
    given = (offered(), NoInput(), DigitsEntered("1"))
    with store.recorder() as recorder:
        for event in given:
            recorder.record("1", event)
            recorder.observe("1", "said", {"texts": ["x"]})
        assert asyncio.run(recorder.events_of("1")) == given
        assert asyncio.run(recorder.events_of("2")) == ()
    assert replayed(store) == given


def test_events_come_from_the_journal_while_the_database_has_not_got_them(away: Store) -> None:
    with capture_logs():
        with away.recorder() as recorder:
            commit(recorder, offered(), NoInput())
        assert replayed(away) == (offered(), NoInput())


def test_what_is_recorded_first_after_a_restart_hides_nothing_from_before(store: Store) -> None:
    with store.recorder() as recorder:
        commit(recorder, offered(), NoInput())
    with store.recorder() as recorder:
        recorder.record("1", DigitsEntered("1"))
        expected = (offered(), NoInput(), DigitsEntered("1"))
        assert asyncio.run(recorder.events_of("1")) == expected
        recorder.forget("1")
        recorder.record("1", CallerHungUp())
        commit(recorder, NoInput(), call_id="2")
        assert asyncio.run(recorder.events_of("1")) == (*expected, CallerHungUp())


def test_a_call_that_was_looked_for_too_early_is_found_later(store: Store) -> None:
    with store.recorder() as recorder:
        assert asyncio.run(recorder.events_of("1")) == ()
        other = connect(store.url)
        insert(other, [Record("1", 1, 1.0, "no_input", {})])
        other.dispose()
        assert asyncio.run(recorder.events_of("1")) == (NoInput(),)


def test_a_forgotten_call_is_still_on_record(store: Store) -> None:
    with store.recorder() as recorder:
        commit(recorder, offered())
        recorder.forget("1")
        recorder.forget("1")
        assert asyncio.run(recorder.events_of("1")) == (offered(),)


def test_the_order_within_a_call_holds_across_restarts(store: Store) -> None:
    for number in range(4):
        with store.recorder() as recorder:
            commit(recorder, DigitsEntered(str(number)), DigitsEntered(f"{number}b"))
    seqs = [r.seq for r in store.stored()]
    assert seqs == sorted(set(seqs))
    assert [r.body["digits"] for r in store.stored()] == [
        "0", "0b", "1", "1b", "2", "2b", "3", "3b",
    ]  # fmt: skip


def test_the_order_holds_where_the_clock_was_set_back(store: Store) -> None:
    engine = connect(store.url)
    insert(engine, [Record("1", 2**62, 1.0, "no_input", {})])
    engine.dispose()
    with store.recorder() as recorder:
        assert asyncio.run(recorder.events_of("1")) == (NoInput(),)
        commit(recorder, DigitsEntered("1"))
    assert replayed(store) == (NoInput(), DigitsEntered("1"))


def test_many_commits_at_once_are_all_on_disk(store: Store) -> None:
    async def all_at_once(recorder: Recorder) -> None:
        async with asyncio.timeout(5.0):
            await asyncio.gather(*(recorder.commit(str(n), offered()) for n in range(1000)))

    with store.recorder() as recorder:
        asyncio.run(all_at_once(recorder))
    assert len(reports.list_calls(store.url, 2000)) == 1000


def test_a_commit_that_nobody_waits_for_any_more_is_kept(store: Store) -> None:
    async def give_up(recorder: Recorder) -> None:
        waiting = asyncio.create_task(recorder.commit("1", offered()))
        asyncio.get_running_loop().call_soon(waiting.cancel)
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with store.recorder() as recorder:
        asyncio.run(give_up(recorder))
        commit(recorder, NoInput())
    assert events(store.stored()) == [offered(), NoInput()]
