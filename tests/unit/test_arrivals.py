"""Locations from outside find their call: before it, during it, after it, and each one once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from location_world import world
from structlog.testing import capture_logs

from ivr.location import arrivals as arriving
from ivr.location.aml import Report
from ivr.location.arrivals import (
    AFTER_S,
    BEFORE_S,
    MOST_BEFORE,
    MOST_OF_A_CALL,
    Arrivals,
    Reported,
    location,
)
from ivr.location.source import Asked
from ivr.location.spool import Arrival, Correction, Spool, arrival
from routing.geography import Geography
from routing.model import Directory

NOW = 1_795_421_730.0
CALLER = "0812 7612 3456"
NUMBER = "+6281276123456"
OTHER = "+6281299999999"


def report(at: float, number: str | None = NUMBER, raw: str = "") -> Arrival:
    raw = raw or f"at {at}"
    return arrival(Report("aml_https", number, lat=1.2856, lon=101.197, raw=raw), at)


def correction(call_id: str, at: float = NOW) -> Arrival:
    return arrival(Correction(call_id, "sari", code="14.03.09"), at)


def test_a_report_that_was_here_first_waits_for_the_call_of_its_number() -> None:
    arrivals = Arrivals()
    early = report(NOW)
    assert arrivals.take(early) == ()
    arrivals.offered("other", OTHER, NOW + 1)
    arrivals.offered("1", CALLER, NOW + BEFORE_S)
    assert arrivals.before("1") == (early,)
    assert arrivals.before("other") == ()
    assert arrivals.before("never offered") == ()


def test_a_report_during_and_after_the_call_goes_to_it() -> None:
    arrivals = Arrivals()
    arrivals.offered("1", CALLER, NOW)
    assert arrivals.take(report(NOW + 5)) == ("1",)
    arrivals.ended("1", NOW + 60)
    assert arrivals.take(report(NOW + AFTER_S)) == ("1",)


@pytest.mark.parametrize("after", [-BEFORE_S - 1, AFTER_S + 1])
def test_a_report_too_early_or_too_late_is_for_no_call(after: float) -> None:
    arrivals = Arrivals()
    if after > 0:
        arrivals.offered("1", CALLER, NOW)
        assert arrivals.take(report(NOW + after)) == ()
    else:
        arrivals.take(report(NOW + after))
        arrivals.offered("1", CALLER, NOW)
        assert arrivals.before("1") == ()


@pytest.mark.parametrize("caller", [None, "", "anonymous", "112", "+62812761234567890123"])
def test_a_caller_without_a_number_gets_nobodys_report(caller: str | None) -> None:
    arrivals = Arrivals()
    with capture_logs() as logs:
        arrivals.take(report(NOW, None))
        arrivals.offered("1", caller, NOW)
        assert arrivals.take(report(NOW, None, "later")) == ()
    assert arrivals.before("1") == ()
    assert [line["event"] for line in logs] == ["location_of_nobody"] * 2


def test_the_same_report_is_told_once_however_often_it_is_sent() -> None:
    arrivals = Arrivals()
    arrivals.take(report(NOW - 2, raw="same"))
    arrivals.take(report(NOW - 1, raw="same"))
    arrivals.offered("1", CALLER, NOW)
    assert len(arrivals.before("1")) == 1
    assert arrivals.take(report(NOW + 1, raw="same")) == ()
    assert arrivals.take(report(NOW + 2, raw="news")) == ("1",)
    assert arrivals.take(report(NOW + 3, raw="news")) == ()


def test_who_calls_again_is_found_by_the_same_report_and_takes_the_next_ones() -> None:
    arrivals = Arrivals()
    arrivals.offered("1", CALLER, NOW)
    first = report(NOW + 1)
    assert arrivals.take(first) == ("1",)
    arrivals.ended("1", NOW + 20)
    arrivals.offered("2", CALLER, NOW + 30)
    assert arrivals.before("2") == (first,)
    assert arrivals.take(report(NOW + 31)) == ("2",)


def test_a_call_that_still_runs_goes_before_a_newer_one_that_is_over() -> None:
    arrivals = Arrivals()
    arrivals.offered("1", CALLER, NOW)
    arrivals.offered("2", CALLER, NOW + 10)
    arrivals.ended("2", NOW + 20)
    assert arrivals.take(report(NOW + 30)) == ("1",)
    arrivals.ended("1", NOW + 40)
    assert arrivals.take(report(NOW + 50)) == ("2",)


def test_of_two_calls_that_run_under_one_number_neither_takes_the_others_report() -> None:
    """Whoever calls under a caller's number cannot keep the caller's position from the caller."""
    arrivals = Arrivals()
    arrivals.offered("1", CALLER, NOW)
    arrivals.offered("spoofed", CALLER, NOW + 10)
    arrivals.offered("another", OTHER, NOW + 10)
    told = report(NOW + 20)
    assert arrivals.take(told) == ("1", "spoofed")
    assert arrivals.take(told) == ()
    arrivals.ended("spoofed", NOW + 30)
    assert arrivals.take(report(NOW + 31)) == ("1",)


def test_a_call_that_is_offered_again_keeps_what_it_has_had() -> None:
    arrivals = Arrivals()
    early, later = report(NOW - 5), report(NOW + 5)
    arrivals.take(early)
    arrivals.offered("1", CALLER, NOW)
    assert arrivals.take(later) == ("1",)
    arrivals.offered("1", CALLER, NOW + 10)
    assert arrivals.before("1") == (early,)
    assert [arrivals.take(one) for one in (early, later)] == [(), ()]
    assert arrivals.offered_at("1") == NOW
    assert arrivals.take(report(NOW + 20)) == ("1",), "and is one call still"


def test_a_correction_goes_to_the_call_it_names_whoever_called_and_however_long_ago() -> None:
    arrivals = Arrivals()
    arrivals.offered("1", None, NOW)
    assert arrivals.take(correction("1", NOW + 1)) == ("1",)
    assert arrivals.take(correction("1", NOW + 2)) == ("1",), (
        "a person may say the same thing twice"
    )
    assert arrivals.take(correction("long gone")) == ("long gone",)


def test_what_is_on_record_of_a_call_is_not_told_again_after_a_restart() -> None:
    """The spool is read again from its begin; what the record holds stands in the way."""
    told, corrected, news = report(NOW + 1), correction("1", NOW + 2), report(NOW + 3)
    gone = correction("long gone", NOW + 4)
    recorded = [
        ("1", "aml_https", told.received_at),
        ("1", "operator", corrected.received_at),
        ("1", "sip_pidf", news.received_at),
        ("another", "aml_https", news.received_at),
        ("long gone", "operator", gone.received_at),
    ]
    arrivals = Arrivals(recorded)
    arrivals.offered("1", CALLER, NOW)
    assert [arrivals.take(one) for one in (told, corrected, news, gone)] == [(), (), ("1",), ()]


def test_one_phone_that_goes_on_and_on_fills_neither_a_call_nor_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrivals = Arrivals()
    for second in range(1000):
        arrivals.take(report(NOW + second / 10))
    arrivals.offered("1", CALLER, NOW + 100)
    assert [one.received_at for one in arrivals.before("1")] == [
        NOW + second / 10 for second in range(1000 - MOST_BEFORE, 1000)
    ]
    told = [arrivals.take(report(NOW + 200 + second)) for second in range(100)]
    assert told.count(("1",)) == MOST_OF_A_CALL - MOST_BEFORE
    assert arrivals.take(correction("1", NOW + 301)) == ("1",)

    monkeypatch.setattr(arriving, "MOST_CALLS", 5)
    monkeypatch.setattr(arriving, "MOST_REPORTS", 5)
    for number in range(50):
        arrivals.take(report(NOW + 400, f"+62812761{number:05}"))
        arrivals.offered(f"call {number}", f"+62812762{number:05}", NOW + 400)
    sizes = [
        len(vars(arrivals)[name]) for name in ("_reports", "_reports_of", "_calls", "_calls_of")
    ]
    assert max(sizes) <= 6


def test_all_is_forgotten_in_time() -> None:
    arrivals = Arrivals()
    for second in range(100):
        arrivals.take(report(NOW + second, f"+62812761{second % 7:05}", str(second)))
        arrivals.offered(str(second), f"+62812761{second % 9:05}", NOW + second)
    arrivals.offered("last", None, NOW + 2 * AFTER_S)
    sizes = [
        len(vars(arrivals)[name]) for name in ("_reports", "_reports_of", "_calls", "_calls_of")
    ]
    assert sizes == [0, 0, 1, 0]


async def followed(
    arrivals: Arrivals,
    spool: Spool,
    on_arrival: Callable[[str, Arrival], None],
    done: asyncio.Event,
    clock: Callable[[], float] = lambda: NOW + 10,
) -> None:
    """Follow the spool until ``done``."""
    task = asyncio.create_task(arrivals.follow(spool, on_arrival, clock))
    try:
        await asyncio.wait_for(done.wait(), 10)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_what_lies_in_the_spool_is_told_and_one_that_cannot_be_told_keeps_back_no_other(
    tmp_path: Path,
) -> None:
    arrivals, writer = Arrivals(), Spool(tmp_path)
    arrivals.offered("1", CALLER, NOW)
    (tmp_path / "junk").touch()
    put = [report(NOW + 1), report(NOW + 2, OTHER), correction("1", NOW + 3), report(NOW + 4)]
    for one in put:
        writer.put(one)
    told: list[Arrival] = []

    async def both() -> None:
        done = asyncio.Event()

        def on_arrival(call_id: str, arrived: Arrival) -> None:
            assert call_id == "1"
            told.append(arrived)
            if len(told) == 3:
                done.set()
            if len(told) == 1:
                raise RuntimeError("the record is away")

        await followed(arrivals, Spool(tmp_path), on_arrival, done)

    with capture_logs() as logs:
        asyncio.run(both())
    assert told == [put[0], put[2], put[3]]
    assert "location_not_told" in [line["event"] for line in logs]


def test_a_spool_that_cannot_be_read_is_told_and_tried_again(tmp_path: Path) -> None:
    in_the_way = tmp_path / "spool"
    in_the_way.write_text("")
    arrivals = Arrivals()
    arrivals.offered("1", CALLER, NOW)
    looks = iter(range(1000))

    def clock() -> float:
        if next(looks) == 1:  # it failed once
            in_the_way.unlink()
            Spool(in_the_way).put(report(NOW + 1))
        return NOW + 10

    async def both() -> None:
        done = asyncio.Event()
        await followed(arrivals, Spool(in_the_way), lambda call_id, _: done.set(), done, clock)

    with capture_logs() as logs:
        asyncio.run(both())
    assert [line["event"] for line in logs] == ["spool_unreadable", "location_arrived"]


class Failing(Spool):
    """A spool with a fault nobody thought of, for a few looks."""

    failures = 3

    def fresh(self, now: float) -> list[Arrival]:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("out of nowhere")
        return super().fresh(now)


def test_whatever_a_spool_raises_what_comes_later_is_told_and_the_log_is_not_filled(
    tmp_path: Path,
) -> None:
    arrivals, spool = Arrivals(), Failing(tmp_path)
    arrivals.offered("1", CALLER, NOW)
    spool.put(report(NOW + 1))

    async def both() -> None:
        done = asyncio.Event()
        await followed(arrivals, spool, lambda call_id, _: done.set(), done)

    with capture_logs() as logs:
        asyncio.run(both())
    assert [line["event"] for line in logs] == ["spool_unreadable", "location_arrived"]
    assert logs[0]["exc_info"]


def test_a_spool_that_stays_unreadable_is_told_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "LOOK_S", 0.01)
    in_the_way = tmp_path / "spool"
    in_the_way.write_text("")
    looks = iter((0, 30, 59, 61, 90, 130))

    async def both() -> None:
        done = asyncio.Event()

        def clock() -> float:
            passed = next(looks, None)
            if passed is None:
                done.set()
                return NOW + 130
            return NOW + passed

        await followed(Arrivals(), Spool(in_the_way), lambda call_id, _: None, done, clock)

    with capture_logs() as logs:
        asyncio.run(both())
    assert len([line for line in logs if line["event"] == "spool_unreadable"]) == 3


def test_a_report_that_cannot_be_taken_keeps_back_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals, spool = Arrivals(), Spool(tmp_path)
    arrivals.offered("1", CALLER, NOW)
    bad, good = report(NOW + 1), report(NOW + 2)
    spool.put(bad)
    spool.put(good)
    take = arrivals.take

    def failing(arrived: Arrival) -> tuple[str, ...]:
        if arrived == bad:
            raise RuntimeError("out of nowhere")
        return take(arrived)

    monkeypatch.setattr(arrivals, "take", failing)
    told: list[Arrival] = []

    async def both() -> None:
        done = asyncio.Event()

        def on_arrival(call_id: str, arrived: Arrival) -> None:
            told.append(arrived)
            done.set()

        await followed(arrivals, spool, on_arrival, done)

    with capture_logs() as logs:
        asyncio.run(both())
    assert told == [good]
    assert [line["event"] for line in logs] == ["location_not_told", "location_arrived"]


def asked(call_id: str) -> Asked:
    directory = Directory(agencies=(), operators=(), carriers=(), trunks={}, places={})
    return Asked(call_id, CALLER, "telkom", NOW, directory, Geography())


@pytest.mark.parametrize("kind", ["aml_https", "aml_sms"])
def test_what_was_here_first_is_a_source_like_others_and_tells_its_own_kind(
    kind: Literal["aml_https", "aml_sms"],
) -> None:
    arrivals = Arrivals()
    for number, of_kind in enumerate(("aml_https", "aml_sms", "aml_https", "aml_sms")):
        said = Report(of_kind, NUMBER, observed_at=NOW - 99, raw=str(number))
        arrivals.take(arrival(said, NOW + number))
    arrivals.offered("1", CALLER, NOW + 10)
    source = Reported(kind, arrivals)
    found = asyncio.run(source.find(asked("1")))
    assert [location.source for location in found] == [kind, kind]
    assert [location.received_at for location in found] == (
        [NOW, NOW + 2] if kind == "aml_https" else [NOW + 1, NOW + 3]
    )
    assert asyncio.run(source.find(asked("1"))) == found, "asking changes nothing"
    assert asyncio.run(source.find(asked("never offered"))) == []


def test_what_a_phone_told_long_before_its_call_is_believed_less_by_whichever_way_it_comes() -> (
    None
):
    arrivals = Arrivals()
    early = arrival(Report("aml_https", NUMBER, lat=1.25, lon=101.25, radius_m=20.0), NOW - 300)
    arrivals.take(early)
    arrivals.offered("1", CALLER, NOW)
    question = replace(asked("1"), geography=world())
    (found,) = asyncio.run(Reported("aml_https", arrivals).find(question))
    assert found.confidence == 0.6
    assert location(early, world(), arrivals.offered_at("1")) == found
    assert location(early, world(), arrivals.offered_at("never offered")).confidence == 0.95


def test_a_correction_is_the_operators_word_for_a_place_or_a_point() -> None:
    place = arrival(Correction("1", "sari", code="14.03.09.1001", note="pasar"), NOW)
    by_code = location(place, Geography(), None)
    assert (by_code.source, by_code.code, by_code.confidence) == ("operator", "14.03.09.1001", 1.0)
    assert (by_code.text, by_code.received_at, by_code.raw) == ("pasar", NOW, "sari")
    point = arrival(Correction("1", "sari", lat=1.2856, lon=101.197, radius_m=30.0), NOW)
    by_point = location(point, Geography(), NOW + 3600)
    assert (by_point.source, by_point.code) == ("operator", None)
    assert (by_point.lat, by_point.lon, by_point.radius_m) == (1.2856, 101.197, 30.0)
