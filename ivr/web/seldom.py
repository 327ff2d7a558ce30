"""Log lines that strangers can cause: one of each kind a minute, with how often it happened."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog

EVERY_S = 60.0

log = structlog.get_logger(__name__)


class Seldom:
    """Says each event at once, and then at most once a minute. The kinds are few and ours."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._said_at: dict[tuple[str, str], float] = {}
        self._times: Counter[tuple[str, str]] = Counter()

    def warning(self, event: str, why: str, **more: Any) -> None:
        """One more of this event for this reason; ``times`` counts those since the last line."""
        kind = (event, why)
        self._times[kind] += 1
        now = self._monotonic()
        if now - self._said_at.get(kind, -EVERY_S) >= EVERY_S:
            self._said_at[kind] = now
            log.warning(event, why=why, times=self._times.pop(kind), **more)
