"""Which ways out have just failed, and which are full, as far as the facts of the calls tell.

A way that failed is left aside for a little while only: then somebody has to try it again, or nobody
would ever learn that it works. Nothing here is asked of a network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.calls.board import Board, Fact
from routing.model import Trunk

ASIDE_S = 30.0
"""So long a way that failed stands behind the others."""


@dataclass(slots=True)
class Ways:
    """How the last leg over each trunk ended."""

    _failed_at: dict[str, float] = field(default_factory=dict)

    def feed(self, fact: Fact) -> None:
        """Take in how a leg ended. Only the way itself is judged: busy people are no failing trunk."""
        trunk = fact.who.partition("/")[2]
        if not trunk:
            return
        if fact.name == "result" and fact.result == "failed":
            self._failed_at[trunk] = fact.at
        elif fact.name == "accepted" or (fact.name == "result" and fact.result != "cancelled"):
            self._failed_at.pop(trunk, None)

    def down(self, now: float) -> frozenset[str]:
        """The trunks over which the last leg failed a moment ago (``now`` in epoch seconds)."""
        return frozenset(trunk for trunk, at in self._failed_at.items() if 0 <= now - at < ASIDE_S)


def full(
    board: Board, trunks: Mapping[str, Trunk], capacities: Mapping[str, int]
) -> tuple[frozenset[str], frozenset[str]]:
    """The agencies that talk to as many callers as they can (``capacities``), and the trunks whose
    channels are all taken. To be full only puts somebody behind the others."""
    over: Counter[str] = Counter()
    to: Counter[str] = Counter()
    for call in board.calls.values():
        agency, _, trunk = (call.talking_to or "").partition("/")
        over[trunk] += 1
        to[agency] += 1
    agencies = frozenset(name for name, most in capacities.items() if to[name] >= most)
    return agencies, frozenset(n for n, trunk in trunks.items() if over[n] >= trunk.channels)
