"""Locations that arrive while a call's dialogue is under way, until the dialogue takes them.

A dialogue is held by one session at a time, and looks into its box whenever it is between two commands.
A location for a call that no session holds (its caller is being rung for, is talking, or has gone) is
refused here: whoever brought it writes it down himself.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from routing.model import Location

MOST = 50
"""So many wait in a box; a flood costs its own oldest ones, and nothing else."""


@dataclass(slots=True)
class Inboxes:
    """The boxes of the sessions that are open now, by call."""

    _open: dict[str, deque[Location]] = field(default_factory=dict)

    def open(self, call_id: str) -> deque[Location]:
        """The box of a call from now on."""
        return self._open.setdefault(call_id, deque(maxlen=MOST))

    def put(self, call_id: str, location: Location) -> bool:
        """Hand it to the session that holds the call; False where none does."""
        box = self._open.get(call_id)
        if box is None:
            return False
        box.append(location)
        return True

    def close(self, call_id: str) -> tuple[Location, ...]:
        """The session is over; what it did not take comes back."""
        return tuple(self._open.pop(call_id, ()))
