"""Locations on their way to the controller: one file each, durable, in the order in which they came.

The web process and the command line write, the controller reads. A file is whole or not there at all.
It stays for half an hour, so that a controller that starts anew, or a second one, reads it too; who
reads must know what it has had already, by the id.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import uuid
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog
from pydantic import TypeAdapter

from ivr.location.aml import Report

MOST_FILES = 10_000
ROOM = 1_000
"""So many of the oldest make room at once when there are too many: counting them is not for every one."""

LONGEST = 64 * 1024
MOST_AT_ONCE = 200
KEPT_S = 30 * 60.0
UNFINISHED_S = 60.0
MOST_GARBAGE = 100

_NAME = re.compile(r"([0-9]{16})-[0-9a-f]{32}\.json")
_UNFINISHED = ".new"
_GARBAGE = "garbage"
_NO_FILE = (errno.ELOOP, errno.ENXIO, errno.EISDIR)  # a link, a socket: never a report

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Correction:
    """A person's word on where one call is about: a place by its code, or a point with a radius in
    metres. ``who`` said it, ``note`` says why."""

    call_id: str
    who: str
    code: str | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came, and when (epoch seconds). The same report sent twice has one id; corrections differ."""

    id: str
    received_at: float
    said: Report | Correction

    @property
    def source(self) -> str:
        """As in ``Location.source``."""
        return self.said.kind if isinstance(self.said, Report) else "operator"


_ARRIVAL = TypeAdapter(Arrival)


def arrival(said: Report | Correction, received_at: float) -> Arrival:
    """What was said, ready to be put in the spool, with its time in whole milliseconds."""
    at = round(received_at, 3)
    if isinstance(said, Correction):
        return Arrival(uuid.uuid4().hex, at, said)
    return Arrival(hashlib.sha256(orjson.dumps(said)).hexdigest()[:32], at, said)


class Spool:
    """One folder of arrivals. For one thread at a time; it blocks as long as the disk does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room = 0
        self._had: set[str] = set()
        self._waiting: set[str] = set()  # told that they cannot be read yet

    def put(self, arrived: Arrival) -> None:
        """Keep it until it is read, even if the machine falls now; raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._make_room()
        name = f"{int(arrived.received_at * 1000):016d}-{arrived.id}.json"
        fresh = self._folder / f"{name}.{uuid.uuid4().hex}{_UNFINISHED}"
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(orjson.dumps(arrived))
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(self._folder / name)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        _keep_names(self._folder)

    def fresh(self, now: float) -> list[Arrival]:
        """What this reader has not had yet, oldest first, so many at once.

        What is too old goes, and what is no report is put aside. What cannot be read just now is tried
        again at the next look. Raises OSError where there is no folder to look into.
        """
        try:
            names = sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return []
        self._had.intersection_update(names)
        self._waiting.intersection_update(names)
        found: list[Arrival] = []
        for name in names:
            told = _NAME.fullmatch(name)
            if told is None:
                if name not in self._had:
                    self._tidy(name, now)
            elif int(told[1]) / 1000 < now - KEPT_S:
                with contextlib.suppress(OSError):  # whoever may will do it
                    (self._folder / name).unlink()
            elif name not in self._had and len(found) < MOST_AT_ONCE:
                arrived = self._read(name)
                if arrived is not None:
                    self._had.add(name)
                    found.append(arrived)
        return found

    def _make_room(self) -> None:
        if self._room <= 0:
            names = sorted(filter(_NAME.fullmatch, os.listdir(self._folder)))
            too_many = len(names) - (MOST_FILES - ROOM) if len(names) >= MOST_FILES else 0
            for name in names[:too_many]:
                with contextlib.suppress(OSError):
                    (self._folder / name).unlink()
            if too_many:
                log.error("locations_dropped", count=too_many)
            self._room = min(ROOM, MOST_FILES - (len(names) - too_many))
        self._room -= 1

    def _read(self, name: str) -> Arrival | None:
        path = self._folder / name
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise ValueError("no file")
                text = file.read(LONGEST + 1)
            if len(text) > LONGEST:
                raise ValueError("too long")
            return _ARRIVAL.validate_python(orjson.loads(text))
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in _NO_FILE:
                self._put_aside(name, type(error).__name__)
            elif name not in self._waiting:
                self._waiting.add(name)
                log.error("location_not_readable_yet", file=name, error=error.strerror)
            return None
        except Exception as error:  # whatever reading it raises, it is no report
            self._put_aside(name, type(error).__name__)
            return None

    def _tidy(self, name: str, now: float) -> None:
        """What is no arrival: one that is being written, or something that nobody can read."""
        if name == _GARBAGE:
            return
        if name.endswith(_UNFINISHED):
            with contextlib.suppress(OSError):
                path = self._folder / name
                if path.lstat().st_mtime < now - UNFINISHED_S:
                    path.unlink()
            return
        self._put_aside(name, "name")

    def _put_aside(self, name: str, why: str) -> None:
        self._had.add(name)  # where it cannot be moved, it is told once all the same
        aside = self._folder / _GARBAGE
        with contextlib.suppress(OSError):
            aside.mkdir(exist_ok=True, mode=0o700)
            (self._folder / name).rename(aside / name)
            for old in sorted(aside.iterdir())[:-MOST_GARBAGE]:
                old.unlink()
        log.error("location_unreadable", file=name, why=why)


def _keep_names(folder: Path) -> None:
    """Make a name that was just given outlive a fall of the machine."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
