"""From the event loop to disk: a queue, a local journal, then the database.

What survives. A record whose ``commit`` resolved is on disk (``fdatasync``): it survives SIGKILL and
a power cut. Every other record is written to the journal within milliseconds, which survives
SIGKILL of this process; it is in the database within 100 ms (WAL, synchronous=FULL), which survives
a power cut. A database that is away changes nothing for a call: the journal goes on, and what it
holds is put in later, each record once. A journal is deleted when the database has all of it.

What cannot be helped is told, and costs nothing else: a full disk fails the commits of that moment;
a record that nothing can be made of is stored as it is, and one that the database will never take
is kept in ``refused.txt`` beside the journals.

Two threads: one owns the journal file, so that a locked database never delays a commit; one owns
the database. Neither ever runs on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
)

from ivr.flow.events import CallOffered, Event
from ivr.flow.journal import KINDS, from_json, to_json
from ivr.store.case_numbers import CaseNumbers
from ivr.store.projection import Record, put
from ivr.store.reports import events_of
from ivr.store.tables import connect, migrate

BATCH_S = 0.05
BATCH_ROWS = 200
ROTATE_BYTES = 4 * 1024 * 1024
MOST_WAITING = 50_000
LONGEST_PAUSE_S = 5.0
CLOSE_S = 5.0
REFUSED = "refused.txt"
CASE_NUMBERS = "case-numbers"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Written:
    """A record on its way from the journal to the database, and the journal file that holds it."""

    record: Record
    file: Path | None


class Recorder:
    """Records calls without ever keeping one waiting. Made and closed by the controller."""

    def __init__(self, journal_dir: Path, database_url: str) -> None:
        journal_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._dir = journal_dir
        self._url = database_url
        self._engine: Engine | None = None
        self._events: defaultdict[str, dict[int, Event]] = defaultdict(dict)
        self._last_seq = 0
        self._lock = threading.Lock()
        self._to_journal: queue.Queue[tuple[Record, asyncio.Future[None] | None] | None]
        self._to_journal = queue.Queue(MOST_WAITING)
        self._to_database: queue.Queue[_Written | None] = queue.Queue()
        self._closing = threading.Event()
        self._torn = False
        self._file, self._path = _open_journal(self._dir)
        self._old = tuple(p for p in sorted(self._dir.glob("*.jsonl")) if p != self._path)
        # Before the threads start: what is moved meanwhile could be missed in both places.
        self._numbers = CaseNumbers(
            time.time(), self._left_over(), self._database, self._dir / CASE_NUMBERS
        )
        self._threads = (
            threading.Thread(target=self._write_journal, name="journal", daemon=True),
            threading.Thread(
                target=self._write_database, args=(self._path,), name="database", daemon=True
            ),
        )
        for thread in self._threads:
            thread.start()

    def record(self, call_id: str, event: Event) -> None:
        """Hand over an event of the engine; returns at once."""
        self._hand_over(self._happened(call_id, event), None)

    def observe(
        self, call_id: str, kind: str, body: Mapping[str, object], at: float | None = None
    ) -> None:
        """Hand over an observation (``leg.ringing``, ``said`` …): in the record, but no event."""
        self._hand_over(self._new(call_id, kind, dict(body), at), None)

    async def commit(self, call_id: str, event: Event) -> None:
        """Hand over an event of the engine; returns when it is on disk."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hand_over(self._happened(call_id, event), done)
        await done

    async def events_of(self, call_id: str) -> Sequence[Event]:
        """The engine's events of a call, in order: from memory, else from the journals and database."""
        held = self._events.get(call_id, {})
        if not any(isinstance(event, CallOffered) for event in held.values()):
            found = await asyncio.to_thread(self._find_events, call_id)
            held = dict(sorted({**found, **self._events.get(call_id, {})}.items()))
            if held:
                self._events[call_id] = held
                with self._lock:  # what follows comes after it, also where the clock was set back
                    self._last_seq = max(self._last_seq, *held)
        return tuple(held.values())

    def next_case_number(self, at: float) -> str:
        """The next number of that day, going on where an earlier process stopped."""
        return self._numbers.next(at)

    def forget(self, call_id: str) -> None:
        """The call is over: its events need not be in memory any more."""
        self._events.pop(call_id, None)

    def close(self) -> None:
        """Write what is left; returns when it is in the database, or after a few seconds."""
        self._closing.set()
        self._to_journal.put(None)
        for thread in self._threads:
            thread.join(CLOSE_S)
        if self._engine is not None:
            self._engine.dispose()

    def _database(self) -> Engine:
        """The database, when it is first needed: a bad URL or a missing driver is one that is away."""
        with self._lock:
            if self._engine is None:
                self._engine = connect(self._url)
            return self._engine

    def _left_over(self) -> Iterator[Record]:
        for path in self._old:
            with contextlib.suppress(OSError):  # told when it is put in
                yield from read_journal(path)

    def _happened(self, call_id: str, event: Event) -> Record:
        record = self._new(call_id, *_parts(event))
        self._events[call_id][record.seq] = event
        return record

    def _new(
        self, call_id: str, kind: str, body: Mapping[str, Any], at: float | None = None
    ) -> Record:
        now = time.time() if at is None else at
        with self._lock:
            self._last_seq = max(self._last_seq + 1, int(time.time() * 1_000_000))
            return Record(call_id, self._last_seq, now, kind, body)

    def _hand_over(self, record: Record, done: asyncio.Future[None] | None) -> None:
        try:
            self._to_journal.put_nowait((record, done))
        except queue.Full:
            log.error("record_lost", call_id=record.call_id, kind=record.kind)
            if done is not None:
                done.set_exception(OSError("the journal does not keep up"))

    def _write_journal(self) -> None:
        while True:
            batch = _drain(self._to_journal)
            records = [item for item in batch if item is not None]
            error = self._append(records)
            for record, done in records:
                self._to_database.put(_Written(record, None if error else self._path))
                if done is not None:
                    _resolve(done, error)
            if None in batch:
                self._to_database.put(None)
                self._file.close()
                return
            if self._file.tell() > ROTATE_BYTES:
                self._rotate()

    def _append(
        self, records: Sequence[tuple[Record, asyncio.Future[None] | None]]
    ) -> OSError | None:
        """Write records, and see them on disk where somebody waits for that."""
        data = b"".join(_line(record) for record, _ in records)
        if self._torn:
            data = b"\n" + data
        try:
            while data:
                self._torn = True
                data = data[self._file.write(data) :]  # a disk that fills up takes a part of it
            self._torn = False
            if any(done is not None for _, done in records):
                os.fdatasync(self._file.fileno())
        except OSError as error:
            log.error("journal_failed", error=str(error), records=len(records))
            return error
        return None

    def _rotate(self) -> None:
        try:
            new = _open_journal(self._dir)
        except OSError as error:
            log.error("journal_not_rotated", error=str(error))
            return
        self._file.close()
        self._file, self._path = new

    def _write_database(self, file: Path) -> None:
        """Put in what is in the journals, from ``file`` on; each is deleted when all of it is in."""
        if not self._recover():
            return
        ended = False
        while not ended:
            batch = _drain(self._to_database, BATCH_S)
            ended = None in batch
            written = [item for item in batch if item is not None]
            if not self._insist([item.record for item in written]):
                return
            for item in written:
                if item.file is not None and item.file != file:
                    file.unlink(missing_ok=True)
                    file = item.file
        for path in {file, self._path}:
            path.unlink(missing_ok=True)

    def _insist(self, records: Sequence[Record]) -> bool:
        """Put records in, however long the database is away. False if it was when closing."""
        pause = 0.1
        while records:
            try:
                self._store(self._database(), records)
                return True
            except (SQLAlchemyError, ImportError) as error:
                log.error("database_away", error=type(error).__name__, records=len(records))
                if self._closing.wait(pause):
                    return False
                self._migrate()
                pause = min(pause * 2, LONGEST_PAUSE_S)
        return True

    def _migrate(self) -> None:
        """A database that was away when the engine started has no tables yet."""
        try:
            migrate(self._url)
        except Exception as error:  # tried again with the next attempt
            log.error("migration_failed", error=type(error).__name__)

    def _store(self, engine: Engine, records: Sequence[Record]) -> None:
        """Put records in; one that is at fault itself must not hold up the others."""
        try:
            insert(engine, records)
        except OperationalError:
            raise
        except Exception:  # one of them is bad, in whatever way
            for record in records:
                self._store_one(engine, record)

    def _store_one(self, engine: Engine, record: Record) -> None:
        try:
            insert(engine, [record])
            return
        except OperationalError:
            raise
        except Exception as error:  # nothing can be made of it, but it happened
            log.error("record_not_applied", error=type(error).__name__, **_named(record))
        try:
            insert(engine, [record], apply=False)
        except Exception as error:
            if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | DataError):
                raise
            log.error("record_refused", error=type(error).__name__, **_named(record))
            self._keep_refused(record)

    def _keep_refused(self, record: Record) -> None:
        try:
            with (self._dir / REFUSED).open("ab") as file:
                file.write(_line(record))
                file.flush()
                os.fdatasync(file.fileno())
        except OSError as error:
            log.error("record_lost", error=str(error), **_named(record))

    def _recover(self) -> bool:
        """Put in what an earlier process left in its journals; files of a living one are locked."""
        for path in self._old:
            try:
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    records = list(read_journal(path))
            except BlockingIOError:
                continue
            except OSError as error:
                log.error("journal_unreadable", file=path.name, error=str(error))
                continue
            if records:
                log.info("journal_recovered", file=path.name, records=len(records))
            for start in range(0, len(records), BATCH_ROWS):
                if not self._insist(records[start : start + BATCH_ROWS]):
                    return False
            path.unlink(missing_ok=True)
        return True

    def _find_events(self, call_id: str) -> dict[int, Event]:
        from_files = (r for path in sorted(self._dir.glob("*.jsonl")) for r in read_journal(path))
        rows = {r.seq: r for r in from_files if r.call_id == call_id}
        rows.update({r.seq: r for r in _stored(self._database, call_id)})
        return {
            seq: from_json({"kind": r.kind, **r.body}) for seq, r in rows.items() if r.kind in KINDS
        }


