"""Log lines: JSON, one event a line, personal values masked, and a queue before the file.

A reader that stops reading must never stop a call: when the queue is full, lines are dropped and
counted. A value under a key that begins ``pii_`` keeps its last three characters.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog

MOST_WAITING = 10_000
KEPT_CHARACTERS = 3
PERSONAL = "pii_"


class Line:
    """The queue and the thread that empties it."""

    def __init__(self, target: TextIO) -> None:
        self.dropped = 0
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
        """Write what is left."""
        self._lines.put(None)
        self._thread.join(2.0)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            if self.dropped:
                line = f'{{"event":"log_lines_dropped","count":{self.dropped}}}\n{line}'
                self.dropped = 0
            self._target.write(line + "\n")
            self._target.flush()


def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep of every personal value only its end, enough to tell two callers apart."""
    for key, value in event.items():
        if key.startswith(PERSONAL) and value is not None:
            text = str(value)
            event[key] = "*" * max(0, len(text) - KEPT_CHARACTERS) + text[-KEPT_CHARACTERS:]
    return event


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
            structlog.processors.JSONRenderer(
                lambda value, **_: orjson.dumps(value, default=str).decode()
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: line,
        cache_logger_on_first_use=False,
    )
    return line
