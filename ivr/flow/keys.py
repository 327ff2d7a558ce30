"""Which keys a caller presses to say that this happened there: the shortest way through."""

from __future__ import annotations

from collections import deque

from ivr.flow.actions import DecideRoute, Gather, LookAtQueue, Record
from ivr.flow.engine import advance, begin
from ivr.flow.events import CallOffered, DigitsEntered, NoInput, QueueSeen
from ivr.flow.model import PRESSED_CONFIDENCE, Dialplan

LONGEST = 6


def keys_to(dialplan: Dialplan, incident: str, place: str) -> str | None:
    """The keys that make the dialplan ask for a route for ``incident`` in kecamatan ``place``."""
    offered = CallOffered("keys", 0.0, None, "112", "", "", dialplan.version)
    waiting = deque([("", begin(dialplan, offered))])
    while waiting:
        keys, turn = waiting.popleft()
        asked = turn.state.waiting
        if isinstance(asked, DecideRoute):
            if (asked.incident, asked.place) == (
                incident,
                place,
            ) and asked.confidence >= PRESSED_CONFIDENCE:
                return keys
            continue
        if isinstance(asked, Record | LookAtQueue):
            answer = NoInput() if isinstance(asked, Record) else QueueSeen("free")
            waiting.append((keys, advance(dialplan, turn.state, answer)))
            continue
        if not isinstance(asked, Gather) or len(keys) >= LONGEST:
            continue
        for key in "123456789":
            following = advance(dialplan, turn.state, DigitsEntered(key))
            if following.state.no_match == 0:
                waiting.append((keys + key, following))
    return None