def insert(engine: Engine, records: Iterable[Record], *, apply: bool = True) -> None:
    """Put records in, each once, and bring the tables made of them up to date; one transaction."""
    with engine.begin() as connection:
        for record in records:
            put(connection, record, apply=apply)


def read_journal(path: Path) -> Iterable[Record]:
    """The records of one journal file. A torn last line is what a power cut leaves: it is skipped."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            yield _record(orjson.loads(line))
        except (ValueError, KeyError, TypeError):
            log.warning("journal_line_torn", file=path.name, line=number)


def _stored(database: Callable[[], Engine], call_id: str) -> list[Record]:
    try:
        return [Record(call_id, *row) for row in events_of(database(), call_id)]
    except (SQLAlchemyError, ImportError) as error:
        log.error("events_unreadable", call_id=call_id, error=type(error).__name__)
        return []


def _parts(event: Event) -> tuple[str, dict[str, Any]]:
    body = to_json(event)
    return str(body.pop("kind")), body


def _line(record: Record) -> bytes:
    said = {
        "call": record.call_id,
        "seq": record.seq,
        "at": record.at,
        "kind": record.kind,
        "body": record.body,
    }
    try:
        return orjson.dumps(said) + b"\n"
    except TypeError:  # no JSON: what can be kept of it is kept
        plain = json.dumps(said, default=str, skipkeys=True, ensure_ascii=False)
        return plain.encode("utf-8", "replace") + b"\n"


def _record(said: Mapping[str, Any]) -> Record:
    """The record that a line says; ValueError, KeyError or TypeError if it says none."""
    record = Record(said["call"], said["seq"], said["at"], said["kind"], said["body"])
    plain = isinstance(record.call_id, str) and isinstance(record.kind, str)
    if not plain or not isinstance(record.seq, int) or not isinstance(record.body, dict):
        raise ValueError("no record")
    return Record(record.call_id, record.seq, float(record.at), record.kind, record.body)


def _named(record: Record) -> dict[str, object]:
    return {"call_id": record.call_id, "seq": record.seq, "kind": record.kind}


def _open_journal(folder: Path) -> tuple[Any, Path]:
    path = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
    file = path.open("ab", buffering=0)
    path.chmod(0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)  # the name of a new file is on disk only when its folder is
    finally:
        os.close(handle)
    return file, path


def _resolve(done: asyncio.Future[None], error: OSError | None) -> None:
    def settle() -> None:
        if not done.done():
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    try:
        done.get_loop().call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _drain(source: queue.Queue[Any], gather_s: float = 0.0) -> list[Any]:
    """Wait for one item, then take what is there (or comes within ``gather_s``), up to a batch."""
    batch = [source.get()]
    deadline = time.monotonic() + gather_s
    while len(batch) < BATCH_ROWS and batch[-1] is not None:
        try:
            batch.append(source.get(timeout=max(0.0, deadline - time.monotonic())))
        except queue.Empty:
            break
    return batch
