"""Where the towers of the mobile networks stand: a table in a file of SQLite's, read and never written.

``./siaga cells import`` makes the file (ivr/location/opencellid.py) and swaps it in whole, so it is
opened anew for every look-up. Reading waits for the disk: callers do it in a thread.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FILE = "cells.sqlite"
"""Its name in ``$SIAGA_HOME``."""

BUSY_S = 0.2

Radio = Literal["GSM", "UMTS", "LTE", "NR"]

SCHEMA = """
CREATE TABLE cells (
    radio TEXT NOT NULL, mcc INTEGER NOT NULL, net INTEGER NOT NULL,
    area INTEGER NOT NULL, cell INTEGER NOT NULL,
    lat REAL NOT NULL, lon REAL NOT NULL, range_m REAL NOT NULL,
    PRIMARY KEY (radio, mcc, net, cell, area)
) WITHOUT ROWID
"""
# the cell before the area: one index serves the look-up without the area too


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell by its name in its network. ``cell`` of LTE is the 28-bit ECI, of UMTS RNC << 16 | CID."""

    radio: Radio
    mcc: int
    mnc: int
    area: int
    cell: int


@dataclass(frozen=True, slots=True)
class Tower:
    """About where a cell is heard: degrees WGS 84 and metres, an estimate from measurements."""

    lat: float
    lon: float
    range_m: float
    renumbered: bool = False
    """Found by its cell alone: the area that was told is another one, and perhaps the tower too."""


class CellTable:
    """The table at ``path``. There need not be one: then no cell is known."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, cell: Cell) -> Tower | None:
        """Its tower; without its area where that was renumbered, if only one cell bears the name.

        Not so for GSM: its cells have 16 bits, and their names are given again in every area.
        Raises sqlite3.Error for a file that is none of ours.
        """
        if not self._path.is_file():
            return None
        with closing(
            sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
        ) as connection:
            rows = connection.execute(
                "SELECT area, lat, lon, range_m FROM cells"
                " WHERE radio = ? AND mcc = ? AND net = ? AND cell = ? LIMIT 100",
                (cell.radio, cell.mcc, cell.mnc, cell.cell),
            ).fetchall()
        for area, lat, lon, range_m in rows:
            if area == cell.area:
                return Tower(lat, lon, range_m)
        if len(rows) != 1 or cell.radio == "GSM":
            return None
        _, lat, lon, range_m = rows[0]
        return Tower(lat, lon, range_m, renumbered=True)
