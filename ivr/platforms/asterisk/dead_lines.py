"""Lines that are dead and do not know it: a phone without power, a BYE that was lost.

Silence alone proves nothing: a phone that suppresses silence sends no RTP while somebody hides and
dares not speak. So a channel from which no packet has come for a minute is *asked*: a session refresh
(a re-INVITE, which every phone answers) goes out on it. Whatever comes back in that dialog within the
life of the request (RFC 3261, 64*T1 = 32 s) is a sign of life, and so is a single RTP packet. Only a
line that gives neither is cleared.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import structlog

SILENT_S = 60.0
ANSWER_S = 35.0

_ROW = re.compile(r"^\s*(?:\S+\s+)?(\S+-[0-9a-f]{8})\s+\d+:\d+:\d+\s+\S+\s+(\d+)\s", re.MULTILINE)
_CALL_ID = re.compile(r"^\s*SIAGA_SIP=([^\s\"]{1,200})\s*$", re.MULTILINE)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Line:
    """One channel: the packets that came, since when no more, and when it was asked."""

    packets: int
    since: float
    asked_at: float | None = None
    call_id: str = ""


def received(statistics: str) -> dict[str, int]:
    """Packets received by channel, from Asterisk's ``pjsip show channelstats``."""
    return {name: int(count) for name, count in _ROW.findall(statistics)}


class DeadLines:
    """Looks at all channels every few seconds. ``ask`` runs one console command of Asterisk."""

    def __init__(
        self,
        ask: Callable[[str], str | None],
        silent_s: float = SILENT_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._ask = ask
        self._silent_s = silent_s
        self._answer_s = answer_s
        self._lines: dict[str, Line] = {}
        self._listening = False

    def look(self, now: float) -> None:
        """Ask the lines that fell silent, clear those that gave no sign; ``now`` is monotonic."""
        statistics = self._ask("pjsip show channelstats")
        if statistics is None:
            return
        before, self._lines = self._lines, {}
        for name, packets in received(statistics).items():
            line = before.get(name)
            same = line is not None and line.packets == packets
            self._lines[name] = line if line is not None and same else Line(packets, now)
        for name, line in self._lines.items():
            if line.asked_at is not None and now - line.asked_at >= self._answer_s:
                self._decide(name, line, now)
            elif line.asked_at is None and now - line.since >= self._silent_s:
                self._refresh(name, line, now)
        if self._listening and not any(line.asked_at for line in self._lines.values()):
            self._listen("off")

    def _refresh(self, name: str, line: Line, now: float) -> None:
        found = _CALL_ID.search(self._ask(f"core show channel PJSIP/{name}") or "")
        if found is None:
            return  # nobody talks on it yet
        if not self._listening:
            self._listen("on")
        line.call_id, line.asked_at = found[1], now
        log.warning("line_silent_and_asked", channel=name)
        self._ask(f"dialplan set chanvar PJSIP/{name} PJSIP_SEND_SESSION_REFRESH() invite")

    def _decide(self, name: str, line: Line, now: float) -> None:
        said = self._ask(f'pjsip show history where sip.msg.call-id = "{line.call_id}"')
        if said is None:
            return
        line.asked_at = None
        line.since = now
        if "==>" in said and "<==" not in said:
            log.error("line_dead_and_cleared", channel=name)
            self._ask(f"channel request hangup PJSIP/{name}")

    def _listen(self, whether: str) -> None:
        """Asterisk remembers SIP messages only while an answer is waited for."""
        self._ask(f"pjsip set history {whether}")
        self._ask("pjsip set history clear")
        self._listening = whether == "on"
