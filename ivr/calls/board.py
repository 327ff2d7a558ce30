"""What is going on now, by call: ringing, answered, bridged, ended. Fed by facts, asks nobody.

It also knows how long a voice was heard on a leg that was asked to press a key: somebody who picked up
and says "Halo?" is not a voicemail that tells its greeting.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

REMEMBERED = 1000
"""So many ended calls are still known, for what is told of them late."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened on a call's legs, as the platform saw it. ``at`` is epoch seconds."""

    call_id: str
    name: str
    """dialling ringing accepted result bridged left, calling_in called_in (an operator, into a talk),
    ended outcome reporting reported, key, voice quiet (on a leg that is being briefed)."""

    at: float
    who: str = ""  # agency/trunk of a leg; caller or human of an end
    channel: str = ""
    key: str = ""
    cause: str = ""
    result: str = ""  # of a leg, or of the call as its responder says


@dataclass(slots=True)
class LiveCall:
    """One call that has not ended."""

    call_id: str
    ringing: bool = False
    talking_to: str | None = None
    bridged: bool = False
    voice_since: dict[str, float] = field(default_factory=dict)
    voice_s: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Board:
    """All calls that have not ended."""

    calls: dict[str, LiveCall] = field(default_factory=dict)
    _ended: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def has_ended(self, call_id: str) -> bool:
        """True for a call whose end was told not long ago."""
        return call_id in self._ended

    def talking_to(self, who: str) -> int:
        """How many callers talk to somebody of this name (an agency, or `operator`)."""
        names = (call.talking_to or "" for call in self.calls.values())
        return sum(name.partition("/")[0] == who for name in names)

    def heard_s(self, call_id: str, who: str, now: float) -> float:
        """For how long a voice was heard on a leg that was asked to press a key (seconds)."""
        call = self.calls.get(call_id)
        if call is None:
            return 0.0
        since = call.voice_since.get(who)
        return call.voice_s.get(who, 0.0) + (max(0.0, now - since) if since is not None else 0.0)

    def feed(self, fact: Fact) -> bool:
        """Take a fact in. True if it is news: a call rings once for the record, and ends once.

        A call may be older than this board: the controller was started again while it went on. Its
        end is news when the extensions tell it, for they name who ended it and do so only for a
        call; a channel that merely hangs up may be anybody's.
        """
        if fact.name in ("reporting", "reported", "outcome"):
            return True  # of a caller who is gone
        call = self.calls.get(fact.call_id)
        if call is None:
            if fact.call_id in self._ended or (fact.name == "ended" and not fact.who):
                return False
            call = self.calls[fact.call_id] = LiveCall(fact.call_id)
        match fact.name:
            case "dialling":
                call.ringing = False
            case "ringing":
                news = not call.ringing
                call.ringing = True
                return news
            case "accepted":
                call.talking_to = fact.who
            case "voice":
                call.voice_since[fact.who] = fact.at
                return False
            case "quiet":
                since = call.voice_since.pop(fact.who, fact.at)
                call.voice_s[fact.who] = call.voice_s.get(fact.who, 0.0) + fact.at - since
                return False
            case "bridged":
                call.bridged = True
            case "left":
                call.bridged = call.ringing = False
                call.talking_to = None
            case "ended":
                del self.calls[fact.call_id]
                self._ended.append(fact.call_id)
        return True
