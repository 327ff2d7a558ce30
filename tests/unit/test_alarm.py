"""Nobody can be reached: it is logged, measured and delivered, and none of it ever waits."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.server
import json
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ivr.alarm import REMIND_S, Alarm, is_unreachable
from ivr.platforms.asterisk.reachability import Standing
from ivr.webhook import SIGNATURE

REACHED = (Standing("pusat", True, "menjawab"),)
ALONE = (Standing("pusat", False, "tidak menjawab OPTIONS"), Standing("b", False, "x"))
SECRET = "rahasia"


class Clock:
    def __init__(self) -> None:
        self.now = 1_764_000_000.0

    def __call__(self) -> float:
        return self.now


class Hook(http.server.BaseHTTPRequestHandler):
    answers: list[int]
    got: queue.Queue[tuple[str | None, bytes, int]]
    gate: threading.Event

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.gate.wait(10)
        code = self.answers.pop(0) if self.answers else 204
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.got.put((self.headers[SIGNATURE], body, code))

    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def hooked(path: Path, *answers: int, open_gate: bool = True) -> Iterator[tuple[Alarm, type[Hook]]]:
    gate = threading.Event()
    if open_gate:
        gate.set()
    members = {"answers": list(answers), "got": queue.Queue(), "gate": gate}
    hook = type("OneHook", (Hook,), members)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hook?key=1"
    alarm = Alarm(
        path / "m.prom",
        lambda: "Bengkalis",
        url=url,
        secret=SECRET,
        clock=Clock(),
        pauses_s=(0.01,),
    )
    try:
        yield alarm, hook
    finally:
        gate.set()
        alarm.close()
        server.shutdown()
        server.server_close()


def test_it_is_said_once_again_every_minute_and_when_it_is_over(tmp_path: Path) -> None:
    clock = Clock()
    alarm = Alarm(tmp_path / "m.prom", lambda: "Bengkalis", clock=clock)
    with capture_logs() as logs:
        alarm.tell(REACHED)
        for _ in range(5):
            alarm.tell(ALONE)
            clock.now += 2
        clock.now += REMIND_S
        alarm.tell(ALONE)
        alarm.tell(REACHED)
    assert [line["event"] for line in logs] == [
        "no_human_reachable",
        "no_human_reachable",
        "human_reachable_again",
    ]
    assert logs[0]["why"] == {"pusat": "tidak menjawab OPTIONS", "b": "x"}


def test_the_metric_says_how_it_stands_now(tmp_path: Path) -> None:
    alarm = Alarm(tmp_path / "m.prom", lambda: "Bengkalis", clock=Clock())
    with capture_logs():
        alarm.tell(ALONE)
        assert "siaga_human_reachable 0\n" in (tmp_path / "m.prom").read_text()
        assert is_unreachable(tmp_path / "m.prom")
        alarm.tell(REACHED)
    assert not is_unreachable(tmp_path / "m.prom")
    assert not is_unreachable(tmp_path / "not-there.prom"), "nobody is given up unseen"
    text = (tmp_path / "m.prom").read_text()
    assert "siaga_human_reachable 1\n" in text
    assert 'siaga_operator_reachable{operator="pusat"} 1\n' in text
    assert "siaga_reachability_checked_timestamp_seconds 1764000000\n" in text


def test_a_metric_that_cannot_be_written_is_told_and_nothing_else_suffers(tmp_path: Path) -> None:
    alarm = Alarm(tmp_path / "no" / "m.prom", lambda: "Bengkalis", clock=Clock())
    with capture_logs() as logs:
        alarm.tell(ALONE)
    assert [line["event"] for line in logs] == ["no_human_reachable", "metrics_not_written"]


def test_a_metric_that_cannot_be_written_is_told_once_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    alarm = Alarm(tmp_path / "no" / "m.prom", lambda: "Bengkalis", clock=clock)
    with capture_logs() as logs:
        for _ in range(30):
            alarm.tell(REACHED)
            clock.now += 2
        assert len(logs) == 1
        alarm.tell(REACHED)
    assert [line["event"] for line in logs] == ["metrics_not_written"] * 2


def test_a_label_is_escaped(tmp_path: Path) -> None:
    alarm = Alarm(tmp_path / "m.prom", lambda: "Bengkalis", clock=Clock())
    alarm.tell((Standing('a"\\\n', True, "menjawab"),))
    assert r'siaga_operator_reachable{operator="a\"\\\n"} 1' in (tmp_path / "m.prom").read_text()


def test_a_name_that_is_no_text_stops_nothing(tmp_path: Path) -> None:
    alarm = Alarm(tmp_path / "m.prom", lambda: "\ud800", clock=Clock())
    with capture_logs() as logs:
        alarm.tell((Standing("\ud800", False, "\ud800"),))
    assert [line["event"] for line in logs] == ["no_human_reachable", "metrics_not_written"]


def test_a_clock_that_is_set_back_does_not_make_it_quiet(tmp_path: Path) -> None:
    clock = Clock()
    alarm = Alarm(tmp_path / "m.prom", lambda: "Bengkalis", clock=clock)
    with capture_logs() as logs:
        alarm.tell(ALONE)
        clock.now -= 3600
        alarm.tell(ALONE)
        alarm.tell(ALONE)
    assert len(logs) == 2


def test_a_webhook_gets_a_signed_message(tmp_path: Path) -> None:
    with capture_logs(), hooked(tmp_path) as (alarm, hook):
        alarm.tell(ALONE)
        signature, body, _ = hook.got.get(timeout=10)
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert signature == f"sha256={digest}"
    said: dict[str, Any] = json.loads(body)
    assert (said["event"], said["daerah"]) == ("human_unreachable", "Bengkalis")
    assert said["operators"][0]["why"] == "tidak menjawab OPTIONS"


@pytest.mark.parametrize("refusal", [500, 404, 302])
def test_it_is_delivered_again_until_it_is_taken(tmp_path: Path, refusal: int) -> None:
    """A redirect is a refusal: the message goes to nobody but whom it was meant for."""
    with capture_logs() as logs, hooked(tmp_path, refusal, refusal) as (alarm, hook):
        alarm.tell(ALONE)
        codes = [hook.got.get(timeout=10)[2] for _ in range(3)]
    assert codes == [refusal, refusal, 204]
    assert "key=1" not in str(logs)


def test_a_webhook_that_hangs_delays_nobody_and_newer_news_replace_older(tmp_path: Path) -> None:
    with capture_logs(), hooked(tmp_path, 500, open_gate=False) as (alarm, hook):
        alarm.tell(ALONE)  # taken by the thread, which now hangs
        alarm.tell(REACHED)
        alarm.tell(ALONE)
        alarm.tell(REACHED)
        hook.gate.set()
        events = [json.loads(hook.got.get(timeout=10)[1])["event"] for _ in range(2)]
    assert events[-1] == "human_reachable"
