"""The spool: what was put is there, whole, once, in order, whatever falls and whatever lies about."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr.location import spool as spooling
from ivr.location.aml import Report
from ivr.location.spool import KEPT_S, MOST_AT_ONCE, Arrival, Correction, Spool, arrival

NOW = 1_795_421_730.0


def report(at: float = NOW, number: str = "+6281276123456", lat: float = 1.2856) -> Arrival:
    said = Report("aml_https", number, lat=lat, lon=101.197, radius_m=12.5, raw="v=1&x=“ya”")
    return arrival(said, at)


def correction(at: float = NOW) -> Arrival:
    return arrival(Correction("lab-1.1", "sari", code="14.03.09", note="dekat pasar"), at)


def test_what_is_put_is_read_once_and_in_the_order_in_which_it_came(tmp_path: Path) -> None:
    put = [correction(NOW + 2), report(NOW + 1, lat=1.5), report(NOW)]
    writer, reader = Spool(tmp_path / "spool"), Spool(tmp_path / "spool")
    for one in put:
        writer.put(one)
    assert reader.fresh(NOW + 3) == put[::-1]
    assert reader.fresh(NOW + 3) == []
    writer.put(report(NOW - 5))
    assert reader.fresh(NOW + 3) == [report(NOW - 5)], "also what comes late in its order"


def test_a_reader_that_starts_anew_reads_the_last_half_hour_again_and_what_is_older_goes(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "spool"
    Spool(folder).put(report(NOW - KEPT_S - 1))
    Spool(folder).put(report(NOW - KEPT_S + 1))
    assert Spool(folder).fresh(NOW) == [report(NOW - KEPT_S + 1)]
    assert Spool(folder).fresh(NOW) == [report(NOW - KEPT_S + 1)]
    assert len(list(folder.iterdir())) == 1


def test_nobody_else_may_read_where_callers_are(tmp_path: Path) -> None:
    folder = tmp_path / "spool" / "locations"
    Spool(folder).put(report())
    assert folder.stat().st_mode & 0o077 == 0
    assert [f.stat().st_mode & 0o077 for f in folder.iterdir()] == [0]


def test_the_same_report_has_one_id_and_every_correction_its_own() -> None:
    assert report(NOW).id == report(NOW + 9).id
    assert report(lat=1.0).id != report(lat=1.1).id
    assert correction().id != correction().id


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"id":"a","received_at":NaN,"said":{"kind":"aml_https"}}',
        b'{"id":"a","received_at":1,"said":{"kind":"smoke"}}',
        b'{"id":"a","received_at":1,"said":{"kind":"aml_https","lat":1e999}}',
        b"[" * 5000,
        b"x" * (spooling.LONGEST + 1),
    ],
)
def test_garbage_is_put_aside_and_told_once_and_the_rest_is_read(
    tmp_path: Path, garbage: bytes
) -> None:
    spool = Spool(tmp_path)
    (tmp_path / f"{int(NOW * 1000):016d}-{'0' * 32}.json").write_bytes(garbage)
    (tmp_path / "catatan.txt").write_bytes(garbage)
    spool.put(report())
    with capture_logs() as logs:
        assert spool.fresh(NOW) == [report()]
        assert spool.fresh(NOW) == []
    assert [line["event"] for line in logs] == ["location_unreadable"] * 2
    assert len(list((tmp_path / "garbage").iterdir())) == 2


def test_what_is_no_file_stops_nobody(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(report())
    os.mkfifo(tmp_path / f"{int(NOW * 1000):016d}-{'1' * 32}.json")
    (tmp_path / f"{int(NOW * 1000):016d}-{'2' * 32}.json").symlink_to("/etc/passwd")
    (tmp_path / f"{int(NOW * 1000):016d}-{'3' * 32}.json").mkdir()
    with capture_logs() as logs:
        assert spool.fresh(NOW) == [report()]
    assert len(logs) == 3


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO])
def test_a_report_that_cannot_be_read_just_now_is_told_by_its_name_and_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Too many open files, or a correction that root wrote while the engine is another user."""
    spool, said = Spool(tmp_path), correction()
    spool.put(said)
    (name,) = os.listdir(tmp_path)
    spool.put(report(NOW + 1))
    openly, failing = os.open, True

    def opened(path: Path, flags: int) -> int:
        if failing and Path(path).name == name:
            raise OSError(number, os.strerror(number), path)
        return openly(path, flags)

    monkeypatch.setattr(spooling.os, "open", opened)
    with capture_logs() as logs:
        assert spool.fresh(NOW) == [report(NOW + 1)], "it keeps back no other"
        assert spool.fresh(NOW) == []
    assert [(line["event"], line["file"]) for line in logs] == [("location_not_readable_yet", name)]
    failing = False
    assert spool.fresh(NOW) == [said]
    assert spool.fresh(NOW) == []


