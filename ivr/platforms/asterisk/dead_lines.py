"""Lines that are dead and do not know it: a phone without power, a BYE that was lost.

Silence alone proves nothing: a phone that suppresses silence sends no RTP while somebody listens and
dares not speak. So a channel from which no packet has come for a minute is *asked*: a session refresh
(a re-INVITE, which every phone answers) goes out on it. A phone that lives answers, and nothing changes. Where no answer
comes, Asterisk's SIP stack ends the dialog itself (RFC 3261, 12.2.1.2), and only that clears the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog

SILENT_S = 60.0
ASK_AGAIN_S = 60.0

_ROW = re.compile(r"^\s*(?:\S+\s+)?(\S+-[0-9a-f]{8})\s+\d+:\d+:\d+\s+\S+\s+(\d+)\s", re.MULTILINE)

log = structlog.get_logger(__name__)


def received(statistics: str) -> dict[str, int]:
    """Packets received by channel, from Asterisk's ``pjsip show channelstats``."""
    return {name: int(count) for name, count in _ROW.findall(statistics)}


class DeadLines:
    """Looks at all channels every few seconds. ``ask`` runs one console command of Asterisk."""

    def __init__(self, ask: Callable[[str], str | None], silent_s: float = SILENT_S) -> None:
        self._ask = ask
        self._silent_s = silent_s
        self._seen: dict[str, tuple[int, float]] = {}  # packets, and since when so many

    def look(self, now: float) -> list[str]:
        """Refresh the sessions of channels that have been silent; ``now`` is monotonic seconds."""
        statistics = self._ask("pjsip show channelstats")
        if statistics is None:
            return []
        counts = received(statistics)
        self._seen = {
            name: seen
            if (seen := self._seen.get(name)) is not None and seen[0] == count
            else (count, now)
            for name, count in counts.items()
        }
        silent = [n for n, (_, since) in self._seen.items() if now - since >= self._silent_s]
        for name in silent:
            log.warning("line_silent_and_asked", channel=name)
            self._ask(f"dialplan set chanvar PJSIP/{name} PJSIP_SEND_SESSION_REFRESH() invite")
            count, _ = self._seen[name]
            self._seen[name] = (count, now + ASK_AGAIN_S - self._silent_s)
        return silent
