"""Log lines never stop a call and never show a caller."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from typing import Any, TextIO

import pytest
import structlog

from ivr import log


@pytest.fixture(autouse=True)
def _structlog_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def logged(target: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in target.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_level_time_and_call() -> None:
    target = io.StringIO()
    line = log.start(target)
    structlog.contextvars.bind_contextvars(call_id="1700000000.1")
    structlog.get_logger("x").warning("commit_late", what="offered", seconds=0.05)
    structlog.get_logger("x").debug("nothing")
    line.close()
    (said,) = logged(target)
    assert said.pop("timestamp").endswith("Z")
    assert said == {
        "event": "commit_late",
        "level": "warning",
        "call_id": "1700000000.1",
        "what": "offered",
        "seconds": 0.05,
    }


def test_personal_values_keep_only_their_end() -> None:
    target = io.StringIO()
    line = log.start(target)
    structlog.get_logger().info(
        "call_offered", pii_caller="+6281276123456", pii_short="12", pii_none=None, trunk="jasnita"
    )
    line.close()
    (said,) = logged(target)
    assert said["pii_caller"] == "***********456"
    assert said["pii_short"] == "12"
    assert said["pii_none"] is None
    assert said["trunk"] == "jasnita"
    assert "6281276" not in target.getvalue()


def test_an_exception_is_told_with_its_traceback() -> None:
    target = io.StringIO()
    line = log.start(target)
    try:
        raise ValueError("x")
    except ValueError:
        structlog.get_logger().exception("routing_failed")
    line.close()
    (said,) = logged(target)
    assert "ValueError: x" in said["exception"]


@pytest.mark.parametrize("value", ["\udcff", 2**70, b"\xff", object(), {1: "\ud800"}, float("nan")])
def test_no_value_makes_the_one_who_logs_fail(value: object) -> None:
    target = io.StringIO()
    line = log.start(target)
    structlog.get_logger().info("odd", value=value)
    line.close()
    (said,) = logged(target)
    assert said["event"] == "odd"


def test_a_reader_that_stops_reading_costs_lines_and_they_are_counted() -> None:
    reading, writing = os.pipe()
    sent = log.MOST_WAITING + 5000  # more than the queue and the pipe hold together
    with os.fdopen(writing, "w") as target:
        line = log.Line(target)
        for number in range(sent):
            line.msg(f'{{"number":{number}}}' + " " * 100)
        assert line.dropped > 0
        text: list[str] = []

        def read() -> None:
            with os.fdopen(reading) as source:
                text.extend(source)

        reader = threading.Thread(target=read)
        reader.start()
        line.close()
    reader.join()
    said = [json.loads(one) for one in text]
    told = sum(one["count"] for one in said if one.get("event") == "log_lines_dropped")
    written = [one["number"] for one in said if "number" in one]
    assert told == line.dropped
    assert len(written) + told == sent
    assert written == sorted(written)


def test_closing_does_not_wait_for_a_reader_that_is_gone_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log, "MOST_WAITING", 10)
    monkeypatch.setattr(log, "CLOSE_S", 0.05, raising=False)
    reading, writing = os.pipe()
    target = os.fdopen(writing, "w")
    line = log.Line(target)
    for _ in range(100):
        line.msg("x" * 4096)
    closing = threading.Thread(target=line.close, daemon=True)
    closing.start()
    closing.join(5.0)
    assert not closing.is_alive()
    while os.read(reading, 1 << 16).count(b"x") == 1 << 16:
        pass  # let the writer go, so that it does not outlive this test
    os.close(reading)


class Refusing(io.StringIO):
    """A file on a disk that is full for the first lines."""

    refused = 0

    def write(self, text: str) -> int:
        if self.refused < 2:
            self.refused += 1
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_costs_lines_and_not_the_log() -> None:
    target: TextIO = Refusing()
    line = log.Line(target)
    for number in range(4):
        line.msg(f'{{"number":{number}}}')
    line.close()
    assert isinstance(target, Refusing)
    assert logged(target) == [
        {"event": "log_lines_dropped", "count": 2},
        {"number": 2},
        {"number": 3},
    ]