def test_what_is_too_old_and_cannot_be_removed_keeps_back_no_other(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    (tmp_path / f"{int((NOW - KEPT_S - 5) * 1000):016d}-{'0' * 32}.json").mkdir()
    (tmp_path / "folder.new").mkdir()
    os.utime(tmp_path / "folder.new", (NOW - 1000, NOW - 1000))
    spool.put(report())
    assert spool.fresh(NOW) == [report()]


def test_what_cannot_be_removed_to_make_room_keeps_out_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "MOST_FILES", 2)
    monkeypatch.setattr(spooling, "ROOM", 2)
    for at in (1, 2):
        (tmp_path / f"{at:016d}-{'0' * 32}.json").mkdir()
    Spool(tmp_path).put(report())
    assert Spool(tmp_path).fresh(NOW) == [report()]


def test_garbage_does_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "MOST_GARBAGE", 3)
    for number in range(9):
        (tmp_path / f"junk{number}").touch()
    with capture_logs():
        Spool(tmp_path).fresh(NOW)
    assert len(list((tmp_path / "garbage").iterdir())) == 3


def test_when_nobody_reads_the_oldest_make_room_and_the_log_says_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "MOST_FILES", 20)
    monkeypatch.setattr(spooling, "ROOM", 5)
    spool = Spool(tmp_path)
    with capture_logs() as logs:
        for second in range(63):
            spool.put(report(NOW + second))
            assert len(os.listdir(tmp_path)) <= 20
    left = Spool(tmp_path).fresh(NOW)
    assert left[-1].received_at == NOW + 62
    assert sum(line["count"] for line in logs) == 63 - len(left)


def test_a_crowd_is_read_in_helpings(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for second in range(MOST_AT_ONCE + 10):
        spool.put(report(NOW + second))
    first, second_helping = spool.fresh(NOW), spool.fresh(NOW)
    assert (len(first), len(second_helping)) == (MOST_AT_ONCE, 10)


WRITER = """
import sys
from pathlib import Path
from ivr.location.aml import Report
from ivr.location.spool import Spool, arrival
spool = Spool(Path(sys.argv[1]))
for n in range(100_000):
    spool.put(arrival(Report("aml_sms", "+6281276123456", lat=1.0, lon=101.0, raw=str(n)), %r + n / 1000))
    print(n, flush=True)
"""


def test_a_writer_that_is_killed_leaves_all_that_it_said_was_kept_and_nothing_half(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", WRITER % NOW, str(tmp_path)), stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    reader = Spool(tmp_path)
    with capture_logs() as logs:
        read = [one for _ in range(20) for one in reader.fresh(NOW)]
    assert not logs
    raws = [one.said.raw for one in read if isinstance(one.said, Report)]
    assert len(said) >= 50
    assert raws[: len(said)] == [line.strip() for line in said if line.endswith("\n")]
    assert len(raws) <= len(said) + 1, "at most the one it was about to tell of"
    reader.fresh(NOW + 1e9)
    assert not os.listdir(tmp_path), "in the end not even what it was writing"


def test_a_disk_that_takes_nothing_is_told_to_whoever_puts(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(OSError):
        Spool(tmp_path / "spool").put(report())
