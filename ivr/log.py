"""Log lines: JSON, one event a line, personal values masked, and a queue before the file.

A reader that stops reading must never stop a call: when the queue is full, lines are dropped and
counted; so are lines that the file refuses. A value under a key that begins ``pii_`` keeps its last
three characters.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog

MOST_WAITING = 10_000
KEPT_CHARACTERS = 3
CLOSE_S = 2.0
PERSONAL = "pii_"


class Line:
    """The queue and the thread that empties it."""

    def __init__(self, target: TextIO) -> None:
        self.dropped = 0  # of all lines until now
        self._target = target
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def msg(self, message: str) -> None:
        """Hand over one line; never waits."""
        try:
            self._lines.put_nowait(message)
        except queue.Full:
            self.dropped += 1

    debug = info = warning = error = critical = exception = log = msg

    def close(self) -> None:
        """Write what is left, unless nobody reads it."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=CLOSE_S)
        self._thread.join(CLOSE_S)

    def _write(self) -> None:
        told = 0
        ended = False
        while not ended:
            line = self._lines.get()
            ended = line is None
            lost = self.dropped - told
            text = f'{{"event":"log_lines_dropped","count":{lost}}}\n' if lost else ""
            try:
                self._target.write(text if line is None else f"{text}{line}\n")
                self._target.flush()
                told += lost
            except (OSError, ValueError):  # a full disk, a closed pipe: the next line may go again
                self.dropped += line is not None


def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep of every personal value only its end, enough to tell two callers apart."""
    for key, value in event.items():
        if key.startswith(PERSONAL) and value is not None:
            text = str(value)
            event[key] = "*" * max(0, len(text) - KEPT_CHARACTERS) + text[-KEPT_CHARACTERS:]
    return event


def _as_json(value: Any, **_: Any) -> str:
    """Any values as JSON: whoever logs must not fail for what he logs."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:
        return json.dumps(value, default=str, skipkeys=True)


def start(target: TextIO = sys.stdout, level: str = "info") -> Line:
    """Configure structlog for this process; close what is returned at its end."""
    line = Line(target)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            structlog.processors.JSONRenderer(_as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: line,
        cache_logger_on_first_use=False,
    )
    return line
