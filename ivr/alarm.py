"""Says loudly when no person can be reached, and when that is over.

To the log, to a file for Prometheus' textfile collector, and to a webhook. Nothing here waits for a
network: the newest message is delivered by a thread of its own, again and again until it is taken.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from ivr.platforms.asterisk.reachability import Standing
from ivr.webhook import post

REMIND_S = 60.0
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)

log = structlog.get_logger(__name__)


class News:
    """The newest message of one kind, delivered to a webhook by a thread of its own."""

    def __init__(self, url: str | None, secret: str, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._url = url
        self._secret = secret
        self._pauses_s = pauses_s
        self._newest: bytes | None = None
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._deliver, name="alarm", daemon=True)
        if url:
            self._thread.start()

    def post(self, message: Mapping[str, object]) -> None:
        """Deliver this; whatever older one was not taken yet is out of date."""
        with self._wake:
            self._newest = json.dumps(message).encode()
            self._wake.notify()

    def close(self) -> None:
        """Stop delivering."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _deliver(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._newest is not None or self._closing)
                if self._closing:
                    return
                message, self._newest = self._newest, None
            self._insist(message or b"")

    def _insist(self, message: bytes) -> None:
        """Until it is taken, or there is newer news."""
        tries = 0
        while not self._sent(message):
            pause = self._pauses_s[min(tries, len(self._pauses_s) - 1)]
            tries += 1
            with self._wake:
                if self._wake.wait_for(lambda: self._newest is not None or self._closing, pause):
                    return

    def _sent(self, message: bytes) -> bool:
        answer = post(self._url or "", self._secret, message)
        if not answer.taken:
            log.warning("alarm_not_delivered", error=answer.error, status=answer.status)
        return answer.taken


class Alarm:
    """Told how things stand every few seconds; ``close`` at the end."""

    def __init__(
        self,
        metrics: Path,
        daerah: Callable[[], str],
        *,
        url: str | None = None,
        secret: str = "",
        clock: Callable[[], float] = time.time,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._metrics = metrics
        self._daerah = daerah
        self._clock = clock
        self._reachable = True
        self._said_at = 0.0
        self._refused_at = 0.0
        self._news = News(url, secret, pauses_s)

    def tell(self, standings: Sequence[Standing]) -> None:
        """Take in how things stand now. Never waits, never raises for what it could not write."""
        now = self._clock()
        reachable = any(standing.reachable for standing in standings)
        changed = reachable != self._reachable
        self._reachable = reachable
        if not reachable and (changed or is_due(self._said_at, now)):
            self._said_at = now
            log.error("no_human_reachable", why={s.operator: s.why for s in standings})
        elif changed:
            log.info("human_reachable_again")
        if changed:
            self._post(reachable, standings, now)
        self._write(reachable, standings, now)

    def close(self) -> None:
        """Stop delivering."""
        self._news.close()

    def _post(self, reachable: bool, standings: Sequence[Standing], now: float) -> None:
        message = {
            "event": "human_reachable" if reachable else "human_unreachable",
            **occasion(now, self._daerah()),
            "operators": [
                {"operator": s.operator, "reachable": s.reachable, "why": s.why} for s in standings
            ],
        }
        self._news.post(message)

    def _write(self, reachable: bool, standings: Sequence[Standing], now: float) -> None:
        lines = [
            "# HELP siaga_human_reachable 1 if a person at an answering point can be reached now.",
            "# TYPE siaga_human_reachable gauge",
            f"siaga_human_reachable {int(reachable)}",
            "# HELP siaga_operator_reachable 1 if a person can be reached at this answering point.",
            "# TYPE siaga_operator_reachable gauge",
            *(
                f'siaga_operator_reachable{{operator="{_label(s.operator)}"}} {int(s.reachable)}'
                for s in standings
            ),
            "# HELP siaga_reachability_checked_timestamp_seconds When this was looked at last.",
            "# TYPE siaga_reachability_checked_timestamp_seconds gauge",
            f"siaga_reachability_checked_timestamp_seconds {now:.0f}",
        ]
        try:
            replace_metrics(self._metrics, lines)
        except (OSError, ValueError) as error:  # ValueError: a name that is no UTF-8
            if is_due(self._refused_at, now):
                self._refused_at = now
                log.error("metrics_not_written", error=str(error))


def replace_metrics(metrics: Path, lines: Sequence[str]) -> None:
    """Write a file of Prometheus' lines whole or not at all. Raises OSError, and ValueError for no UTF-8."""
    fresh = metrics.with_suffix(".new")
    fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
    fresh.replace(metrics)


def is_unreachable(metrics: Path) -> bool:
    """True where the newest look found no person who can be reached. A small file in the page cache."""
    try:
        return "\nsiaga_human_reachable 0\n" in metrics.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False  # nobody has looked: then nobody is given up


def occasion(now: float, daerah: str) -> dict[str, str]:
    """What each message says besides its news; ``now`` is a moment in seconds since 1970."""
    return {"at": datetime.fromtimestamp(now, UTC).isoformat(), "daerah": daerah}


def is_due(said_at: float, now: float) -> bool:
    """True once a minute; also where the clock was set back, which must not make us quiet."""
    return not 0 <= now - said_at < REMIND_S


def _label(text: str) -> str:
    """A label's value as Prometheus reads it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
