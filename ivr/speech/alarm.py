"""Says loudly when nothing that callers say is understood, and when that is over.

To the same places as the alarm about people (``ivr.alarm``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from ivr.alarm import News, is_due, occasion, replace_metrics

log = structlog.get_logger(__name__)


class SpeechAlarm:
    """Told again and again whether speech is recognised, where it should be; ``close`` at the end."""

    def __init__(
        self,
        metrics: Path,
        daerah: Callable[[], str],
        *,
        url: str | None = None,
        secret: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metrics, self._daerah, self._clock = metrics, daerah, clock
        self._up: bool | None = None
        self._said_at = 0.0
        self._news = News(url, secret)

    def tell(self, *, up: bool, why: str) -> None:
        """``why`` it is not. Never waits, never raises for what it could not write."""
        now = self._clock()
        changed = up != self._up
        if not up and (changed or is_due(self._said_at, now)):
            self._said_at = now
            log.error("speech_down", why=why)
        if not changed:
            return
        if up and self._up is not None:
            log.info("speech_up_again")
        if not up or self._up is not None:
            self._news.post(
                {
                    "event": "speech_up" if up else "speech_down",
                    **occasion(now, self._daerah()),
                    "why": why,
                }
            )
        self._up = up
        try:
            replace_metrics(
                self._metrics,
                [
                    "# HELP siaga_speech_up 1 if what callers say is recognised now.",
                    "# TYPE siaga_speech_up gauge",
                    f"siaga_speech_up {int(up)}",
                ],
            )
        except OSError as error:
            log.error("metrics_not_written", error=str(error))

    def close(self) -> None:
        """Stop delivering."""
        self._news.close()
