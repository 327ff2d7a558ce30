"""From the event loop to disk: a queue, a local journal, then the database.

What survives. A record whose ``commit`` resolved is on disk (``fdatasync``): it survives SIGKILL and
a power cut. Every other record is written to the journal within milliseconds, which survives
SIGKILL of this process; it is in the database within 100 ms (WAL, synchronous=FULL), which survives
a power cut. A database that is away changes nothing for a call: the journal goes on, and what it
holds is put in later, each record once.

Two threads: one owns the journal file, so that a locked database never delays a commit; one owns
the database. Neither ever runs on the event loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ivr.flow.events import Event
from ivr.flow.journal import KINDS, JournalError, from_json, to_json
from ivr.store.projection import Record, put
from ivr.store.reports import events_of
from ivr.store.tables import connect

BATCH_S = 0.05
BATCH_ROWS = 200
ROTATE_BYTES = 4 * 1024 * 1024
MOST_WAITING = 50_000
LONGEST_PAUSE_S = 5.0
CLOSE_S = 5.0

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
        self._engine = connect(database_url)
        self._events: defaultdict[str, list[Event]] = defaultdict(list)
        self._last_seq = 0
        self._lock = threading.Lock()
        self._to_journal: queue.Queue[tuple[Record, asyncio.Future[None] | None] | None]
        self._to_journal = queue.Queue(MOST_WAITING)
        self._to_database: queue.Queue[_Written | None] = queue.Queue()
        self._file, self._path = _open_journal(self._dir)
        self._old = tuple(p for p in sorted(self._dir.glob("*.jsonl")) if p != self._path)
        self._threads = (
            threading.Thread(target=self._write_journal, name="journal", daemon=True),
            threading.Thread(target=self._write_database, name="database", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def record(self, call_id: str, event: Event) -> None:
        """Hand over an event of the engine; returns at once."""
        self._events[call_id].append(event)
        self._hand_over(self._new(call_id, *_parts(event)), None)

    def observe(
        self, call_id: str, kind: str, body: Mapping[str, object], at: float | None = None
    ) -> None:
        """Hand over an observation (``leg.ringing``, ``said`` …): in the record, but no event."""
        self._hand_over(self._new(call_id, kind, dict(body), at), None)

    async def commit(self, call_id: str, event: Event) -> None:
        """Hand over an event of the engine; returns when it is on disk."""
        self._events[call_id].append(event)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hand_over(self._new(call_id, *_parts(event)), done)
        await done

    async def events_of(self, call_id: str) -> Sequence[Event]:
        """The engine's events of a call, in order: from memory, else from the journals and database."""
        if call_id not in self._events:
            found = await asyncio.to_thread(self._find_events, call_id)
            self._events[call_id] = list(found)
        return tuple(self._events[call_id])

    def forget(self, call_id: str) -> None:
        """The call is over: its events need not be in memory any more."""
        self._events.pop(call_id, None)

    def close(self) -> None:
        """Write what is left; returns when it is in the database, or after a few seconds."""
        self._to_journal.put(None)
        for thread in self._threads:
            thread.join(CLOSE_S)
        self._engine.dispose()

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
            error: OSError | None = None
            try:
                if records:
                    self._file.write(b"".join(_line(record) for record, _ in records))
                    self._file.flush()
                if any(done is not None for _, done in records):
                    os.fdatasync(self._file.fileno())
            except OSError as trouble:
                error = trouble
                log.error("journal_failed", error=str(trouble), records=len(records))
            for record, done in records:
                self._to_database.put(_Written(record, None if error else self._path))
                if done is not None:
                    _resolve(done, error)
            if None in batch:
                self._to_database.put(None)
                return
            if self._file.tell() > ROTATE_BYTES:
                self._file.close()
                self._file, self._path = _open_journal(self._dir)

    def _write_database(self) -> None:
        self._recover()
        file = self._path
        ended = False
        while not ended:
            batch = _drain(self._to_database, BATCH_S)
            ended = None in batch
            written = [item for item in batch if item is not None]
            self._insist([item.record for item in written], patient=not ended)
            for item in written:
                if item.file is not None and item.file != file:
                    file.unlink(missing_ok=True)  # all of it is in the database by now
                    file = item.file
        if self._to_database.empty():
            self._path.unlink(missing_ok=True)

    def _insist(self, records: Sequence[Record], *, patient: bool) -> bool:
        """Put records in, however long the database is away. Gives up only when closing."""
        pause = 0.1
        while records:
            try:
                insert(self._engine, records)
                return True
            except SQLAlchemyError as error:
                log.error("database_away", error=type(error).__name__, records=len(records))
                if not patient:
                    return False
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
        return True

    def _recover(self) -> None:
        """Put in what an earlier process left in its journals; files of a living one are locked."""
        for path in self._old:
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                records = list(read_journal(path))
            if records:
                log.info("journal_recovered", file=path.name, records=len(records))
            for start in range(0, len(records), BATCH_ROWS):
                self._insist(records[start : start + BATCH_ROWS], patient=True)
            path.unlink(missing_ok=True)

    def _find_events(self, call_id: str) -> list[Event]:
        from_files = (r for path in sorted(self._dir.glob("*.jsonl")) for r in read_journal(path))
        rows = {r.seq: r for r in from_files if r.call_id == call_id}
        rows.update({r.seq: r for r in _stored(self._engine, call_id)})
        return [
            from_json({"kind": r.kind, **r.body})
            for _, r in sorted(rows.items())
            if r.kind in KINDS
        ]


def insert(engine: Engine, records: Iterable[Record]) -> None:
    """Put records in, each once, and bring the tables made of them up to date; one transaction."""
    with engine.begin() as connection:
        for record in records:
            put(connection, record)


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
            said = orjson.loads(line)
            yield Record(said["call"], said["seq"], said["at"], said["kind"], said["body"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            log.warning("journal_line_torn", file=path.name, line=number)


def _stored(engine: Engine, call_id: str) -> list[Record]:
    try:
        return [Record(call_id, *row) for row in events_of(engine, call_id)]
    except (SQLAlchemyError, JournalError):
        log.exception("events_unreadable", call_id=call_id)
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
    return orjson.dumps(said) + b"\n"


def _open_journal(folder: Path) -> tuple[Any, Path]:
    path = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
    file = path.open("ab", buffering=0)
    path.chmod(0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
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
