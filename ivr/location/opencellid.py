"""The cell table made from a file of OpenCellID's (or of Mozilla's old service): CSV, gzipped or not.

``radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal``. The file
is read line by line, because the world's is several gigabytes; lines that are none are counted, and the
first of them named. The finished table takes the place of the old one in one step.
"""

from __future__ import annotations

import gzip
import math
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from ivr.location.cells import SCHEMA, Radio
from ivr.location.received import number, point

MARGIN_M = 100_000.0
"""Towers so far (metres) outside of the areas may still be heard in them."""

RADIOS = ("GSM", "UMTS", "LTE", "NR")
NAMED = 5
TOLD_EVERY = 500_000
_BATCH = 10_000
_LONGEST = 1000
_METRES_PER_DEGREE = 111_195.0
_GZIP = b"\x1f\x8b"


class NoCells(Exception):
    """Nothing in the file can be used; the text says why. The old table still stands."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of degrees WGS 84."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, lat: float, lon: float) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east


class Row(NamedTuple):
    """One cell as the table has it."""

    radio: Radio
    mcc: int
    net: int
    area: int
    cell: int
    lat: float
    lon: float
    range_m: float


@dataclass(slots=True)
class Imported:
    """How many lines became what. ``first_bad`` are the numbers of the first bad lines, from 1."""

    lines: int = 0
    kept: int = 0
    outside: int = 0
    bad: int = 0
    first_bad: list[int] = field(default_factory=list)


def surroundings(points: Iterable[tuple[float, float]], margin_m: float = MARGIN_M) -> Box | None:
    """The box around (lat, lon) points, and ``margin_m`` more on each side; None without points."""
    corners = list(points)
    if not corners:
        return None
    south, north = min(lat for lat, _ in corners), max(lat for lat, _ in corners)
    up = margin_m / _METRES_PER_DEGREE
    widest = min(max(abs(south), abs(north)) + up, 85.0)
    aside = up / math.cos(math.radians(widest))
    return Box(
        south - up,
        min(lon for _, lon in corners) - aside,
        north + up,
        max(lon for _, lon in corners) + aside,
    )


def import_cells(source: Path, table: Path, box: Box, tell: Callable[[Imported], None]) -> Imported:
    """Make ``table`` of the lines of ``source`` that lie in ``box``; ``tell`` hears of it now and then.

    Raises NoCells where no line can be used, OSError as the system says.
    """
    table.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{table.name}.", suffix=".new", dir=table.parent)
    os.close(handle)
    fresh = Path(name)
    try:
        done = _fill(source, fresh, box, tell)
        if not done.kept:
            raise NoCells(_why_none(source, done))
        fresh.chmod(0o644)
        fresh.replace(table)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise NoCells(
            f"{source}: berkas terkompresi ini rusak atau belum selesai diunduh ({error}). Unduh lagi. "
            "Tabel yang lama tetap dipakai."
        ) from error
    except sqlite3.Error as error:
        raise NoCells(
            f"{table}: tabel sel tidak dapat ditulis ({error}). Periksa ruang disk. "
            "Tabel yang lama tetap dipakai."
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return done


def _fill(source: Path, fresh: Path, box: Box, tell: Callable[[Imported], None]) -> Imported:
    done = Imported()
    with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(SCHEMA)
        connection.execute("BEGIN")
        batch: list[Row] = []
        with _open(source) as stream:
            for line in _lines(stream):
                _take(line, box, batch, done)
                if len(batch) == _BATCH:
                    _write(connection, batch)
                if done.lines % TOLD_EVERY == 0:
                    tell(done)
        _write(connection, batch)
        connection.execute("COMMIT")
        done.kept = connection.execute("SELECT count(*) FROM cells").fetchone()[0]
    return done


def _take(line: bytes | None, box: Box, batch: list[Row], done: Imported) -> None:
    done.lines += 1
    row = read(line.decode(errors="replace")) if line is not None else None
    if row is None:
        heading = done.lines == 1 and line is not None and line.lower().startswith(b"radio")
        if not heading and line != b"":
            done.bad += 1
            if len(done.first_bad) < NAMED:
                done.first_bad.append(done.lines)
    elif not box.holds(row.lat, row.lon):
        done.outside += 1
    else:
        batch.append(row)
        done.kept += 1


def _write(connection: sqlite3.Connection, batch: list[Row]) -> None:
    connection.executemany("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?)", batch)
    batch.clear()


def read(line: str) -> Row | None:
    """One line of the CSV; None for a heading, a network we have no radio for, or nonsense."""
    parts = [part.strip().strip('"') for part in line.split(",")]
    if len(parts) < 9 or parts[0].upper() not in RADIOS:
        return None
    where = point(parts[7], parts[6])
    mcc, net = number(parts[1], 200, 799), number(parts[2], 0, 999)
    area, cell = number(parts[3], 0, 0xFFFFFF), number(parts[4], 1, 0xFFFFFFFFF)
    reach = number(parts[8] or "0", 0)
    if where is None or mcc is None or net is None or area is None or cell is None or reach is None:
        return None
    radio = cast("Radio", parts[0].upper())
    return Row(radio, int(mcc), int(net), int(area), int(cell), *where, reach)


def _open(source: Path) -> BinaryIO:
    with source.open("rb") as stream:
        packed = stream.read(len(_GZIP)) == _GZIP
    return cast("BinaryIO", gzip.open(source)) if packed else source.open("rb")


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Each line without its end; None for one that is too long to be a cell's."""
    while line := stream.readline(_LONGEST):
        if line.endswith(b"\n") or len(line) < _LONGEST:
            yield line.strip()
            continue
        while (rest := stream.readline(_LONGEST)) and not rest.endswith(b"\n"):
            pass
        yield None


def _why_none(source: Path, done: Imported) -> str:
    if done.outside:
        return (
            f"{source}: {done.outside} sel terbaca, tetapi tidak satu pun dekat daerah ini. "
            "Pakai berkas untuk Indonesia (MCC 510). Tabel yang lama tetap dipakai."
        )
    where = f" Baris yang tidak terbaca: {', '.join(map(str, done.first_bad))}." if done.bad else ""
    return (
        f"{source}: tidak ada sel yang terbaca.{where} Yang diharapkan CSV OpenCellID, baris seperti "
        "LTE,510,10,41515,43724613,0,101.20,1.28,1500,… Tabel yang lama tetap dipakai."
    )
