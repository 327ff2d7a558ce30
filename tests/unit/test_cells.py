"""The cell table is what OpenCellID's file says of our surroundings, and is never half there."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest

from ivr import config as configuration
from ivr.commands.cells import describe, read_in
from ivr.location.cells import Cell, CellTable, Tower
from ivr.location.opencellid import Box, Imported, NoCells, import_cells, read, surroundings

BOX = Box(0.0, 100.0, 3.0, 103.0)
HEADING = (
    "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal"
)
LTE = "LTE,510,10,41515,43724613,0,101.20,1.28,1500,12,1,1459813819,1459813819,0"
GSM = "GSM,510,1,1201,4711,0,101.30,1.25,0,3,1,1459813819,1459813819,-85"
JAKARTA = "LTE,510,10,100,200,0,106.8,-6.2,1000,1,1,1459813819,1459813819,0"


def written(tmp_path: Path, *lines: str, name: str = "sel.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


def imported(tmp_path: Path, *lines: str) -> tuple[Imported, CellTable]:
    table = tmp_path / "cells.sqlite"
    told: list[Imported] = []
    return import_cells(written(tmp_path, *lines), table, BOX, told.append), CellTable(table)


def test_a_file_becomes_a_table(tmp_path: Path) -> None:
    done, table = imported(tmp_path, HEADING, LTE, GSM)
    assert done == Imported(lines=3, kept=2)
    assert table.find(Cell("LTE", 510, 10, 41515, 43724613)) == Tower(1.28, 101.20, 1500.0)
    assert table.find(Cell("GSM", 510, 1, 1201, 4711)) == Tower(1.25, 101.30, 0.0)


def test_the_heading_may_be_missing(tmp_path: Path) -> None:
    done, _ = imported(tmp_path, LTE)
    assert (done.kept, done.bad) == (1, 0)


def test_the_file_may_be_packed(tmp_path: Path) -> None:
    packed = tmp_path / "510.csv.gz"
    packed.write_bytes(gzip.compress(f"{HEADING}\r\n{LTE}\r\n".encode()))
    done = import_cells(packed, tmp_path / "cells.sqlite", BOX, lambda _: None)
    assert (done.kept, done.bad) == (1, 0)


def test_cells_far_from_the_deployment_are_left_out(tmp_path: Path) -> None:
    done, table = imported(tmp_path, LTE, JAKARTA)
    assert (done.kept, done.outside) == (1, 1)
    assert table.find(Cell("LTE", 510, 10, 100, 200)) is None


def test_bad_lines_are_skipped_and_the_first_five_named(tmp_path: Path) -> None:
    bad = ["LTE,510,10", "bukan sel", LTE.replace("101.20", "nan"), LTE.replace("1.28", "200")]
    bad += ["\x00\x01", "LTE," + "9" * 5000, LTE.replace("43724613", "-1")]
    done, table = imported(tmp_path, HEADING, *bad, "", LTE)
    assert (done.kept, done.bad, done.first_bad) == (1, 7, [2, 3, 4, 5, 6])
    assert table.find(Cell("LTE", 510, 10, 41515, 43724613)) is not None


def test_importing_again_replaces_what_was_there(tmp_path: Path) -> None:
    imported(tmp_path, LTE)
    _, table = imported(tmp_path, GSM)
    assert table.find(Cell("LTE", 510, 10, 41515, 43724613)) is None
    assert table.find(Cell("GSM", 510, 1, 1201, 4711)) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells.sqlite", "sel.csv"]


@pytest.mark.parametrize("lines", [[JAKARTA], ["bukan sel"], [""]])
def test_a_file_without_a_usable_cell_leaves_the_old_table(
    tmp_path: Path, lines: list[str]
) -> None:
    imported(tmp_path, LTE)
    with pytest.raises(NoCells, match="Tabel yang lama tetap dipakai"):
        imported(tmp_path, *lines)
    assert (
        CellTable(tmp_path / "cells.sqlite").find(Cell("LTE", 510, 10, 41515, 43724613)) is not None
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells.sqlite", "sel.csv"]


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(LTE.encode())[:-10], b"\x1f\x8bxxxxxxxxxx", b"\x1f\x8b\x08" + b"\xff" * 99],
)
def test_a_broken_archive_leaves_the_old_table(tmp_path: Path, packed: bytes) -> None:
    _, table = imported(tmp_path, LTE)
    path = tmp_path / "510.csv.gz"
    path.write_bytes(packed)
    with pytest.raises(NoCells, match="rusak atau belum selesai diunduh"):
        import_cells(path, tmp_path / "cells.sqlite", BOX, lambda _: None)
    assert table.find(Cell("LTE", 510, 10, 41515, 43724613)) is not None


def test_a_renumbered_area_still_finds_the_only_cell_of_that_name(tmp_path: Path) -> None:
    _, table = imported(
        tmp_path, LTE, LTE.replace("41515,43724613", "1,77"), LTE.replace("41515,43724613", "2,77")
    )
    assert table.find(Cell("LTE", 510, 10, 9, 43724613)) == Tower(1.28, 101.20, 1500.0, True)
    assert table.find(Cell("LTE", 510, 10, 9, 77)) is None
    assert table.find(Cell("UMTS", 510, 10, 41515, 43724613)) is None


def test_a_gsm_cell_is_found_with_its_area_or_not_at_all(tmp_path: Path) -> None:
    """Its 16-bit names are given again and again: another area is another tower."""
    _, table = imported(tmp_path, GSM)
    assert table.find(Cell("GSM", 510, 1, 1202, 4711)) is None
    assert table.find(Cell("GSM", 510, 1, 1201, 4711)) == Tower(1.25, 101.30, 0.0)


def test_without_a_table_no_cell_is_known(tmp_path: Path) -> None:
    assert CellTable(tmp_path / "cells.sqlite").find(Cell("LTE", 510, 10, 1, 1)) is None


def test_a_table_that_is_none_of_ours_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cells.sqlite"
    path.write_text("bukan basis data, sama sekali bukan")
    with pytest.raises(sqlite3.Error):
        CellTable(path).find(Cell("LTE", 510, 10, 1, 1))


@pytest.mark.parametrize(
    "line",
    ["", "CDMA,510,10,1,1,0,101.2,1.2,1", LTE.replace("LTE", "LTE\x00"), LTE.replace("510", "5l0")],
)
def test_what_is_no_cell_of_ours_is_not_read(line: str) -> None:
    assert read(line) is None


def test_surroundings_reach_a_hundred_kilometres_beyond_the_points() -> None:
    box = surroundings([(1.0, 101.0), (2.0, 102.0)])
    assert box is not None
    assert box.holds(0.2, 101.0)
    assert box.holds(1.5, 102.85)
    assert not box.holds(0.0, 101.0)
    assert not box.holds(1.5, 103.0)
    assert surroundings([]) is None


def test_the_command_says_what_became_of_the_lines() -> None:
    done = Imported(
        lines=1_000_010, kept=12_689, outside=987_311, bad=10, first_bad=[2, 3, 5, 8, 9]
    )
    assert describe(done) == (
        "12.689 sel tersimpan dan langsung dipakai; 987.311 sel lain terlalu jauh dari daerah ini.\n"
        "10 baris tidak terbaca dan dilewati: baris 2, 3, 5, 8, 9, …"
    )


def test_the_command_fills_the_table_of_the_shipped_deployment(tmp_path: Path) -> None:
    config = configuration.read({"SIAGA_HOME": str(tmp_path / "rumah")})
    read_in(config, written(tmp_path, HEADING, LTE, JAKARTA), lambda _: None)
    table = CellTable(tmp_path / "rumah" / "cells.sqlite")
    assert table.find(Cell("LTE", 510, 10, 41515, 43724613)) is not None
    assert table.find(Cell("LTE", 510, 10, 100, 200)) is None
